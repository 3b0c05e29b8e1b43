import { expect } from "expect";
import {
  type Actor,
  actorSettings,
  enableAudit,
  exportAudit,
  type ExportFormat,
  history,
  type RowScope,
  searchAudit,
  type Visibility,
} from "../lib/audit/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { eachDatabase, useOwnServer } from "./support/databases.ts";

useOwnServer();

const bob: Actor = { id: 2, name: "bob", source: "api", requestId: "req-9" };
const all: Visibility = { all: true };
const ofOrganization = (...organizationIds: number[]): Visibility => ({ organizationIds });

/** Rows with a price under `limit` only. */
const cheap = (limit: number): RowScope => ({
  schema: "shop",
  table: "item",
  compile: (sqlOf, addParam) => `coalesce(${sqlOf("price")} < ${addParam(limit)}::numeric, false)`,
});

async function createItems(db: Database) {
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug)
      VALUES (1, 'One', 'one'), (2, 'Two', 'two'), (3, 'Three', 'three');
    CREATE SCHEMA shop;
    CREATE TABLE shop.item (id bigint PRIMARY KEY, organization_id integer, name text, price numeric)`);
  await enableAudit(db, {
    schema: "shop",
    table: "item",
    modelName: "shop.Item",
    key: ["id"],
    tenantColumn: "organization_id",
  }, bob);
}

async function gather(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

const summary = (events: { model: string; action: string; key: unknown }[]) =>
  events.map(({ action, key }) => `${action} ${Object.values(key ?? {})}`);

eachDatabase("searchAudit() pages newest first without gaps or repeats", async ({ db }) => {
  await createItems(db);
  await db.script(
    "INSERT INTO shop.item SELECT g, 1 + g % 2, 'n' || g, g FROM generate_series(1, 25) g",
  );
  for (const visibility of [all, ofOrganization(1, 2)]) {
    const keys: string[] = [];
    let before: number | undefined;
    let pages = 0;
    do {
      const page = await searchAudit(db, visibility, { model: "shop.Item" }, { before, limit: 10 });
      keys.push(...page.events.map((event) => event.key!.id));
      before = page.next ?? undefined;
      pages++;
    } while (before !== undefined);
    expect(pages).toBe(3);
    expect(keys).toEqual(Array.from({ length: 25 }, (_, i) => String(25 - i)));
  }
});

eachDatabase(
  "searchAudit() filters by model, key, actor, action, source, request, time and text",
  async ({ db }) => {
    await createItems(db);
    await db.transaction({ settings: actorSettings(bob) }, (tx) =>
      tx.script(`
      INSERT INTO shop.item VALUES (1, 1, '100%_sure', 1), (9007199254740993, 1, 'large', 2);
      UPDATE shop.item SET price = 5 WHERE id = 1`));
    const found = async (filter: Parameters<typeof searchAudit>[2]) =>
      summary((await searchAudit(db, all, { model: "shop.Item", ...filter })).events);
    expect(await found({ key: { id: 1 } })).toEqual(["update 1", "create 1"]);
    expect(await found({ key: { id: 9007199254740993n } })).toEqual(["create 9007199254740993"]);
    expect(await found({ actions: ["update"] })).toEqual(["update 1"]);
    expect(await found({ actor: "bob", source: "api", requestId: "req-9" })).toHaveLength(3);
    expect(await found({ actor: "alice" })).toEqual([]);
    expect(await found({ source: "sql" })).toEqual([]);
    expect(await found({ text: "100%_SURE" })).toEqual(["update 1", "create 1"]);
    expect(await found({ text: "100_" })).toEqual([]);
    expect(await found({ from: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(await found({ from: new Date(Date.now() - 60_000), to: new Date(Date.now() + 60_000) }))
      .toHaveLength(3);
    expect(await found({ to: new Date(0) })).toEqual([]);
    expect((await searchAudit(db, all, { model: "none" })).events).toEqual([]);
  },
);

eachDatabase("searchAudit() gives changes as text that keeps all digits", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, NULL, 0.1);
    UPDATE shop.item SET name = 'x', price = 12345678901234567890.123456789`);
  const { events: [event] } = await history(db, all, "shop.Item", { id: "1" });
  expect(event.changes.sort((a, b) => a.field.localeCompare(b.field))).toEqual([
    { field: "name", before: null, after: "x" },
    { field: "price", before: "0.1", after: "12345678901234567890.123456789" },
  ]);
  expect(event.after).toContain("12345678901234567890.123456789");
});

