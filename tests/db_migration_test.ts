import { expect } from "expect";
import { type Database, migrate, migrationStatus, openPostgres, rollback } from "../lib/db/mod.ts";
import { migrations } from "../lib/db/migrations/mod.ts";
import { eachDatabase, hasPostgres, openTestDatabase } from "./support/databases.ts";

const names = Object.keys(migrations);

async function rollbackAll(db: Database) {
  while (await rollback(db));
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
      await expect(migrate(test.db, 50)).rejects.toMatchObject({ code: "55P03" });
    });
    await other.close();
    expect(await migrate(test.db)).toEqual(names);
  },
});
