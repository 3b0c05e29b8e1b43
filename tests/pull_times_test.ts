/** Positions that are times: those that the server gave, and those that it never gave. @module */
import { expect } from "expect";
import type { Database } from "../lib/db/mod.ts";
import { rememberSnapshot } from "../lib/sync/installation.ts";
import { eachDatabase } from "./support/databases.ts";
import { letTimePass, madeOlder } from "./support/let_time_pass.ts";
import { pullAs, recordsOf, removedOf, syncWorld } from "./support/sync.ts";

const name = "app.Note";

/** A client of `count` red and blue notes in turns, on a server that has been running for a while. */
async function noteClient(db: Database, count: number) {
  await db.script(`
    CREATE SCHEMA app;
    CREATE TABLE app.note (
      id integer PRIMARY KEY, organization_id integer NOT NULL, color text NOT NULL);
    INSERT INTO app.note SELECT i, 1, CASE i % 2 WHEN 0 THEN 'red' ELSE 'blue' END
    FROM generate_series(1, ${count}) i`);
  const world = await syncWorld(db);
  await world.grant("one", "Staff", name, { pull: true });
  const ben = await world.caller("ben", "one");
  await world.grant("one", "Others", name, { pull: true });
  await pullAs(world, ben, { [name]: null });
  await letTimePass(db);
  await rememberSnapshot(db);
  await letTimePass(db);
  const rows = new Set<number>();
  return {
    rows,
    show: (filters?: unknown) => world.grant("one", "Staff", name, { pull: true, filters }),
    async pull(position: string | null, batchSize = 100, device = "") {
      const ann = await world.caller("ann", "one");
      const page = await pullAs(world, ann, { [name]: position }, { batchSize, device });
      const [model] = page.models;
      if (model.reset) rows.clear();
      for (const { id } of recordsOf(page, name)) rows.add(id);
      for (const id of removedOf(page, name)) rows.delete(id as number);
      return { ...model, cursor: model.cursor!, lastSync: model.lastSync! };
    },
    /** Pulls by cursor to the end, each answer of which is one page of a stream. */
    async stream(position: string | null, batchSize: number) {
      const ann = await world.caller("ann", "one");
      for (let given = position;;) {
        const page = await pullAs(world, ann, { [name]: given }, { batchSize, separator: "\n" });
        const [model] = page.models;
        for (const line of model.records) {
          for (const record of new TextDecoder().decode(line).split("\n")) {
            rows.add(JSON.parse(record).id);
          }
        }
        given = model.cursor;
        if (page.complete) return model.lastSync!;
      }
    },
  };
}

const range = (to: number) => Array.from({ length: to }, (_, i) => i + 1);

eachDatabase(
  "last_sync goes on where the cursor would after cursors were fed back",
  async ({ db }) => {
    const client = await noteClient(db, 30);
    const first = await client.pull(null, 5);
    const second = await client.pull(first.cursor, 5);
    const third = await client.pull(second.lastSync, 5);
    expect([third.count, third.hasMore, third.reset]).toEqual([5, true, false]);
    // A client may keep the milliseconds alone.
    const fourth = await client.pull(new Date(third.lastSync).toISOString(), 5);
    expect([fourth.count, client.rows.size]).toEqual([5, 20]);
    const fifth = await client.pull(fourth.cursor);
    expect([...client.rows]).toEqual(range(30));
    // From here on a client that feeds back cursors costs no row for each pull.
    const kept = "SELECT count(*)::int AS n FROM lockstep.sync_position";
    const [{ n }] = await db.query<{ n: number }>(kept);
    const quiet = await client.pull(fifth.cursor);
    expect(await db.query(kept)).toEqual([{ n }]);
    await db.script("DELETE FROM app.note WHERE id = 7");
    await client.pull(quiet.lastSync);
    expect(client.rows.size).toBe(29);
  },
);

eachDatabase("last_sync of a stream removes what a filter takes away", async ({ db }) => {
  const client = await noteClient(db, 30);
  const time = await client.stream(null, 7);
  expect(client.rows.size).toBe(30);
  await client.show({ color: "red" });
  const page = await client.pull(time);
  expect([page.reset, page.removed.length, client.rows.size]).toEqual([false, 15, 15]);
});

eachDatabase(
  "a time of which nothing is kept follows the scopes that were given",
  async ({ db }) => {
    const client = await noteClient(db, 30);
    let { cursor } = await client.pull(null);
    await client.show({ color: "red" });
    ({ cursor } = await client.pull(cursor));
    await client.show();
    ({ cursor } = await client.pull(cursor));
    await letTimePass(db);
    await rememberSnapshot(db);
    await letTimePass(db);
    // By a cursor from the end to the end: no position is kept with this time.
    let time = (await client.pull(cursor)).lastSync;
    await letTimePass(db);
    time = madeOlder(time);
    expect(client.rows.size).toBe(30);
    await client.show({ color: "blue" });
    const page = await client.pull(time);
    expect([page.reset, page.hasMore]).toEqual([false, false]);
    expect([...client.rows]).toEqual(range(30).filter((id) => id % 2 === 1));
  },
);

eachDatabase(
  "a time from after a reset follows the scopes that were given since",
  async ({ db }) => {
    const client = await noteClient(db, 30);
    await client.show({ color: "red" });
    await client.pull(null);
    await db.script(`ALTER TABLE app.note DISABLE TRIGGER USER; DELETE FROM app.note WHERE id = 2;
    ALTER TABLE app.note ENABLE TRIGGER USER`);
    await client.show();
    client.rows.clear();
    const { cursor } = await client.pull(null);
    await letTimePass(db);
    await rememberSnapshot(db);
    await letTimePass(db);
    const time = (await client.pull(cursor)).lastSync;
    await db.script("DELETE FROM app.note WHERE id = 4");
    expect(await client.pull(time)).toMatchObject({ reset: false, count: 0, hasMore: false });
    expect(client.rows.size).toBe(28);
  },
);

eachDatabase("a time that says nothing certain starts over", async ({ db }) => {
  const client = await noteClient(db, 3);
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  // Nobody knows under which scope this user got the rows.
  expect((await client.pull(at(-30))).reset).toBe(true);
  const { cursor } = await client.pull((await client.pull(null)).cursor);
  expect(await client.pull(at(-30))).toMatchObject({ reset: false, count: 0 });
  expect(await client.pull(at(30))).toMatchObject({ reset: false, count: 0 });
  for (const future of [at(600), "9999-12-31T23:59:59Z"]) {
    expect(await client.pull(future)).toMatchObject({ reset: true, count: 3 });
  }
  const { lastSync } = await client.pull(cursor);
  await db.script("TRUNCATE app.note");
  expect(await client.pull(lastSync)).toMatchObject({ reset: true, count: 0 });
  for (const none of ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"]) {
    await expect(client.pull(none)).rejects.toMatchObject({ code: "invalid_cursor" });
  }
});