eachDatabase("searchAudit() shows an organization its own events only", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'one', 1), (2, 2, 'two', 2), (3, NULL, 'none', 3);
    INSERT INTO lockstep.auth_group (name) VALUES ('g');
    TRUNCATE shop.item`);
  const seen = async (visibility: Visibility) =>
    (await searchAudit(db, visibility)).events.map((e) => `${e.model} ${e.key?.id}`);
  expect(await seen(ofOrganization(2))).toEqual(["shop.Item 2", "lockstep.Organization 2"]);
  expect(await seen(ofOrganization())).toEqual([]);
  expect((await seen(all)).length).toBe(3 + 1 + 3 + 1 + 1);
});

eachDatabase("searchAudit() hides the other organization's side of a moved row", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'secret of one', 1);
    UPDATE shop.item SET organization_id = 2, name = 'secret of two'`);
  const moved = async (...ids: number[]) => {
    const { events } = await searchAudit(db, ofOrganization(...ids), { actions: ["update"] });
    return events.map((e) => [
      e.organizationId,
      e.before !== null,
      e.after !== null,
      e.changes.filter((c) => c.field === "name").map((c) => [c.before, c.after])[0],
    ]);
  };
  expect(await moved(1)).toEqual([[1, true, false, ["secret of one", null]]]);
  expect(await moved(2)).toEqual([[2, false, true, [null, "secret of two"]]]);
  expect(await moved(1, 2)).toEqual([[2, true, true, ["secret of one", "secret of two"]]]);
  expect(await moved(3)).toEqual([]);
  const probe = (text: string) => searchAudit(db, ofOrganization(2), { actions: ["update"], text });
  expect((await probe("secret of one")).events).toEqual([]);
  expect((await probe("secret of two")).events).toHaveLength(1);
});

eachDatabase("searchAudit() obeys the row scope on each side of an event", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'cheap', 1), (2, 1, 'dear', 100), (3, 2, 'other', 1);
    UPDATE shop.item SET price = 200, name = 'risen' WHERE id = 1;
    UPDATE shop.item SET price = 201 WHERE id = 1;
    DELETE FROM shop.item`);
  const visibility = { organizationIds: [1], rowScopes: new Map([["shop.Item", cheap(10)]]) };
  const { events } = await searchAudit(db, visibility);
  expect(events.map((e) => [e.action, e.key!.id, e.before !== null, e.after !== null])).toEqual([
    ["update", "1", true, false],
    ["create", "1", false, true],
  ]);
  expect((await searchAudit(db, visibility, { text: "risen" })).events).toEqual([]);
  expect((await searchAudit(db, { organizationIds: [1], rowScopes: new Map() })).events).toEqual(
    [],
  );
  const lines = (await gather(exportAudit(db, visibility, {}, "ndjson"))).trim().split("\n");
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    const { before, after, changes } = JSON.parse(line);
    expect(JSON.stringify([before, after, changes])).not.toMatch(/risen|dear|200/);
  }
});

eachDatabase(
  "searchAudit() hides rows whose old values no longer fit the scope's table",
  async ({ db }) => {
    await createItems(db);
    await db.script(`
    ALTER TABLE shop.item ADD code text;
    INSERT INTO shop.item VALUES (1, 1, 'old', 1, 'abc');
    UPDATE shop.item SET code = '7';
    ALTER TABLE shop.item ALTER code TYPE integer USING code::integer`);
    const visibility = { organizationIds: [1], rowScopes: new Map([["shop.Item", cheap(10)]]) };
    const { events } = await searchAudit(db, visibility, { model: "shop.Item" });
    expect(events.map((e) => [e.action, e.before !== null, e.after !== null])).toEqual([
      ["update", false, true],
    ]);
  },
);

eachDatabase(
  "exportAudit() writes CSV and NDJSON of every page, sealed and neutralized",
  async ({ db }) => {
    await createItems(db);
    await db.query("INSERT INTO shop.item SELECT g, 1, 'n', g FROM generate_series(1, 2100) g");
    await db.transaction(
      { settings: actorSettings({ ...bob, name: "=HYPERLINK(1)" }) },
      (tx) => tx.query("UPDATE shop.item SET price = 12345678901234567890.5 WHERE id = 7"),
    );
    const lines = async (format: ExportFormat) =>
      (await gather(exportAudit(db, all, { model: "shop.Item" }, format))).trim().split(/\r?\n/);
    const csv = await lines("csv");
    expect(csv).toHaveLength(2102);
    expect(csv[0]).toMatch(/^id,at,actor_id,actor,.*,position,hash$/);
    expect(csv[1]).toContain(",'=HYPERLINK(1),");
    expect(csv[1]).toMatch(/,\d+,[0-9a-f]{64}$/);
    const ndjson = await lines("ndjson");
    expect(ndjson).toHaveLength(2101);
    expect(ndjson[0]).toContain('"price": 12345678901234567890.5');
    expect(JSON.parse(ndjson[0])).toMatchObject({ model: "shop.Item", changed: ["price"] });
  },
);
