import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { BulkJob, BulkOrigin, BulkPart, BulkState } from "./bulk_job.ts";

/*
 * `lockstep.job` holds a row for each bulk push and one for each part that is yet to be written. A
 * part's `done` is the position of its first record, its `total` how many it has, and its id follows
 * from both, so that the next part is found by the primary key.
 */
const jobKind = "bulk_push";
const partKind = "bulk_push_part";
const partId = (job: string, first: string) => `md5(concat(${job}, '/', ${first}))::uuid`;

/** Wakes the workers of every process. */
export const bulkChannel = "lockstep_job";

const jobColumns = `
  j.id, j.user_id AS "userId", j.organization_id AS "organizationId",
  j.payload::json ->> 'device' AS "device",
  j.payload::json ->> 'clientVersion' AS "clientVersion",
  j.payload::json ->> 'requestId' AS "requestId",
  j.state, j.done, j.total, j.result::text AS "result", j.error,
  j.created_at AS "createdAt", j.started_at AS "startedAt", j.finished_at AS "finishedAt"`;

/** Stores a part of a push that is still being received. */
export async function storePart(
  conn: Connection,
  job: string,
  { userId, organizationId }: BulkOrigin,
  { first, count, records }: BulkPart,
): Promise<void> {
  await conn.query(
    `
    INSERT INTO lockstep.job (id, kind, user_id, organization_id, payload, done, total, result)
    VALUES (${partId("$1::text", "$2::int")}, '${partKind}', $3, $4, $5, $2::int, $6::int,
      jsonb_build_object('job', $1::text))`,
    [job, first, userId, organizationId, records, count],
  );
}

/** Queues a push whose parts are all stored. */
export async function queueBulkJob(
  tx: Transaction,
  id: string,
  { userId, organizationId, ...origin }: BulkOrigin,
  total: number,
): Promise<void> {
  await tx.query(
    `
    INSERT INTO lockstep.job (id, kind, user_id, organization_id, payload, total)
    VALUES ($1, '${jobKind}', $2, $3, $4, $5)`,
    [id, userId, organizationId, JSON.stringify(origin), total],
  );
  await tx.query(`SELECT pg_notify('${bulkChannel}', '')`);
}

/** Removes what is stored of a push's parts. */
export async function deleteParts(conn: Connection, job: string): Promise<void> {
  await conn.query(
    `
    DELETE FROM lockstep.job
    WHERE state = 'queued' AND kind = '${partKind}' AND result ->> 'job' = $1`,
    [job],
  );
}

/** Bulk pushes of an organization that are not done yet. */
export async function countWaiting(conn: Connection, organizationId: number): Promise<number> {
  const [{ count }] = await conn.query<{ count: number }>(
    `
    SELECT count(*)::int AS count
    FROM lockstep.job
    WHERE kind = '${jobKind}' AND state IN ('queued', 'running') AND organization_id = $1`,
    [organizationId],
  );
  return count;
}

/** How many bulk pushes there are, by state. */
export async function countByState(conn: Connection): Promise<Record<BulkState, number>> {
  const rows = await conn.query<{ state: BulkState; count: number }>(
    `
    SELECT state, count(*)::int AS count
    FROM lockstep.job
    WHERE kind = '${jobKind}'
    GROUP BY state`,
  );
  const none = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  return { ...none, ...Object.fromEntries(rows.map(({ state, count }) => [state, count])) };
}

/** A bulk push by its id, in whichever state. */
export async function readBulkJob(conn: Connection, id: string): Promise<BulkJob | undefined> {
  const [job] = await conn.query<BulkJob>(
    `SELECT ${jobColumns} FROM lockstep.job j WHERE j.kind = '${jobKind}' AND j.id = $1`,
    [id],
  );
  return job;
}

/**
 * At most `limit` bulk pushes, newest first, of those that come after the one with the id `before`;
 * `organizationIds` null for those of all. With the state `failed` these are the dead letters.
 */
export async function listBulkJobs(
  conn: Connection,
  { state, organizationIds, before, limit }: {
    state: BulkState | null;
    organizationIds: readonly number[] | null;
    before: string | null;
    limit: number;
  },
): Promise<BulkJob[]> {
  return await conn.query<BulkJob>(
    `
    SELECT ${jobColumns}
    FROM lockstep.job j
    WHERE j.kind = '${jobKind}'
      AND ($1::text IS NULL OR j.state = $1::text)
      AND ($2::int[] IS NULL OR j.organization_id = ANY ($2::int[]))
      AND ($3::uuid IS NULL OR (j.created_at, j.id) < (
        SELECT b.created_at, b.id FROM lockstep.job b WHERE b.id = $3::uuid))
    ORDER BY j.created_at DESC, j.id DESC
    LIMIT $4::int`,
    [state, organizationIds, before, limit],
  );
}

