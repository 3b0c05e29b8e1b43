import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import type { TrackedModel } from "./change_log.ts";
import { rememberSnapshot } from "./installation.ts";
import type { PullContext, SavedPosition } from "./pull.ts";
import { saveScopes } from "./scope_store.ts";

/** A snapshot of the past that a client's time stands for. */
export interface OldSnapshot {
  snapshot: string;
  /** Milliseconds since 1970. */
  takenAt: number;
  /** Every scope under which the user was answered: which of them the client holds is not known. */
  held: string[];
}

/**
 * How much earlier than the time that a client names its snapshot must be: the client's clock and
 * ours, and transactions that were open at that time.
 */
const overlapSeconds = 60;

/**
 * What the times stand for that clients gave instead of cursors, by the name they used: the cursor
 * that went with that `last_sync`, of which many a client keeps the milliseconds alone, or else the
 * newest snapshot that is safely older. Neither, so that the client starts over, is a time
 *
 * - from before what positions are kept for: it may belong to a first pull cut short;
 * - from before the model's log begins;
 * - of the future, by more than clocks differ;
 * - of a user who was never answered: nobody knows which scope the client holds.
 */
export async function findPositions(
  conn: Connection,
  { principal, membership, device, positionRetentionDays }: PullContext,
  asked: { name: string; model: Model; given: string | null }[],
  tracked: ReadonlyMap<Model, TrackedModel>,
): Promise<Map<string, string | OldSnapshot>> {
  if (asked.length === 0) return new Map();
  const wanted = asked.map(({ name, model, given }) => ({
    name,
    model: model.name,
    id: tracked.get(model)!.id,
    at: parseTime(name, given!),
  }));
  const rows = await conn.query<{
    name: string;
    cursor: string | null;
    snapshot: string | null;
    taken_at: number | null;
    held: string[];
  }>(
    `
    SELECT wanted.name, p.cursor, h.snapshot::text AS snapshot,
      extract(epoch FROM h.taken_at)::float8 * 1000 AS taken_at,
      ARRAY(
        SELECT DISTINCT g.hash
        FROM lockstep.scope_given g
        WHERE g.user_id = $2 AND g.organization_id = $3 AND g.model_name = wanted.model) AS held
    FROM json_to_recordset($1::text::json)
      AS wanted (name text, model text, id integer, at timestamptz)
    JOIN lockstep.tracked_model m USING (id)
    LEFT JOIN LATERAL (
      SELECT p.cursor
      FROM lockstep.sync_position p
      WHERE p.user_id = $2 AND p.organization_id = $3 AND p.model_name = wanted.model
        AND p.last_sync >= wanted.at AND p.last_sync < wanted.at + CASE
          WHEN wanted.at = date_trunc('milliseconds', wanted.at) THEN interval '1 millisecond'
          ELSE interval '1 microsecond' END
      ORDER BY p.device = $4 DESC, p.last_sync
      LIMIT 1) p ON true
    LEFT JOIN LATERAL (
      SELECT h.snapshot, h.taken_at
      FROM lockstep.snapshot_history h
      WHERE h.taken_at < wanted.at - make_interval(secs => $5)
        AND wanted.at <= now() + make_interval(secs => $5)
        AND h.taken_at > m.reset_at
        AND h.taken_at > now() - make_interval(days => $6)
      ORDER BY h.taken_at DESC
      LIMIT 1) h ON true`,
    [
      JSON.stringify(wanted),
      principal.userId,
      membership.organization.id,
      device,
      overlapSeconds,
      positionRetentionDays,
    ],
  );
  const found = new Map<string, string | OldSnapshot>();
  for (const { name, cursor, snapshot, taken_at, held } of rows) {
    if (cursor) found.set(name, cursor);
    else if (snapshot && held.length > 0) {
      found.set(name, { snapshot, takenAt: taken_at!, held });
    }
  }
  return found;
}

const isoTime =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** The time as ISO 8601 in UTC, in the years 1 to 9999; one without a zone is taken for UTC. */
function parseTime(name: string, given: string): string {
  const [, date, time = "00:00", zone = "Z"] = isoTime.exec(given) ?? [];
  try {
    const at = Temporal.Instant.from(`${date}T${time}${zone}`).toString();
    if (!/^(?!0000)\d{4}-/.test(at)) throw new RangeError(at);
    return at;
  } catch {
    throw new LockstepError(
      "invalid_cursor",
      `The position given for ${name} is neither a cursor nor a time. Send null to start over, the ` +
        `"cursor" or "last_sync" of the last answer, or a time such as 2024-01-14T10:00:00Z.`,
      { errors: [{ field: `models.${name}`, message: "Neither a cursor nor a time." }] },
    );
  }
}

