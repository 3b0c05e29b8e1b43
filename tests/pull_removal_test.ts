import { expect } from "expect";
import type { Database } from "../lib/db/mod.ts";
import { eachDatabase, hasPostgres, openTestDatabase } from "./support/databases.ts";
import { pullAs, recordsOf, removedOf, syncWorld } from "./support/sync.ts";

/** A client that keeps the rows of an answer, and loses its cursor before it is stored. */
async function forgetfulClient(db: Database) {
  await db.script(`
    CREATE SCHEMA app;
    CREATE TABLE app.note (
      id integer PRIMARY KEY, organization_id integer NOT NULL, color text NOT NULL)`);
  const world = await syncWorld(db);
  const name = "app.Note";
  const rows = new Map<number, string>();
  let cursor: string | null = null;
  return {
    rows,
    show: (color: string) => world.grant("one", "Staff", name, { pull: true, filters: { color } }),
    async pull({ loseCursor = false, batchSize = 100 } = {}) {
      const ann = await world.caller("ann", "one");
      const page = await pullAs(world, ann, { [name]: cursor }, { batchSize });
      if (page.models[0].reset) rows.clear();
      for (const { id, color } of recordsOf(page, name)) rows.set(id, color);
      for (const id of removedOf(page, name)) rows.delete(id as number);
      if (!loseCursor) cursor = page.models[0].cursor;
      return page.models[0];
    },
  };
}

eachDatabase("a row that came and went after the stored cursor is removed", async ({ db }) => {
  const client = await forgetfulClient(db);
  await client.show("red");
  await client.pull();
  await db.script("INSERT INTO app.note VALUES (1, 1, 'red')");
  await client.pull({ loseCursor: true });
  expect([...client.rows.keys()]).toEqual([1]);
  await db.script("DELETE FROM app.note");
  await client.pull();
  expect(client.rows.size).toBe(0);
});

eachDatabase(
  "rows of a right that was given and taken after the stored cursor are removed",
  async ({ db }) => {
    const client = await forgetfulClient(db);
    await db.script("INSERT INTO app.note VALUES (1, 1, 'red'), (2, 1, 'blue'), (3, 1, 'green')");
    await client.show("red");
    await client.pull();
    await client.show("blue");
    await client.pull({ loseCursor: true });
    expect([...client.rows]).toEqual([[2, "blue"]]);
    await client.show("red");
    await client.pull({ loseCursor: true });
    expect([...client.rows]).toEqual([[1, "red"]]);
    await client.show("green");
    const page = await client.pull();
    expect([...client.rows]).toEqual([[3, "green"]]);
    expect(page.reset).toBe(false);
    // What is settled is not read again.
    const { count, removed } = await client.pull();
    expect([count, removed]).toEqual([0, []]);
  },
);

eachDatabase("a removal is told on whatever page the row's last change falls", async ({ db }) => {
  const client = await forgetfulClient(db);
  await db.script("INSERT INTO app.note SELECT i, 1, 'red' FROM generate_series(1, 5) i");
  await client.show("red");
  await client.pull();
  expect(client.rows.size).toBe(5);
  // Only the first change of each row says that the client holds it.
  await db.script("UPDATE app.note SET color = 'blue'; UPDATE app.note SET color = 'green'");
  for (let pages = 0; pages < 5; pages++) await client.pull({ batchSize: 1 });
  expect((await client.pull()).removed).toEqual([]);
  expect(client.rows.size).toBe(0);
});

Deno.test({
  name: "a removal is told of a transaction that is older than the log's look at the column",
  ignore: !hasPostgres,
  fn: async () => {
    await using database = await openTestDatabase("postgres");
    const { db } = database;
    const client = await forgetfulClient(db);
    await db.script("INSERT INTO app.note VALUES (1, 1, 'red')");
    await client.show("red");
    await db.transaction({}, async (old) => {
      await old.query("SELECT pg_current_xact_id()");
      await client.pull();
      expect([...client.rows.keys()]).toEqual([1]);
      await old.script("DELETE FROM app.note");
    });
    await client.pull();
    expect(client.rows.size).toBe(0);
  },
});
