import { expect } from "expect";
import {
  type Actor,
  actorSettings,
  auditStatus,
  disableAudit,
  enableAudit,
  recordEvent,
} from "../lib/audit/mod.ts";
import type { Connection, Database } from "../lib/db/mod.ts";
import { eachDatabase } from "./support/databases.ts";

const admin: Actor = { id: 7, name: "alice", source: "admin", requestId: "req-1" };
const item = {
  schema: "shop",
  table: "item",
  modelName: "shop.Item",
  key: ["id"],
  tenantColumn: "organization_id",
};

interface Row {
  model: string;
  action: string;
  key: Record<string, string> | null;
  organization_id: number | null;
  previous_organization_id: number | null;
  changed: string[] | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

async function eventsOf(conn: Connection, model: string): Promise<Row[]> {
  return await conn.query<Row>(
    `SELECT model, action, key, organization_id, previous_organization_id,
      to_jsonb(changed) AS changed, before, after
    FROM lockstep.audit_event WHERE model = $1 ORDER BY id`,
    [model],
  );
}

const actionsOf = async (conn: Connection, model: string) =>
  (await eventsOf(conn, model)).map((e) => `${e.action} ${Object.values(e.key ?? {}).join("/")}`)
    .sort();

async function createItems(db: Database) {
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug) VALUES (1, 'One', 'one'), (2, 'Two', 'two');
    CREATE SCHEMA shop;
    CREATE TABLE shop.item (
      id integer PRIMARY KEY,
      organization_id integer REFERENCES lockstep.organization,
      name text,
      price numeric,
      updated_at timestamptz DEFAULT now()
    )`);
  await enableAudit(db, item, admin);
}

eachDatabase(
  "audit events name the actor, source and request of the transaction",
  async ({ db }) => {
    await db.transaction({ settings: actorSettings(admin) }, async (tx) => {
      await tx.query("INSERT INTO lockstep.organization (name, slug) VALUES ('A', 'a')");
    });
    const [event] = await db.query(
      `SELECT actor_id, actor, source, request_id, database_role = session_user AS role
    FROM lockstep.audit_event`,
    );
    expect(event).toEqual({
      actor_id: 7,
      actor: "alice",
      source: "admin",
      request_id: "req-1",
      role: true,
    });
  },
);

eachDatabase("audit events of direct SQL name the database role", async ({ db }) => {
  await db.script(`
    SET lockstep.source = 'forged';
    SET lockstep.actor_id = 'x; DROP TABLE';
    INSERT INTO lockstep.auth_group (name) VALUES ('g');
    RESET lockstep.source;
    RESET lockstep.actor_id`);
  const [event] = await db.query(
    "SELECT actor_id, actor = session_user AS actor, source FROM lockstep.audit_event",
  );
  expect(event).toEqual({ actor_id: null, actor: true, source: "sql" });
});

eachDatabase("audit covers every configuration table", async ({ db }) => {
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug) VALUES (5, 'A', 'a');
    INSERT INTO lockstep.app_user (id, username, password) VALUES (1, 'u', 'hash');
    INSERT INTO lockstep.auth_group (id, name) VALUES (1, 'g');
    INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES (1, 5, 1);
    INSERT INTO lockstep.model_permission (organization_id, group_id, model_name) VALUES (5, 1, 'm');
    INSERT INTO lockstep.data_filter (organization_id, group_id, model_name, filter_name,
      filter_condition) VALUES (5, 1, 'm', 'f', '{}');
    INSERT INTO lockstep.sync_configuration (section, key, value) VALUES ('s', 'k', '1');
    INSERT INTO lockstep.device (user_id, organization_id, name) VALUES (1, 5, 'd');
    UPDATE lockstep.device SET last_seen_at = now(), cursors = '{"a": 1}';
    UPDATE lockstep.device SET revoked_at = now();
    INSERT INTO lockstep.quarantine (organization_id, model_name, payload, code, message)
      VALUES (5, 'm', '{}', 'c', 'm');
    UPDATE lockstep.quarantine SET state = 'discarded';
    DELETE FROM lockstep.organization WHERE id = 5`);
  const events = await db.query<{ event: string }>(
    `SELECT replace(model, 'lockstep.', '') || ' ' || action || ' ' || coalesce(organization_id, 0)
      AS event FROM lockstep.audit_event`,
  );
  expect(events.map((e) => e.event).sort()).toEqual([
    "AppUser create 0",
    "AuthGroup create 0",
    "DataFilter create 5",
    "DataFilter delete 5",
    "Device delete 5",
    "Device update 5",
    "ModelPermission create 5",
    "ModelPermission delete 5",
    "Organization create 5",
    "Organization delete 5",
    "Quarantine delete 5",
    "Quarantine update 5",
    "SyncConfiguration create 0",
    "UserOrganization create 5",
    "UserOrganization delete 5",
  ]);
  expect((await auditStatus(db)).filter((status) => status.state !== "active")).toEqual([]);
});