/** When the user last synced each model, ISO 8601, by model name. */
export async function lastSyncTimes(
  conn: Connection,
  { principal, membership }: PullContext,
): Promise<Map<string, string>> {
  const rows = await conn.query<{ model_name: string; last_sync: Date }>(
    `
    SELECT model_name, last_sync
    FROM lockstep.user_sync_metadata
    WHERE user_id = $1 AND organization_id = $2`,
    [principal.userId, membership.organization.id],
  );
  return new Map(rows.map(({ model_name, last_sync }) => [model_name, last_sync.toISOString()]));
}

/**
 * Gives each page its `last_sync`, and stores what a later pull will need before the answer goes out:
 * the scopes that cursors name, the snapshot, and which cursor goes with which time.
 *
 * The cursors are left out where a plain time does as well: when every model was at its end before and
 * still is, as in each pull of a client that keeps up by cursors; and when `unfinished` times don't go
 * out, as in a stream, which tells times in its last line alone.
 */
export async function savePositions(
  context: PullContext,
  positions: SavedPosition[],
  asOf: string,
  { unfinished }: { unfinished: boolean },
): Promise<void> {
  const { db } = context;
  for (const { page } of positions) page.lastSync = asOf;
  const wanted = positions.some(({ fromEnd, page }) => !fromEnd || page.hasMore);
  const telling = positions.filter(({ page }) => unfinished || !page.hasMore);
  await Promise.all([
    saveTimes(context, wanted ? telling : [], asOf),
    saveScopes(db, new Map(positions.map(({ hash, scope }) => [hash, scope]))),
    saveGiven(context, positions.filter(({ scopeIsNew }) => scopeIsNew)),
    rememberSnapshot(db),
  ]);
}

/**
 * Notes the scopes of answers to positions that know nothing of them. A device that keeps the rows of
 * such an answer and loses its cursor comes back with the old position, and one that comes back with
 * an unknown time holds one of the scopes noted.
 */
async function saveGiven(context: PullContext, positions: SavedPosition[]): Promise<void> {
  if (positions.length === 0) return;
  const { db, principal, membership, device } = context;
  await db.query(
    `
    INSERT INTO lockstep.scope_given (user_id, organization_id, device, model_name, hash)
    SELECT $2, $3, $4, model, hash
    FROM json_to_recordset($1::text::json) AS given (model text, hash text)
    ON CONFLICT (user_id, organization_id, device, model_name, hash)
      DO UPDATE SET xid = excluded.xid`,
    [
      JSON.stringify(positions.map(({ model, hash }) => ({ model: model.name, hash }))),
      principal.userId,
      membership.organization.id,
      device,
    ],
  );
}

/** A time that was already given out is moved on by a microsecond, so that it names one position. */
async function saveTimes(
  context: PullContext,
  positions: SavedPosition[],
  asOf: string,
): Promise<void> {
  if (positions.length === 0) return;
  const { db, principal, membership, device } = context;
  const rows = await db.query<{ name: string; last_sync: string }>(
    `
    WITH given AS (
      SELECT given.*, greatest($5::text::timestamptz, (
        SELECT max(p.last_sync) + interval '1 microsecond'
        FROM lockstep.sync_position p
        WHERE p.user_id = $2 AND p.organization_id = $3 AND p.device = $4
          AND p.model_name = given.model)) AS last_sync
      FROM json_to_recordset($1::text::json) AS given (name text, model text, cursor text)
    ), saved AS (
      INSERT INTO lockstep.sync_position
        (user_id, organization_id, device, model_name, last_sync, cursor)
      SELECT $2, $3, $4, model, last_sync, cursor FROM given
      ON CONFLICT DO NOTHING
      RETURNING model_name, last_sync
    )
    SELECT given.name, to_char(saved.last_sync AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      AS last_sync
    FROM saved JOIN given ON given.model = saved.model_name`,
    [
      JSON.stringify(positions.map(({ page, model }) => ({
        name: page.name,
        model: model.name,
        cursor: page.cursor,
      }))),
      principal.userId,
      membership.organization.id,
      device,
      asOf,
    ],
  );
  const times = new Map(rows.map(({ name, last_sync }) => [name, last_sync]));
  for (const { page } of positions) page.lastSync = times.get(page.name) ?? page.lastSync;
  // The same device pulled at the same microsecond elsewhere: theirs stands, ours moves on.
  await saveTimes(context, positions.filter(({ page }) => !times.has(page.name)), asOf);
}
