import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { enableAudit } from "../lib/audit/mod.ts";
import { type Database, migrate, migrationStatus, openPostgres, rollback } from "../lib/db/mod.ts";
import { fillTables, tableContents } from "./support/fill_tables.ts";
import { migrations } from "../lib/db/migrations/mod.ts";
import { ModelCatalog } from "../lib/models/mod.ts";
import { setRowSecurity, track } from "../lib/sync/mod.ts";
import { eachDatabase, hasPostgres, openTestDatabase } from "./support/databases.ts";
import { until } from "./support/until.ts";

const names = Object.keys(migrations);

async function rollbackAll(db: Database) {
  while (await rollback(db));
}

/** Takes back every migration after the one at `position`. */
async function rollbackTo(db: Database, position: number) {
  for (const name of names.slice(position + 1).toReversed()) expect(await rollback(db)).toBe(name);
}

eachDatabase("migrate() by many at once applies each migration once", async ({ db }) => {
  await rollbackAll(db);
  await db.script("DROP SCHEMA lockstep CASCADE");
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(db)));
  expect(applied.flat()).toEqual(names);
  expect((await migrationStatus(db)).pending).toEqual([]);
});

eachDatabase(
  "rollback() takes back every migration, and migrate() applies them again",
  async ({ db }) => {
    const relations = () =>
      db.query(`SELECT c.relname, c.relkind FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'lockstep' ORDER BY 1`);
    const before = await relations();
    for (const name of names.toReversed()) expect(await rollback(db)).toBe(name);
    expect(await rollback(db)).toBe(undefined);
    expect((await relations()).map((row) => row.relname)).toEqual([
      ...["schema_version", "schema_version_pkey"],
    ]);
    expect(await migrate(db)).toEqual(names);
    expect(await relations()).toEqual(before);
  },
);

eachDatabase("migrationStatus() changes nothing and gives the SQL to come", async ({ db }) => {
  expect(await migrationStatus(db)).toEqual({ applied: names, pending: [] });
  await rollbackAll(db);
  await db.script("DROP SCHEMA lockstep CASCADE");
  const { applied, pending } = await migrationStatus(db);
  expect(applied).toEqual([]);
  expect(pending).toEqual(names.map((name) => ({ name, sql: migrations[name].up })));
  expect(await db.query("SELECT to_regnamespace('lockstep') AS schema")).toEqual([
    { schema: null },
  ]);
});

eachDatabase("migrate() and rollback() refuse a newer schema", async ({ db }) => {
  await db.query("INSERT INTO lockstep.schema_version (name) VALUES ('9999_future')");
  for (const action of [migrate, rollback, migrationStatus]) {
    await expect(action(db)).rejects.toMatchObject({
      code: "schema_too_new",
      message: expect.stringContaining("9999_future"),
    });
  }
});

eachDatabase("migrate() that fails leaves the schema as it was", async ({ db }) => {
  await rollbackAll(db);
  await db.script("CREATE TABLE lockstep.chat_message (in_the_way int)");
  await expect(migrate(db)).rejects.toMatchObject({ code: "42P07" });
  expect(await db.query("SELECT name FROM lockstep.schema_version")).toEqual([]);
  expect(await db.query("SELECT to_regclass('lockstep.organization') AS t")).toEqual([{ t: null }]);
});

Deno.test({
  name: "migrate() gives up when another holds the lock past the timeout",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await rollbackAll(test.db);
    const other = openPostgres(test.url!, { max: 1 });
    await other.transaction({}, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1)", [0x10c57e9]);
      await expect(migrate(test.db, 50)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("0.05 s for another process"),
      });
    });
    await other.close();
    expect(await migrate(test.db)).toEqual(names);
  },
});

Deno.test({
  name: "migrate() waits longer than a statement may take",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await rollbackAll(test.db);
    const bounded = openPostgres(test.url!, { max: 1, statementTimeout: 100 });
    let migrating!: Promise<string[]>;
    await test.db.transaction({}, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1)", [0x10c57e9]);
      migrating = migrate(bounded);
      const waiting = until(async () => {
        const [{ long }] = await test.db.query<{ long: boolean }>(
          `SELECT coalesce(max(clock_timestamp() - query_start) > interval '300 ms', false) AS long
           FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event = 'advisory'`,
        );
        return long;
      });
      await Promise.race([waiting, migrating]);
    });
    expect(await migrating).toEqual(names);
    await bounded.close();
  },
});

for (const [position, version] of names.entries()) {
  eachDatabase(
    `migrate() keeps every row of a database at ${version}, and rollback() down to it too`,
    async ({ db }) => {
      await rollbackTo(db, position);
      await fillTables(db);
      const before = await tableContents(db);
      expect(Object.values(before).filter((rows) => rows.length === 0)).toEqual([]);

      expect(await migrate(db)).toEqual(names.slice(position + 1));
      expect(await tableContents(db, before)).toEqual(before);
      // What came with the later versions is in use too when they are taken back.
      await fillTables(db);
      await rollbackTo(db, position);
      expect(await tableContents(db, before)).toEqual(before);
      expect((await migrationStatus(db)).pending.map(({ name }) => name))
        .toEqual(names.slice(position + 1));
    },
  );
}

