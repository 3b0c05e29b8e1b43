import type { Database, Transaction } from "../db/mod.ts";

/** Where the write-ahead log ends: behind everything that the transaction's snapshot knows of. */
export async function walEnd(tx: Transaction): Promise<string> {
  const [{ end }] = await tx.query<{ end: string }>(
    `SELECT pg_current_wal_insert_lsn()::text AS "end"`,
  );
  return end;
}

/**
 * Resolves when the log is on disk up to `end`. A cursor may only go out after that: PostgreSQL does
 * not wait for the disk when a transaction is rolled back, so that after a crash its id can be given
 * to another one, which a snapshot from before the crash would take for finished.
 */
export async function makeDurable(db: Database, end: string): Promise<void> {
  const [{ durable }] = await db.query<{ durable: boolean }>(
    "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn AS durable",
    [end],
  );
  if (durable) return;
  // The commit of anything that is logged flushes all that was logged before.
  await db.transaction(
    { settings: { synchronous_commit: "on" } },
    (tx) => tx.query("SELECT pg_logical_emit_message(true, 'lockstep', '')"),
  );
}
