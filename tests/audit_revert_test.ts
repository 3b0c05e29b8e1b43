import { expect } from "expect";
import { type Actor, enableAudit, revert, searchAudit, type Visibility } from "../lib/audit/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { eachDatabase } from "./support/databases.ts";

const carol: Actor = { id: 3, name: "carol", source: "admin" };
const all: Visibility = { all: true };

async function createItems(db: Database) {
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug) VALUES (1, 'One', 'one'), (2, 'Two', 'two');
    CREATE SCHEMA shop;
    CREATE TYPE shop.color AS ENUM ('red', 'blue');
    CREATE TABLE shop.item (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      organization_id integer REFERENCES lockstep.organization,
      name text UNIQUE,
      price numeric,
      tags text[],
      color shop.color,
      data jsonb,
      photo bytea,
      doubled numeric GENERATED ALWAYS AS (price * 2) STORED,
      updated_at timestamptz NOT NULL DEFAULT '2020-01-01'
    );
    CREATE TABLE shop.part (id integer PRIMARY KEY,
      item_id bigint REFERENCES shop.item ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)`);
  await enableAudit(db, {
    schema: "shop",
    table: "item",
    modelName: "shop.Item",
    key: ["id"],
    tenantColumn: "organization_id",
  }, carol);
  await db.script(`
    INSERT INTO shop.item (organization_id, name, price, tags, color, data, photo)
    VALUES (1, 'a', 12345678901234567890.123, '{x,"y z"}', 'red', '{"n": [1.10]}', '\\x00ff')`);
}

async function newest(db: Database, model = "shop.Item"): Promise<number> {
  return (await searchAudit(db, all, { model }, { limit: 1 })).events[0].id;
}

const undo = (db: Database, id: number, visibility: Visibility = all) =>
  db.transaction({}, (tx) => revert(tx, id, carol, visibility));

const refusal = (db: Database, id: number, visibility: Visibility = all) =>
  undo(db, id, visibility).then(() => "reverted", (e) => `${e.code}: ${e.message}`);

const rowsOf = (db: Database) =>
  db.query("SELECT to_jsonb(i)::text AS row FROM shop.item i ORDER BY id");

eachDatabase(
  "revert() of an update, a delete and a create is a new event that names the old",
  async ({ db }) => {
    await createItems(db);
    const original = await rowsOf(db);
    const created = await newest(db);

    await db.script("UPDATE shop.item SET price = 1, color = 'blue', tags = NULL");
    const updated = await newest(db);
    const id = await undo(db, updated);
    const { events: [event] } = await searchAudit(db, all, { id });
    expect(event).toMatchObject({
      actor: "carol",
      source: "admin",
      revertsId: updated,
      action: "update",
    });
    await db.script("UPDATE shop.item SET updated_at = '2020-01-01'");
    expect(await rowsOf(db)).toEqual(original);

    await db.script("DELETE FROM shop.item");
    await undo(db, await newest(db));
    expect(await rowsOf(db)).toEqual(original);

    await undo(db, created);
    expect(await rowsOf(db)).toEqual([]);
    // A revert is a change like any other.
    await undo(db, await newest(db));
    expect(await rowsOf(db)).toEqual(original);
  },
);

eachDatabase("revert() of an update keeps what others changed in other columns", async ({ db }) => {
  await createItems(db);
  await db.script("UPDATE shop.item SET price = 1");
  const event = await newest(db);
  await db.script("UPDATE shop.item SET name = 'b'");
  await undo(db, event);
  expect(await db.query("SELECT name, price, updated_at > '2021-01-01' AS touched FROM shop.item"))
    .toEqual([{ name: "b", price: "12345678901234567890.123", touched: true }]);
});

eachDatabase("revert() is refused, with the reason, where it no longer applies", async ({ db }) => {
  await createItems(db);
  const created = await newest(db);
  const conflict = "conflict: The change cannot be reverted: ";
  await db.script("INSERT INTO shop.part VALUES (1, 1)");
  expect(await refusal(db, created)).toBe(`${conflict}rows of shop.part refer to it.`);
  await db.script("DELETE FROM shop.part; UPDATE shop.item SET price = 1");
  expect(await refusal(db, created)).toBe(`${conflict}price, doubled changed since.`);
  const updated = await newest(db);
  await db.script("UPDATE shop.item SET price = 2");
  expect(await refusal(db, updated)).toBe(`${conflict}price, doubled changed since.`);
  await db.script("DELETE FROM shop.item");
  expect(await refusal(db, updated)).toBe(`${conflict}the row no longer exists.`);
  const deleted = await newest(db);

  await db.script("INSERT INTO shop.item (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'z')");
  expect(await refusal(db, deleted)).toBe(`${conflict}its key is in use by another row.`);
  await db.script("UPDATE shop.item SET id = DEFAULT, name = 'a'");
  expect(await refusal(db, deleted)).toBe(`${conflict}another row has the same unique value now.`);
  await db.script("DELETE FROM shop.item; DELETE FROM lockstep.organization WHERE id = 1");
  expect(await refusal(db, deleted))
    .toBe(`${conflict}a row that it refers to no longer exists.`);
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug) VALUES (1, 'One', 'one');
    ALTER TABLE shop.item ADD CHECK (price < 2)`);
  expect(await refusal(db, deleted)).toBe(`${conflict}its values do not fit the table any more.`);
  await db.script("ALTER TABLE shop.item DROP tags");
  expect(await refusal(db, deleted)).toBe(`${conflict}the table no longer has the column tags.`);
  await db.script("ALTER TABLE shop.item DISABLE TRIGGER USER, DROP CONSTRAINT item_price_check");
  await db.script("TRUNCATE shop.item CASCADE");
  await db.script("ALTER TABLE shop.item ENABLE ALWAYS TRIGGER lockstep_audit_truncate");
  await db.script("TRUNCATE shop.item CASCADE");
  expect(await refusal(db, await newest(db)))
    .toBe(`${conflict}the event is a truncate, which changed no single row.`);
  await db.script("DROP TABLE shop.item CASCADE");
  expect(await refusal(db, deleted)).toBe(`${conflict}shop.Item is not audited any more.`);
  expect(await refusal(db, 999_999)).toBe("not_found: There is no audit event 999999.");
});

