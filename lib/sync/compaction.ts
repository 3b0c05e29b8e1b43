import { type Database, identifier } from "../db/mod.ts";
import { changeTable } from "./change_log.ts";

/** What one round of compaction removed. */
export interface Compacted {
  redundant: number;
  tombstones: number;
}

/**
 * Shortens every change log without losing what a cursor may ask of it.
 *
 * A change is redundant when the next change of the same key says the same of the state before: a
 * client from before either learns the same from the later one. Deletions go, with all that the log
 * has of their keys, `retentionDays` after; the organization's floor then rises, so that a client from
 * before starts over.
 */
export async function compactChangeLogs(db: Database, retentionDays: number): Promise<Compacted> {
  const models = await db.query<{ id: number; columns: string[] }>(`
    SELECT m.id, array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM lockstep.tracked_model m
    JOIN pg_attribute a ON a.attrelid = to_regclass('lockstep.change_' || m.id)
      AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY m.id`);
  const total: Compacted = { redundant: 0, tombstones: 0 };
  for (const { id, columns } of models) {
    const one = await compactOne(db, id, columns, retentionDays);
    total.redundant += one.redundant;
    total.tombstones += one.tombstones;
  }
  return total;
}

async function compactOne(
  db: Database,
  id: number,
  columns: string[],
  retentionDays: number,
): Promise<Compacted> {
  const log = changeTable(id);
  const keys = columns.filter((name) => /^k\d+$/.test(name)).join(", ");
  const previous = columns.filter((name) => name.startsWith("p_")).map((name) => identifier(name));
  const before = `ROW(op <> 'I'${previous.map((name) => `, ${name}`).join("")})::text`;
  return await db.transaction({ retries: 3 }, async (tx) => {
    // One compaction at a time; writers and readers go on.
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('lockstep.compact'), $1)", [id]);
    const { count: redundant } = await tx.execute(`
      DELETE FROM ${log}
      WHERE seq IN (
        SELECT seq
        FROM (
          SELECT seq, xid, ${before} AS said,
            lead(${before}) OVER following AS said_next, lead(xid) OVER following AS next_xid
          FROM ${log}
          WINDOW following AS (PARTITION BY org, ${keys} ORDER BY seq)) entry
        WHERE said = said_next)`);
    const [{ tombstones }] = await tx.query<{ tombstones: number }>(
      `
      WITH old AS (
        SELECT pg_snapshot_xmin(snapshot) AS xid
        FROM lockstep.snapshot_history
        WHERE taken_at <= now() - make_interval(days => $1)
        ORDER BY taken_at DESC
        LIMIT 1
      ), gone AS (
        SELECT org, ${keys}
        FROM (SELECT DISTINCT ON (org, ${keys}) * FROM ${log} ORDER BY org, ${keys}, seq DESC) newest
        WHERE op = 'D' AND xid < (SELECT xid FROM old)
      ), removed AS (
        DELETE FROM ${log} WHERE (org, ${keys}) IN (SELECT org, ${keys} FROM gone)
        RETURNING org, xid
      ), raised AS (
        INSERT INTO lockstep.change_floor (model_id, organization, floor_xid)
        SELECT $2, org::text, (max(xid::text::numeric))::text::xid8 FROM removed GROUP BY org
        ON CONFLICT (model_id, organization)
          DO UPDATE SET floor_xid = greatest(change_floor.floor_xid, excluded.floor_xid)
      )
      SELECT count(*)::int AS tombstones FROM removed`,
      [retentionDays, id],
    );
    return { redundant, tombstones };
  });
}

/** Days for which the snapshot of every minute is kept; of older days one an hour is enough. */
const fineHistoryDays = 2;

/** Removes what the sync keeps for a while alone. Resolves to the rows removed, by table. */
export async function purgeSyncState(
  db: Database,
  settings: {
    positionRetentionDays: number;
    tombstoneRetentionDays: number;
    idempotencyRetentionHours: number;
  },
): Promise<Record<string, number>> {
  const { positionRetentionDays, tombstoneRetentionDays, idempotencyRetentionHours } = settings;
  const purge = async (text: string, params: unknown[]) => (await db.execute(text, params)).count;
  return {
    sync_position: await purge(
      `
      DELETE FROM lockstep.sync_position
      WHERE last_sync < now() - make_interval(days => $1)`,
      [positionRetentionDays],
    ),
    idempotency_key: await purge(
      `
      DELETE FROM lockstep.idempotency_key
      WHERE created_at < now() - make_interval(hours => $1)`,
      [idempotencyRetentionHours],
    ),
    scope: await purge(
      `
      DELETE FROM lockstep.scope
      WHERE last_used_at < now() - make_interval(days => $1)`,
      [Math.max(365, 2 * tombstoneRetentionDays)],
    ),
    snapshot_history: await purge(
      `
      DELETE FROM lockstep.snapshot_history
      WHERE taken_at < now() - make_interval(days => $1)
        OR taken_at < now() - make_interval(days => $2) AND taken_at NOT IN (
          SELECT min(taken_at) FROM lockstep.snapshot_history GROUP BY date_trunc('hour', taken_at))`,
      [Math.max(positionRetentionDays, tombstoneRetentionDays) + 7, fineHistoryDays],
    ),
  };
}
