import { expect } from "expect";
import type { Catalog, ModelCatalog } from "../lib/models/mod.ts";
import { eachDatabase } from "./support/databases.ts";
import { pullAs, recordsOf, type SyncWorld, syncWorld } from "./support/sync.ts";

const table = `
  CREATE TABLE app.note (
    id integer PRIMARY KEY, organization_id integer NOT NULL, color text NOT NULL)`;

/** The world as a process sees it that read its catalog before `world`'s, and has not looked since. */
function behind(world: SyncWorld, old: Catalog): SyncWorld {
  let stale = true;
  const catalog = {
    current: () => stale ? Promise.resolve(old) : world.catalog.current(),
    invalidate() {
      stale = false;
      world.catalog.invalidate();
    },
  };
  return { ...world, catalog: catalog as ModelCatalog };
}

eachDatabase("a table that was replaced or changed is read as it is now", async ({ db }) => {
  await db.script(`CREATE SCHEMA app; ${table}; INSERT INTO app.note VALUES (1, 1, 'red')`);
  const world = await syncWorld(db);
  await world.grant("one", "Staff", "app.Note", { pull: true, filters: { color: "red" } });
  const ann = await world.caller("ann", "one");
  const first = await pullAs(world, ann, { "app.Note": null });
  const { cursor } = first.models[0];

  let old = await world.catalog.current();
  await db.script(`DROP TABLE app.note; ${table}; INSERT INTO app.note VALUES (2, 1, 'red')`);
  const replaced = await pullAs(behind(world, old), ann, { "app.Note": cursor });
  expect(recordsOf(replaced, "app.Note").map(({ id }) => id)).toEqual([2]);
  expect(replaced.models[0].reset).toBe(true);

  old = await world.catalog.current();
  await db.script("ALTER TABLE app.note RENAME COLUMN id TO number");
  const renamed = await pullAs(behind(world, old), ann, { "app.Note": null });
  expect(recordsOf(renamed, "app.Note")).toMatchObject([{ number: 2 }]);

  old = await world.catalog.current();
  await db.script("DROP TABLE app.note");
  await expect(pullAs(behind(world, old), ann, { "app.Note": null }))
    .rejects.toMatchObject({ code: "unknown_model" });
});