eachDatabase(
  "revert() leaves nothing behind when it is refused, and the transaction usable",
  async ({ db }) => {
    await createItems(db);
    await db.script("DELETE FROM shop.item");
    const deleted = await newest(db);
    await db.script("INSERT INTO shop.item (name) VALUES ('a')");
    await db.transaction({}, async (tx) => {
      await expect(revert(tx, deleted, carol, all)).rejects.toMatchObject({ code: "conflict" });
      await tx.query("UPDATE shop.item SET price = 3");
    });
    const { events: [event] } = await searchAudit(db, all, { model: "shop.Item" }, { limit: 1 });
    expect(event).toMatchObject({ action: "update", source: "sql", revertsId: null });
    expect(await rowsOf(db)).toHaveLength(1);
  },
);

eachDatabase("revert() is refused when it would leave no trace", async ({ db }) => {
  await createItems(db);
  await db.script("UPDATE shop.item SET price = 1; ALTER TABLE shop.item DISABLE TRIGGER USER");
  expect(await refusal(db, await newest(db))).toMatch(/would leave no trace/);
  expect(await db.query("SELECT price FROM shop.item")).toEqual([{ price: "1" }]);
});

eachDatabase("revert() obeys the visibility of its caller", async ({ db }) => {
  await createItems(db);
  await db.script("UPDATE shop.item SET price = 1");
  expect(await refusal(db, await newest(db), { organizationIds: [2] })).toMatch(/^not_found/);
  await db.script("UPDATE shop.item SET organization_id = 2");
  const moved = await newest(db);
  expect(await refusal(db, moved, { organizationIds: [1] })).toMatch(/^permission_denied/);
  expect(await refusal(db, moved, { organizationIds: [2] })).toMatch(/^permission_denied/);
  expect(await refusal(db, moved, { organizationIds: [1, 2] })).toBe("reverted");
});

eachDatabase("revert() works for configuration tables and restores no secret", async ({ db }) => {
  await db.script(`
    INSERT INTO lockstep.sync_configuration (section, key, value) VALUES ('sync', 'BATCH', '100');
    UPDATE lockstep.sync_configuration SET value = '200';
    INSERT INTO lockstep.app_user (id, username, password) VALUES (1, 'u', 'hash-1');
    UPDATE lockstep.app_user SET password = 'hash-2'`);
  await undo(db, await newest(db, "lockstep.SyncConfiguration"));
  expect(await db.query("SELECT value FROM lockstep.sync_configuration")).toEqual([{ value: 100 }]);
  expect(await refusal(db, await newest(db, "lockstep.AppUser")))
    .toBe(
      "conflict: The change cannot be reverted: the trail does not keep the value of password.",
    );
  await db.script("DELETE FROM lockstep.app_user");
  await undo(db, await newest(db, "lockstep.AppUser"));
  expect(await db.query("SELECT id, username, password FROM lockstep.app_user"))
    .toEqual([{ id: 1, username: "u", password: "!" }]);
});