eachDatabase("audit stores no secret, and shows that it changed", async ({ db }) => {
  await db.script(`
    INSERT INTO lockstep.app_user (username, password) VALUES ('u', 'hash-1');
    UPDATE lockstep.app_user SET password = 'hash-2';
    UPDATE lockstep.app_user SET last_login = now(), updated_at = now();
    INSERT INTO lockstep.sync_configuration (section, key, value) VALUES ('mail', 'SMTP_PASSWORD', '"hush"');
    INSERT INTO lockstep.sync_configuration (section, key, value) VALUES ('mail', 'host', '"open"')`);
  const events = await eventsOf(db, "lockstep.AppUser");
  expect(events.map((e) => e.changed)).toEqual([null, ["password"]]);
  expect(events[1].after!.password).toBe("[secret]");
  const [{ text }] = await db.query<{ text: string }>(
    "SELECT string_agg(e::text, ' ') AS text FROM lockstep.audit_event e",
  );
  expect(text).not.toMatch(/hash-|hush/);
  expect(text).toMatch(/open/);
});

eachDatabase("audit leaves no event when nothing changed", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'a', 1.50);
    UPDATE shop.item SET name = 'a', updated_at = now() + interval '1 day';
    UPDATE shop.item SET price = 1.5;
    UPDATE shop.item SET name = 'b' WHERE false;
    DELETE FROM shop.item WHERE false`);
  expect(await actionsOf(db, "shop.Item")).toEqual(["create 1"]);
});

eachDatabase("audit keeps all digits and writes values alike in every session", async ({ db }) => {
  await createItems(db);
  await db.script(`
    ALTER TABLE shop.item ADD data bytea, ADD span interval, ADD moment timestamptz, ADD f float8;
    BEGIN;
    SET LOCAL TimeZone = 'Asia/Tokyo'; SET LOCAL IntervalStyle = 'postgres_verbose';
    SET LOCAL bytea_output = 'escape'; SET LOCAL extra_float_digits = -10;
    INSERT INTO shop.item VALUES (1, 1, 'a', 12345678901234567890.123456789012345678901, now(),
      '\\x00ff', '1 day 02:03:04', '2024-05-06 07:08:09+00', 0.1234567890123456);
    COMMIT`);
  const [row] = await db.query(
    `SELECT after ->> 'price' AS price, after ->> 'data' AS data, after ->> 'span' AS span,
      after ->> 'moment' AS moment, after ->> 'f' AS f
    FROM lockstep.audit_event WHERE model = 'shop.Item'`,
  );
  expect(row).toEqual({
    price: "12345678901234567890.123456789012345678901",
    data: "\\x00ff",
    span: "P1DT2H3M4S",
    moment: "2024-05-06T07:08:09+00:00",
    f: "0.1234567890123456",
  });
});

eachDatabase(
  "audit catches ON CONFLICT, MERGE, COPY, cascades and rolled back savepoints",
  async ({ db }) => {
    await createItems(db);
    await db.script(`
    CREATE TABLE shop.part (id integer PRIMARY KEY, item_id integer REFERENCES shop.item ON DELETE CASCADE
      ON UPDATE CASCADE)`);
    // With the server's own files, which go when it does. Other runs on it have theirs.
    const [{ file }] = await db.query<{ file: string }>(
      `SELECT current_setting('data_directory') || '/lockstep_copy_' || gen_random_uuid() AS file`,
    );
    await enableAudit(db, {
      ...item,
      table: "part",
      modelName: "shop.Part",
      tenantColumn: null,
    }, admin);
    await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'a', 1), (2, 1, 'b', 2);
    INSERT INTO shop.item VALUES (2, 1, 'b2', 2), (3, 1, 'c', 3)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name;
    COPY (SELECT 4, 1, 'd', 4, now()) TO '${file}';
    COPY shop.item FROM '${file}';
    MERGE INTO shop.item t USING (VALUES (4, 'd2'), (5, 'e')) s (id, name) ON t.id = s.id
      WHEN MATCHED THEN UPDATE SET name = s.name
      WHEN NOT MATCHED THEN INSERT (id, organization_id, name) VALUES (s.id, 1, s.name);
    INSERT INTO shop.part SELECT g, 1 + g % 3 FROM generate_series(1, 9) g;
    BEGIN; SAVEPOINT s; DELETE FROM shop.item; ROLLBACK TO s; COMMIT;
    DELETE FROM shop.item WHERE id <= 2`);
    expect(await actionsOf(db, "shop.Item")).toEqual([
      "create 1",
      "create 2",
      "create 3",
      "create 4",
      "create 5",
      "delete 1",
      "delete 2",
      "update 2",
      "update 4",
    ]);
    expect((await actionsOf(db, "shop.Part")).filter((action) => action.startsWith("delete")))
      .toEqual(["delete 1", "delete 3", "delete 4", "delete 6", "delete 7", "delete 9"]);
  },
);