/**
 * Cancels a push that is not done yet: nothing of it is written any more. What is written stays.
 *
 * @throws LockstepError `conflict` when it succeeded or failed before
 */
export async function cancelBulkJob(conn: Connection, id: string): Promise<void> {
  const { count } = await conn.execute(
    `
    UPDATE lockstep.job
    SET state = 'cancelled', finished_at = clock_timestamp()
    WHERE id = $1 AND kind = '${jobKind}' AND state IN ('queued', 'running')`,
    [id],
  );
  if (count > 0) return await deleteParts(conn, id);
  const job = await readBulkJob(conn, id);
  if (job?.state === "cancelled") return;
  throw new LockstepError(
    "conflict",
    `The bulk push ${id} has ${job?.state ?? "gone"} already and can't be cancelled.`,
  );
}

/**
 * Queues a dead letter again; it goes on after the last part that was written.
 *
 * @throws LockstepError `conflict` when it has not failed
 */
export async function retryBulkJob(conn: Connection, id: string): Promise<void> {
  const { count } = await conn.execute(
    `
    UPDATE lockstep.job
    SET state = 'queued', attempts = 0, error = NULL, finished_at = NULL
    WHERE id = $1 AND kind = '${jobKind}' AND state = 'failed'`,
    [id],
  );
  if (count === 0) {
    throw new LockstepError("conflict", `The bulk push ${id} has not failed: nothing to retry.`);
  }
  await conn.query(`SELECT pg_notify('${bulkChannel}', '')`);
}

/** A push that a worker has taken. */
export interface ClaimedJob extends BulkJob {
  /** Times that it was taken since the last part was written, this one included. */
  attempts: number;
}

/**
 * Takes the oldest push that waits, or whose worker has not been heard of for `leaseMs`. After n
 * failures it waits `retryMs` times 4 to the power of n - 1.
 */
export async function claimBulkJob(
  conn: Connection,
  leaseMs: number,
  retryMs: number,
): Promise<ClaimedJob | undefined> {
  const [job] = await conn.query<ClaimedJob>(
    `
    WITH due AS (
      SELECT id
      FROM lockstep.job
      WHERE kind = '${jobKind}' AND (
        state = 'queued' AND (attempts = 0 OR heartbeat_at
          <= clock_timestamp() - $2::float8 * 4 ^ (attempts - 1) * interval '1 ms')
        OR state = 'running' AND heartbeat_at
          < clock_timestamp() - $1::float8 * interval '1 ms')
      ORDER BY created_at
      LIMIT 1
      FOR UPDATE SKIP LOCKED
    )
    UPDATE lockstep.job j
    SET state = 'running', attempts = j.attempts + 1, heartbeat_at = clock_timestamp(),
      started_at = coalesce(j.started_at, clock_timestamp())
    FROM due
    WHERE j.id = due.id
    RETURNING ${jobColumns}, j.attempts`,
    [leaseMs, retryMs],
  );
  return job;
}

/** Gives back what was taken and not finished, where no other process can have taken it. */
export async function releaseAll(conn: Connection): Promise<void> {
  await conn.query(`
    UPDATE lockstep.job
    SET state = 'queued', heartbeat_at = '-infinity'
    WHERE kind = '${jobKind}' AND state = 'running'`);
}

/** Says that the worker of a push is alive, so that no other takes it. */
export async function beatBulkJob(conn: Connection, id: string): Promise<void> {
  await conn.query(
    `UPDATE lockstep.job SET heartbeat_at = clock_timestamp() WHERE id = $1 AND state = 'running'`,
    [id],
  );
}

/** The part that begins with the record at `first`; undefined when it is written or lost. */
export async function readPart(
  conn: Connection,
  job: string,
  first: number,
): Promise<BulkPart | undefined> {
  const [part] = await conn.query<BulkPart>(
    `
    SELECT done AS first, total AS count, payload AS records
    FROM lockstep.job
    WHERE id = ${partId("$1::text", "$2::int")} AND kind = '${partKind}'`,
    [job, first],
  );
  return part;
}

/** Errors that a result keeps; further ones are only counted. */
const mostErrors = 1000;