eachDatabase("rollback() leaves synced tables usable, and their rows", async ({ db }) => {
  await db.script(`
    CREATE TABLE public.note (id integer PRIMARY KEY, organization_id integer, text text);
    INSERT INTO public.note VALUES (1, 1, 'kept')`);
  const catalog = await new ModelCatalog(db).current();
  const note = catalog.find("public.Note")!;
  await track(db, note, []);
  await enableAudit(
    db,
    {
      schema: "public",
      table: "note",
      modelName: "public.Note",
      key: ["id"],
      tenantColumn: "organization_id",
    },
    { id: null, name: "tests", source: "cli" },
  );
  await db.script("INSERT INTO public.note VALUES (2, 1, 'logged')");
  await rollbackAll(db);
  await db.script(`
    INSERT INTO public.note VALUES (3, 1, 'new');
    UPDATE public.note SET text = 'changed' WHERE id = 2;
    DELETE FROM public.note WHERE id = 3`);
  expect(await db.query("SELECT id, text FROM public.note ORDER BY id")).toEqual([
    { id: 1, text: "kept" },
    { id: 2, text: "changed" },
  ]);
  expect(await migrate(db)).toEqual(names);
  const again = (await new ModelCatalog(db).current()).find("public.Note")!;
  await track(db, again, []);
  await db.script("INSERT INTO public.note VALUES (4, 1, 'logged again')");
});

eachDatabase(
  "rollback() takes triggers, logs and policies off synced tables, so that ids may begin anew",
  async ({ db }) => {
    await db.script(`
      CREATE SCHEMA a;
      CREATE TABLE a.one (id integer PRIMARY KEY, organization_id integer);
      CREATE TABLE a.two (id uuid PRIMARY KEY, organization_id integer)`);
    const arm = async (name: string) => {
      const { models } = await new ModelCatalog(db).current();
      await track(db, models.find((model) => model.name === name)!, []);
      return models;
    };
    const models = await arm("a.One");
    if (db.kind === "postgres") await setRowSecurity(db, models, true);
    await rollbackAll(db);
    const left = await db.query(`
      SELECT tgname::text AS name FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT polname::text FROM pg_policy
      UNION ALL SELECT relname::text FROM pg_class
      WHERE relnamespace = 'lockstep'::regnamespace AND relname NOT LIKE 'schema_version%'
        OR relnamespace = 'a'::regnamespace AND relrowsecurity`);
    expect(left).toEqual([]);
    await db.script("INSERT INTO a.one VALUES (1, 1)");
    expect(await migrate(db)).toEqual(names);

    await arm("a.Two");
    await db.script(`
      INSERT INTO a.one VALUES (2, 1);
      INSERT INTO a.two VALUES ('00000000-0000-0000-0000-000000000001', 1)`);
    await arm("a.One");
    await db.script("INSERT INTO a.one VALUES (3, 1)");
    expect(await db.query("SELECT k0::text AS key FROM lockstep.change_1")).toEqual([
      { key: "00000000-0000-0000-0000-000000000001" },
    ]);
    expect(await db.query("SELECT k0::text AS key FROM lockstep.change_2")).toEqual([{ key: "3" }]);
  },
);

Deno.test({
  name: "servers that start at once on an empty database migrate it once, and both serve",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await rollbackAll(test.db);
    await test.db.script("DROP SCHEMA lockstep CASCADE");
    await using stack = new AsyncDisposableStack();
    await Promise.all([1, 2].map(async () => {
      const server = stack.use(await ServerProcess.start({ DATABASE_URL: test.url! }));
      const ready = await fetch(`${server.origin}/api/sync/health/ready/`);
      expect(await ready.json()).toEqual({ status: "ready" });
    }));
    expect(await migrationStatus(test.db)).toEqual({ applied: names, pending: [] });
  },
});

Deno.test({
  name: "a server does not start on a newer schema, nor on an older one that it may not migrate",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    const environment = { DATABASE_URL: test.url! };
    await rollback(test.db);
    await expect(ServerProcess.start({ ...environment, LOCKSTEP_AUTO_MIGRATION: "false" }))
      .rejects.toThrow(`The database needs the migrations ${names.at(-1)}, and`);
    await migrate(test.db);
    await test.db.query("INSERT INTO lockstep.schema_version (name) VALUES ('9999_future')");
    await expect(ServerProcess.start(environment))
      .rejects.toThrow("The database was migrated by a newer Lockstep (it has 9999_future).");
  },
});