eachDatabase(
  "audit logs a changed key as the end of one row and the start of another",
  async ({ db }) => {
    await createItems(db);
    await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'a', 1), (2, 1, 'b', 2);
    UPDATE shop.item SET id = id + 10`);
    expect(await actionsOf(db, "shop.Item")).toEqual([
      "create 1",
      "create 11",
      "create 12",
      "create 2",
      "delete 1",
      "delete 2",
    ]);
  },
);

eachDatabase("audit logs both organizations of a moved row", async ({ db }) => {
  await createItems(db);
  await db.script(`
    INSERT INTO shop.item VALUES (1, 1, 'a', 1);
    UPDATE shop.item SET organization_id = 2`);
  expect((await eventsOf(db, "shop.Item"))[1]).toMatchObject({
    previous_organization_id: 1,
    organization_id: 2,
    changed: ["organization_id"],
  });
});

eachDatabase(
  "audit holds for partitions, their parent, row movement and TRUNCATE",
  async ({ db }) => {
    await db.script(`
    CREATE SCHEMA shop;
    CREATE TABLE shop.sale (id integer, region text, total numeric, PRIMARY KEY (region, id))
      PARTITION BY LIST (region);
    CREATE TABLE shop.sale_a PARTITION OF shop.sale FOR VALUES IN ('a');
    CREATE TABLE shop.sale_bc PARTITION OF shop.sale FOR VALUES IN ('b', 'c') PARTITION BY LIST (region);
    CREATE TABLE shop.sale_b PARTITION OF shop.sale_bc FOR VALUES IN ('b')`);
    const sale = {
      schema: "shop",
      table: "sale",
      modelName: "shop.Sale",
      key: ["region", "id"],
      tenantColumn: null,
    };
    await enableAudit(db, sale, admin);
    await db.script(`
    INSERT INTO shop.sale VALUES (1, 'a', 1), (2, 'b', 2);
    INSERT INTO shop.sale_b VALUES (3, 'b', 3);
    UPDATE shop.sale_bc SET total = 20 WHERE id = 2;
    UPDATE shop.sale SET region = 'b' WHERE id = 1;
    DELETE FROM shop.sale_b WHERE id = 3`);
    expect(await actionsOf(db, "shop.Sale")).toEqual([
      "create 1/a",
      "create 1/b",
      "create 2/b",
      "create 3/b",
      "delete 1/a",
      "delete 3/b",
      "update 2/b",
    ]);
    await db.script("TRUNCATE shop.sale_b");
    expect((await eventsOf(db, "shop.Sale")).at(-1)).toMatchObject({
      action: "truncate",
      key: null,
      before: { table: "shop.sale_b" },
    });

    await db.script("CREATE TABLE shop.sale_c PARTITION OF shop.sale_bc FOR VALUES IN ('c')");
    const statusOf = async () =>
      (await auditStatus(db)).find((status) => status.modelName === "shop.Sale");
    expect(await statusOf()).toMatchObject({
      state: "incomplete",
      message: "Audit triggers of shop.sale_c are missing. Enable the audit again.",
    });
    await enableAudit(db, sale, admin);
    expect(await statusOf()).toMatchObject({ state: "active", message: "" });
  },
);

eachDatabase("audit also fires where ordinary triggers are off for replication", async ({ db }) => {
  await createItems(db);
  await db.script(`
    BEGIN; SET LOCAL session_replication_role = replica;
    INSERT INTO shop.item VALUES (1, 1, 'a', 1); COMMIT`);
  expect(await actionsOf(db, "shop.Item")).toEqual(["create 1"]);
});

eachDatabase(
  "auditStatus() notices switched off triggers, lost keys and dropped tables",
  async ({ db }) => {
    await createItems(db);
    const statusOf = async () => (await auditStatus(db)).find((s) => s.modelName === "shop.Item");
    expect(await statusOf()).toEqual({
      schema: "shop",
      table: "item",
      modelName: "shop.Item",
      key: ["id"],
      tenantColumn: "organization_id",
      state: "active",
      message: "",
    });
    await db.script("ALTER TABLE shop.item DISABLE TRIGGER ALL");
    expect((await statusOf())!.state).toBe("disabled");
    await enableAudit(db, item, admin);
    expect((await statusOf())!.state).toBe("active");
    await db.script("DROP TRIGGER lockstep_audit_delete ON shop.item");
    expect((await statusOf())!.state).toBe("incomplete");
    await db.script("ALTER TABLE shop.item RENAME id TO code");
    expect((await statusOf())!.state).toBe("gone");
    await enableAudit(db, { ...item, key: ["code"] }, admin);
    expect((await statusOf())!.state).toBe("active");
    await db.script("DROP TABLE shop.item");
    expect((await statusOf())!.state).toBe("gone");
    await disableAudit(db, item, admin);
    expect(await statusOf()).toBeUndefined();
  },
);

eachDatabase(
  "enableAudit() and disableAudit() leave events and refuse what cannot be",
  async ({ db }) => {
    await createItems(db);
    await enableAudit(db, item, admin);
    await disableAudit(db, item, admin);
    await db.script("INSERT INTO shop.item VALUES (1, 1, 'a', 1)");
    expect(await actionsOf(db, "shop.Item")).toEqual([]);
    expect(await actionsOf(db, "lockstep.AuditTable")).toEqual([
      "create item/shop",
      "delete item/shop",
    ]);

    const code = (promise: Promise<unknown>) => promise.then(() => "done", (error) => error.code);
    await db.script("CREATE VIEW shop.cheap AS SELECT * FROM shop.item");
    expect(await code(enableAudit(db, { ...item, table: "none" }, admin))).toBe("not_found");
    expect(await code(enableAudit(db, { ...item, table: "cheap" }, admin))).toBe("unprocessable");
    expect(await code(enableAudit(db, { ...item, key: [] }, admin))).toBe("unprocessable");
    expect(await code(enableAudit(db, { ...item, key: ["x"] }, admin))).toBe("unprocessable");
    expect(await code(disableAudit(db, item, admin))).toBe("not_found");
    expect(await code(disableAudit(db, { schema: "lockstep", table: "organization" }, admin)))
      .toBe("unprocessable");
  },
);

eachDatabase(
  "audit survives names and keys that need quoting and values of any size",
  async ({ db }) => {
    await db.script(`
    CREATE SCHEMA "Odd ""schema";
    CREATE TABLE "Odd ""schema"."it's \\ a 'table'" ("the key" text, "Zweite Spalte é" date, v text,
      PRIMARY KEY ("the key", "Zweite Spalte é"))`);
    const odd = {
      schema: 'Odd "schema',
      table: "it's \\ a 'table'",
      modelName: "Odd.It'sÉ\\",
      key: ["the key", "Zweite Spalte é"],
      tenantColumn: null,
    };
    await enableAudit(db, odd, admin);
    await db.query(
      `INSERT INTO "Odd ""schema"."it's \\ a 'table'"
    SELECT repeat('k', 2000), '2024-02-29', repeat('v', 1000000)`,
    );
    const [event] = await eventsOf(db, odd.modelName);
    expect(event.key).toEqual({ "the key": "k".repeat(2000), "Zweite Spalte é": "2024-02-29" });
    expect((await auditStatus(db)).find((s) => s.modelName === odd.modelName)!.state).toBe(
      "active",
    );
  },
);

eachDatabase("recordEvent() adds an event of the transaction's actor", async ({ db }) => {
  const id = await db.transaction({ settings: actorSettings(admin) }, (tx) =>
    recordEvent(tx, {
      action: "login",
      model: "lockstep.AppUser",
      key: { id: 7 },
      detail: { address: "::1" },
    }));
  const [event] = await db.query(
    "SELECT id, actor, action, key, after FROM lockstep.audit_event",
  );
  expect(event).toEqual({
    id,
    actor: "alice",
    action: "login",
    key: { id: "7" },
    after: { address: "::1" },
  });
});
