import { type Connection, type Database, identifier } from "../../lib/db/mod.ts";
import { exampleOrganizations, exampleUsers, setupExample } from "./example_access.ts";
import { demoRows, type Row } from "./rows.ts";
import { demoModels, demoSchema } from "./schema.ts";

/** The password of every user of the demo. */
export const demoPassword = "lockstep-demo";

/** Keeps two processes on one database from loading at once. */
const loadLock = 0x10c5de0;

export interface DemoSummary {
  /** False when the demo was there already: then nothing was changed. */
  loaded: boolean;
  password: string;
  /** Those of the example's users that exist. */
  users: { username: string; role: string }[];
  /** Rows by model. */
  rows: Record<string, number>;
}

/**
 * Loads the example organizations, users, permissions and a few thousand rows into the schema
 * `myapp`, in one transaction. Where `myapp` exists, nothing is changed.
 */
export async function loadDemo(db: Database): Promise<DemoSummary> {
  const settings = { "lockstep.source": "cli", "lockstep.actor": "demo" };
  return await db.transaction({ settings }, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock($1)", [loadLock]);
    const [{ exists }] = await tx.query<{ exists: boolean }>(
      "SELECT to_regnamespace('myapp') IS NOT NULL AS exists",
    );
    if (!exists) await load(tx);
    const users = await idsBy(tx, "SELECT username AS name, id FROM lockstep.app_user");
    return {
      loaded: !exists,
      password: demoPassword,
      users: exampleUsers.filter(({ username }) => username in users).map((
        { username, organization, group, is_superuser },
      ) => ({
        username,
        role: is_superuser
          ? "superuser"
          : `${group} of ${exampleOrganizations.find(({ slug }) => slug === organization)!.name}`,
      })),
      rows: await countRows(tx),
    };
  });
}

async function load(tx: Connection): Promise<void> {
  await setupExample(tx, { password: demoPassword, models: demoModels });
  await tx.script(demoSchema);
  const rows = demoRows({
    organizations: await idsBy(tx, "SELECT slug AS name, id FROM lockstep.organization"),
    users: await idsBy(tx, "SELECT username AS name, id FROM lockstep.app_user"),
  });
  for (const [table, list] of Object.entries(rows)) await insert(tx, table, list);
}

async function idsBy(tx: Connection, statement: string): Promise<Record<string, number>> {
  const rows = await tx.query<{ name: string; id: number }>(statement);
  return Object.fromEntries(rows.map(({ name, id }) => [name, id]));
}

/** All rows of a table in one statement; its identity continues behind them. */
async function insert(tx: Connection, table: string, rows: Row[]): Promise<void> {
  const name = identifier("myapp", table);
  const columns = Object.keys(rows[0]).map((column) => identifier(column)).join(", ");
  await tx.query(
    `INSERT INTO ${name} (${columns})
     SELECT ${columns} FROM json_populate_recordset(NULL::${name}, $1::text::json)`,
    [JSON.stringify(rows)],
  );
  await tx.query("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", [name, rows.length]);
}

async function countRows(tx: Connection): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const model of demoModels) {
    const table = model.slice("myapp.".length).replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
    const [exists] = await tx.query("SELECT 1 WHERE to_regclass($1) IS NOT NULL", [
      identifier("myapp", table),
    ]);
    if (!exists) continue;
    const [{ count }] = await tx.query<{ count: number }>(
      `SELECT count(*) AS count FROM ${identifier("myapp", table)}`,
    );
    counts[model] = count;
  }
  return counts;
}
