import type { Connection, Database, Transaction } from "../db/mod.ts";

/** Which database this is. Cursors carry `identity`; one with another identity starts over. */
export interface Installation {
  identity: string;
  /** Signs cursors. Kept in the database, so that every process and every later secret agrees. */
  cursorKey: string;
}

/** What a pull starts from, read in its own snapshot. */
export interface SnapshotHead extends Installation {
  /** `pg_current_snapshot()` as text. */
  snapshot: string;
  /** When the snapshot was taken, ISO 8601 with microseconds. */
  takenAt: string;
  /** False when the database is not the one that `identity` was given to: `renewIdentity` is due. */
  genuine: boolean;
  /** Pulls read as the role that row level security binds. */
  rowSecurity: boolean;
}

/**
 * Tells this database from its copies and from its own past: the cluster, the timeline (which
 * changes with point-in-time recovery and failover), the database, the table itself (which a
 * restored dump creates anew), and the embedded database's files. A copy of a server's files can't be
 * told: who restores one must say so.
 */
const fingerprint = `concat_ws(':',
  (SELECT system_identifier FROM pg_control_system()),
  left(pg_walfile_name(pg_current_wal_lsn()), 8),
  (SELECT oid FROM pg_database WHERE datname = current_database()),
  'lockstep.installation'::regclass::oid,
  nullif(current_setting('lockstep.files', true), ''))`;

const isoTime = (time: string) =>
  `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Reads identity and snapshot in the transaction's own snapshot. */
export async function snapshotHead(tx: Transaction): Promise<SnapshotHead> {
  const [head] = await tx.query<SnapshotHead>(`
    SELECT i.identity::text AS "identity", i.cursor_key::text AS "cursorKey",
      pg_current_snapshot()::text AS "snapshot",
      ${isoTime("clock_timestamp()")} AS "takenAt",
      i.fingerprint = ${fingerprint} AS "genuine", i.row_security AS "rowSecurity"
    FROM lockstep.installation i`);
  return head;
}

/**
 * Gives the database a new identity if it is a copy, a restored one or one that took another
 * timeline, and forgets what belongs to the old: its transaction ids mean nothing here.
 * Resolves to whether that was so.
 */
export async function renewIdentity(db: Database): Promise<boolean> {
  return await db.transaction({}, async (tx) => {
    const [renewed] = await tx.query<{ first: boolean }>(`
      WITH old AS (SELECT fingerprint FROM lockstep.installation FOR UPDATE)
      UPDATE lockstep.installation i
      SET fingerprint = ${fingerprint},
        identity = CASE WHEN old.fingerprint = '' THEN identity ELSE gen_random_uuid() END
      FROM old
      WHERE i.fingerprint <> ${fingerprint}
      RETURNING old.fingerprint = '' AS first`);
    if (!renewed || renewed.first) return false;
    await forgetPast(tx);
    return true;
  });
}

async function forgetPast(tx: Transaction): Promise<void> {
  await tx.script(`
    DELETE FROM lockstep.snapshot_history;
    DELETE FROM lockstep.sync_position;
    DELETE FROM lockstep.scope_given;
    DELETE FROM lockstep.change_floor;
    UPDATE lockstep.tracked_model
    SET generation = gen_random_uuid(), reset_at = now(),
      reset_reason = 'The database was restored or recovered.'`);
  for (const { id } of await tx.query<{ id: number }>("SELECT id FROM lockstep.tracked_model")) {
    await tx.script(`DO $$ BEGIN
      IF to_regclass('lockstep.change_${id}') IS NOT NULL THEN
        DELETE FROM lockstep.change_${id};
      END IF;
    END $$`);
  }
}

/** The snapshot as of now, remembered by time for clients that name a time. At most one a second. */
export async function rememberSnapshot(conn: Connection): Promise<void> {
  await conn.query(`
    INSERT INTO lockstep.snapshot_history (taken_at, snapshot)
    SELECT date_trunc('second', clock_timestamp()), pg_current_snapshot()
    ON CONFLICT DO NOTHING`);
}