/** Adds the answer to one part to that of the parts before. Numbers keep their digits. */
const mergedResult = `jsonb_build_object(
  'success_count', coalesce((j.result ->> 'success_count')::bigint, 0)
    + (answer.body ->> 'success_count')::bigint,
  'error_count', coalesce((j.result ->> 'error_count')::bigint, 0)
    + (answer.body ->> 'error_count')::bigint,
  'processed_models', (
    SELECT coalesce(jsonb_object_agg(model, counts), '{}')
    FROM (
      SELECT model, jsonb_object_agg(action, sum) AS counts
      FROM (
        SELECT m.key AS model, a.key AS action, sum(a.value::text::bigint)
        FROM (VALUES (j.result -> 'processed_models'), (answer.body -> 'processed_models'))
          AS v (models)
        CROSS JOIN LATERAL jsonb_each(v.models) m
        CROSS JOIN LATERAL jsonb_each(m.value) a
        GROUP BY m.key, a.key) summed
      GROUP BY model) by_model),
  'processing_time', coalesce((j.result ->> 'processing_time')::numeric, 0)
    + (answer.body ->> 'processing_time')::numeric,
  'errors', (
    SELECT coalesce(jsonb_agg(kept.error ORDER BY kept.position), '[]')
    FROM (
      SELECT error, position
      FROM jsonb_array_elements(
        coalesce(j.result -> 'errors', '[]') || coalesce(answer.body -> 'errors', '[]'))
        WITH ORDINALITY AS e (error, position)
      ORDER BY position
      LIMIT ${mostErrors}) kept))`;

/**
 * Records that a part is written, in the transaction that writes it. Resolves to false when the push
 * was cancelled or another worker wrote the part: then the transaction must be rolled back.
 */
export async function finishPart(
  tx: Transaction,
  job: string,
  { first, count }: BulkPart,
  answer: string,
): Promise<boolean> {
  const { count: updated } = await tx.execute(
    `
    UPDATE lockstep.job j
    SET done = $2::int + $3::int, attempts = 1, heartbeat_at = clock_timestamp(), error = NULL,
      result = ${mergedResult}
    FROM (SELECT $4::text::jsonb AS body) answer
    WHERE j.id = $1 AND j.kind = '${jobKind}' AND j.state = 'running' AND j.done = $2::int`,
    [job, first, count, storable(answer)],
  );
  await tx.query(
    `DELETE FROM lockstep.job WHERE id = ${partId("$1::text", "$2::int")}`,
    [job, first],
  );
  return updated === 1;
}

/** jsonb holds no NUL and no half of a surrogate pair; in JSON text whole pairs are no escapes. */
function storable(json: string): string {
  return json.replaceAll(
    /\\(?:\\|u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})/g,
    (escape) => escape === "\\\\" ? escape : "\\ufffd",
  );
}

/** Ends a push whose every part is written. */
export async function succeedBulkJob(conn: Connection, id: string): Promise<void> {
  await conn.query(
    `
    UPDATE lockstep.job
    SET state = 'succeeded', finished_at = clock_timestamp()
    WHERE id = $1 AND state = 'running' AND done = total`,
    [id],
  );
}

/**
 * Gives a push up: it is a dead letter, with the parts that were not written. Not when another worker
 * has come further than `done`.
 */
export async function failBulkJob(
  conn: Connection,
  id: string,
  done: number,
  error: string,
): Promise<void> {
  await conn.query(
    `
    UPDATE lockstep.job
    SET state = 'failed', finished_at = clock_timestamp(), error = $3
    WHERE id = $1 AND state = 'running' AND done = $2::int`,
    [id, done, error],
  );
}

/** Gives a push back to the queue, for later when something failed; else as in `failBulkJob`. */
export async function releaseBulkJob(
  conn: Connection,
  id: string,
  done: number,
  error: string | null,
): Promise<void> {
  await conn.query(
    `
    UPDATE lockstep.job
    SET state = 'queued', heartbeat_at = clock_timestamp(), error = coalesce($3::text, error),
      attempts = CASE WHEN $3::text IS NULL THEN 0 ELSE attempts END
    WHERE id = $1 AND state = 'running' AND done = $2::int`,
    [id, done, error],
  );
}

/**
 * Removes bulk pushes that ended more than `days` ago, and parts that nobody will write: of ended
 * pushes, and of pushes whose upload broke off a day ago. Resolves to the rows removed.
 */
export async function purgeBulkJobs(
  conn: Connection,
  days: number,
): Promise<{ pushes: number; parts: number }> {
  const { count: pushes } = await conn.execute(
    `
    DELETE FROM lockstep.job
    WHERE kind = '${jobKind}' AND finished_at < now() - make_interval(days => $1::int)`,
    [days],
  );
  const { count: parts } = await conn.execute(`
    DELETE FROM lockstep.job part
    WHERE part.state = 'queued' AND part.kind = '${partKind}'
      AND part.created_at < now() - interval '1 day'
      AND NOT EXISTS (
        SELECT FROM lockstep.job j
        WHERE j.id = (part.result ->> 'job')::uuid AND j.state IN ('queued', 'running', 'failed'))`);
  return { pushes, parts };
}
