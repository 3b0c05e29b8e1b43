import { LockstepError } from "../errors/mod.ts";
import type { Connection, Database, Transaction } from "./connection.ts";
import { migrations } from "./migrations/mod.ts";
import { sqlError } from "./sql_error.ts";

/** Identifies the migration lock among the database's advisory locks. */
const lockKey = 0x10c57e9;

export interface MigrationStatus {
  /** Names of the migrations that the database has. */
  applied: string[];
  /** Names and SQL of those it still needs, in order. */
  pending: { name: string; sql: string }[];
}

/**
 * Compares the database's schema with this program's.
 *
 * @throws LockstepError `schema_too_new` when a newer Lockstep has migrated the database.
 */
export async function migrationStatus(db: Connection): Promise<MigrationStatus> {
  const [{ exists }] = await db.query<{ exists: boolean }>(
    "SELECT to_regclass('lockstep.schema_version') IS NOT NULL AS exists",
  );
  const applied = exists
    ? (await db.query<{ name: string }>("SELECT name FROM lockstep.schema_version ORDER BY name"))
      .map((row) => row.name)
    : [];
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new LockstepError(
      "schema_too_new",
      `The database was migrated by a newer Lockstep (it has ${unknown.join(", ")}). ` +
        "Start that version or a later one, take its migrations back with it (lockstep migrate " +
        "--rollback), or restore a backup from before the upgrade.",
    );
  }
  const pending = Object.keys(migrations).filter((name) => !applied.includes(name));
  return { applied, pending: pending.map((name) => ({ name, sql: migrations[name].up })) };
}

/**
 * Brings the schema to this program's version in one transaction. Several processes may start at
 * once: one migrates, the others wait up to `timeout` milliseconds. Resolves to what was applied.
 *
 * @throws LockstepError `schema_too_new`, or `unavailable` when the wait was too long.
 */
export async function migrate(db: Database, timeout = 300_000): Promise<string[]> {
  if ((await migrationStatus(db)).pending.length === 0) return [];
  return await underLock(db, timeout, async (tx) => {
    await tx.script(`
      CREATE SCHEMA IF NOT EXISTS lockstep;
      CREATE TABLE IF NOT EXISTS lockstep.schema_version (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`);
    // Read again under the lock: another process may have migrated meanwhile.
    const { pending } = await migrationStatus(tx);
    for (const { name, sql } of pending) {
      await tx.query("INSERT INTO lockstep.schema_version (name) VALUES ($1)", [name]);
      await tx.script(sql);
    }
    return pending.map(({ name }) => name);
  });
}

/**
 * Takes back the newest migration. Resolves to its name, or undefined when there is none.
 *
 * @throws LockstepError as `migrate` does
 */
export async function rollback(db: Database, timeout = 300_000): Promise<string | undefined> {
  return await underLock(db, timeout, async (tx) => {
    const name = (await migrationStatus(tx)).applied.at(-1);
    if (!name) return;
    await tx.script(migrations[name].down);
    await tx.query("DELETE FROM lockstep.schema_version WHERE name = $1", [name]);
    return name;
  });
}

/** The name and the SQL of what `rollback` would do now. */
export async function rollbackPlan(
  db: Connection,
): Promise<{ name: string; sql: string } | undefined> {
  const name = (await migrationStatus(db)).applied.at(-1);
  return name === undefined ? undefined : { name, sql: migrations[name].down };
}

async function underLock<T>(
  db: Database,
  timeout: number,
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  // Without the bound on statements: it would end the wait, or a migration of a large table.
  const settings = { lock_timeout: String(timeout), statement_timeout: "0" };
  try {
    return await db.transaction({ settings }, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1)", [lockKey]);
      return await fn(tx);
    });
  } catch (cause) {
    if (sqlError(cause)?.code !== "55P03") throw cause;
    throw new LockstepError(
      "unavailable",
      `The migration waited longer than ${timeout / 1000} s for another process that migrates or ` +
        "that uses the tables. Nothing was changed. Look for it in pg_stat_activity, or raise " +
        "LOCKSTEP_MIGRATION_TIMEOUT.",
      { cause },
    );
  }
}
