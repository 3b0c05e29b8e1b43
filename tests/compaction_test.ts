import { expect } from "expect";
import type { Database } from "../lib/db/mod.ts";
import { compactChangeLogs } from "../lib/sync/mod.ts";
import { eachDatabase, useOwnServer } from "./support/databases.ts";
import { pullAs, recordsOf, removedOf, type SyncWorld, syncWorld } from "./support/sync.ts";

useOwnServer();

const schema = `
  CREATE SCHEMA app;
  CREATE TABLE app.customer (
    id bigint PRIMARY KEY, organization_id integer NOT NULL, department text, name text);`;

async function prepare(db: Database, filters?: unknown): Promise<SyncWorld> {
  await db.script(schema);
  const world = await syncWorld(db);
  await world.grant("one", "Staff", "app.Customer", { pull: true, filters });
  return world;
}

async function changes(db: Database): Promise<string[]> {
  const rows = await db.query<{ entry: string }>(
    "SELECT op::text || k0 AS entry FROM lockstep.change_1 ORDER BY seq",
  );
  return rows.map(({ entry }) => entry);
}

eachDatabase("compactChangeLogs() keeps what a removal is known by", async ({ db }) => {
  const world = await prepare(db, { department: "SALES" });
  const ann = await world.caller("ann", "one");
  await db.script(`INSERT INTO app.customer VALUES (1, 1, 'SALES', 'a'), (2, 1, 'CARE', 'b')`);
  const first = await pullAs(world, ann, { "app.Customer": null });
  expect(recordsOf(first, "app.Customer").map(({ id }) => id)).toEqual([1]);

  await db.query("UPDATE app.customer SET department = 'CARE' WHERE id = 1");
  for (const name of ["x", "y", "z"]) {
    await db.query("UPDATE app.customer SET name = $1 WHERE id = 1", [name]);
  }
  expect(await changes(db)).toEqual(["U1", "U1", "U1", "U1"]);
  expect(await compactChangeLogs(db, 1)).toEqual({ redundant: 2, tombstones: 0 });
  expect(await changes(db)).toEqual(["U1", "U1"]);
  const next = await pullAs(world, ann, { "app.Customer": first.models[0].cursor });
  expect(removedOf(next, "app.Customer")).toEqual([1]);
  expect(next.models[0].reset).toBe(false);
});

eachDatabase(
  "compactChangeLogs() makes clients from before a dropped tombstone start over",
  async ({ db }) => {
    const world = await prepare(db);
    const ann = await world.caller("ann", "one");
    const cat = await world.caller("cat", "two");
    await world.grant("two", "Staff", "app.Customer", { pull: true });
    await db.script(
      `INSERT INTO app.customer VALUES (1, 1, 'A', 'a'), (2, 1, 'A', 'b'), (3, 2, 'A', 'c')`,
    );
    const first = await pullAs(world, ann, { "app.Customer": null });
    const other = await pullAs(world, cat, { "app.Customer": null });
    await db.query("DELETE FROM app.customer WHERE id = 1");
    const seen = await pullAs(world, ann, { "app.Customer": first.models[0].cursor });
    await db.query("UPDATE app.customer SET name = 'later' WHERE id = 2");

    expect((await compactChangeLogs(db, 1)).tombstones).toBe(0);
    await db.script(`INSERT INTO lockstep.snapshot_history
    VALUES (now() - interval '2 days', pg_current_snapshot())`);
    expect((await compactChangeLogs(db, 1)).tombstones).toBe(1);

    const before = await pullAs(world, ann, { "app.Customer": first.models[0].cursor });
    expect(before.models[0].reset).toBe(true);
    expect(recordsOf(before, "app.Customer").map(({ id }) => id)).toEqual([2]);
    const after = await pullAs(world, ann, { "app.Customer": seen.models[0].cursor });
    expect(after.models[0].reset).toBe(false);
    expect(recordsOf(after, "app.Customer").map(({ name }) => name)).toEqual(["later"]);
    // Nothing of the other organization was removed, however old its cursors are.
    const theirs = await pullAs(world, cat, { "app.Customer": other.models[0].cursor });
    expect(theirs.models[0].reset).toBe(false);
  },
);

eachDatabase(
  "a row that came and went out of the caller's sight leaves no trace",
  async ({ db }) => {
    const world = await prepare(db);
    const ann = await world.caller("ann", "one");
    const first = await pullAs(world, ann, { "app.Customer": null });
    await db.script(`INSERT INTO app.customer VALUES (1, 2, 'A', 'a'); DELETE FROM app.customer`);
    const next = await pullAs(world, ann, { "app.Customer": first.models[0].cursor });
    expect([next.models[0].records.length, removedOf(next, "app.Customer")]).toEqual([0, []]);
  },
);
