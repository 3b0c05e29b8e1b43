import type { Connection, Database } from "../db/mod.ts";
import type { JobRun, Outcome, Trigger } from "./job.ts";

/** A run whose process has not been heard of for so long is taken for dead. */
export const leaseSeconds = 60;

/** While a run lasts, `detail` holds its last heartbeat. */
const heartbeat = "jsonb_build_object('heartbeat_at', clock_timestamp())";
const isDead = `
  outcome = 'running'
  AND (detail ->> 'heartbeat_at')::timestamptz < clock_timestamp() - interval '${leaseSeconds} s'`;

const runColumns = `
  r.id, r.job_name AS job, r.trigger, r.started_at, r.finished_at, r.outcome,
  CASE WHEN r.outcome <> 'running' THEN r.detail END AS detail, r.error`;

/**
 * Records that a run begins, unless the job is running, in whichever process, or `since` is given and
 * a scheduled run has begun since then. Resolves to the run's id.
 *
 * The claim is a row with a heartbeat and no lock that is held: a session's advisory lock would keep
 * a connection of the pool for as long as the run lasts, and the embedded database has only one.
 */
export async function claimRun(
  db: Database,
  job: string,
  trigger: Trigger,
  since: Date | null,
): Promise<number | undefined> {
  return await db.transaction({ retries: 3 }, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('lockstep.job'), hashtext($1::text))", [
      job,
    ]);
    const [run] = await tx.query<{ id: number }>(
      `
      INSERT INTO lockstep.job_run (job_name, trigger, started_at, detail)
      SELECT $1::text, $2::text, clock_timestamp(), ${heartbeat}
      WHERE NOT EXISTS (
        SELECT FROM lockstep.job_run
        WHERE job_name = $1::text AND (outcome = 'running'
          OR trigger = 'cron' AND started_at >= $3::text::timestamptz))
      RETURNING id`,
      [job, trigger, since],
    );
    return run?.id;
  });
}

/** Says that the process of a run is alive. */
export async function beat(conn: Connection, id: number): Promise<void> {
  await conn.query(
    `UPDATE lockstep.job_run SET detail = ${heartbeat} WHERE id = $1 AND outcome = 'running'`,
    [id],
  );
}

/** Records the end of a run that nobody has taken for dead meanwhile. */
export async function finishRun(
  conn: Connection,
  id: number,
  outcome: Outcome,
  detail: Record<string, unknown> | null,
  error: string,
): Promise<void> {
  await conn.query(
    `
    UPDATE lockstep.job_run
    SET finished_at = clock_timestamp(), outcome = $2, detail = $3::text::jsonb, error = $4
    WHERE id = $1 AND outcome = 'running'`,
    [id, outcome, detail && JSON.stringify(detail), error],
  );
}

/** Closes the runs of processes that are gone; of all processes, where there can be no other. */
export async function closeDeadRuns(conn: Connection, ofAll: boolean): Promise<void> {
  await conn.query(`
    UPDATE lockstep.job_run
    SET finished_at = clock_timestamp(), outcome = 'failed', detail = NULL,
      error = 'The process that ran it ended before it was done.'
    WHERE ${ofAll ? "outcome = 'running'" : isDead}`);
}

/** What decides which jobs are due, all by the database's clock. */
export async function readClock(
  conn: Connection,
  jobs: string[],
): Promise<{ now: Date; lastStarts: Map<string, Date> }> {
  const rows = await conn.query<{ name: string; now: Date; last: Date }>(
    `
    SELECT job.name, clock_timestamp() AS now, coalesce(run.started_at, i.created_at) AS last
    FROM unnest($1::text[]) AS job (name)
    CROSS JOIN lockstep.installation i
    LEFT JOIN LATERAL (
      SELECT started_at
      FROM lockstep.job_run
      WHERE job_name = job.name AND trigger = 'cron'
      ORDER BY started_at DESC
      LIMIT 1) run ON true`,
    [jobs],
  );
  return { now: rows[0].now, lastStarts: new Map(rows.map(({ name, last }) => [name, last])) };
}

/** The last run, and the last that did not succeed, of each job. */
export async function lastRuns(
  conn: Connection,
  jobs: string[],
): Promise<Map<string, { last: JobRun | null; failure: JobRun | null }>> {
  const latest = async (condition: string) => {
    const rows = await conn.query<JobRun>(
      `
      SELECT r.*
      FROM unnest($1::text[]) AS job (name)
      CROSS JOIN LATERAL (
        SELECT ${runColumns}
        FROM lockstep.job_run r
        WHERE r.job_name = job.name AND ${condition}
        ORDER BY r.started_at DESC, r.id DESC
        LIMIT 1) r`,
      [jobs],
    );
    return new Map(rows.map((run) => [run.job, run]));
  };
  const last = await latest("true");
  const failures = await latest("r.outcome IN ('failed', 'timed_out')");
  return new Map(jobs.map((name) => [name, {
    last: last.get(name) ?? null,
    failure: failures.get(name) ?? null,
  }]));
}

/** At most `limit` runs of a job, newest first, of those before the id `before`. */
export async function runHistory(
  conn: Connection,
  job: string,
  { before, limit }: { before: number | null; limit: number },
): Promise<JobRun[]> {
  return await conn.query<JobRun>(
    `
    SELECT ${runColumns}
    FROM lockstep.job_run r
    WHERE r.job_name = $1 AND ($2::bigint IS NULL OR r.id < $2::bigint)
    ORDER BY r.id DESC
    LIMIT $3::int`,
    [job, before, limit],
  );
}

/** A run by its id. */
export async function readRun(conn: Connection, id: number): Promise<JobRun | undefined> {
  const [run] = await conn.query<JobRun>(
    `SELECT ${runColumns} FROM lockstep.job_run r WHERE r.id = $1`,
    [id],
  );
  return run;
}

/** Whether the last run of each job that ended failed or took too long, by the job's name. */
export async function failingJobs(conn: Connection): Promise<Map<string, boolean>> {
  const rows = await conn.query<{ name: string; failing: boolean }>(`
    SELECT DISTINCT ON (job_name) job_name AS name, outcome <> 'succeeded' AS failing
    FROM lockstep.job_run
    WHERE finished_at IS NOT NULL
    ORDER BY job_name, started_at DESC, id DESC`);
  return new Map(rows.map(({ name, failing }) => [name, failing]));
}

/** Of one job; one that runs every minute would fill the history otherwise. */
const mostKept = 1000;

/**
 * Removes the runs older than `days`, and all but the newest thousand of each job. What is known of a
 * job by its runs stays: when it was last due, when it last succeeded and why it last failed.
 */
export async function purgeJobRuns(conn: Connection, days: number): Promise<number> {
  const newest = (condition: string) => `
      SELECT * FROM (
        SELECT DISTINCT ON (job_name) id
        FROM lockstep.job_run
        WHERE ${condition}
        ORDER BY job_name, started_at DESC, id DESC) run`;
  const { count } = await conn.execute(
    `
    DELETE FROM lockstep.job_run
    WHERE outcome <> 'running' AND (
      started_at < now() - make_interval(days => $1::int)
      OR id IN (
        SELECT id
        FROM (SELECT id, row_number() OVER (PARTITION BY job_name ORDER BY id DESC) AS position
          FROM lockstep.job_run) run
        WHERE position > $2::int))
    AND id NOT IN (
      ${
      ["trigger = 'cron'", "outcome = 'succeeded'", "outcome IN ('failed', 'timed_out')"]
        .map(newest).join(" UNION ALL ")
    })`,
    [days, mostKept],
  );
  return count;
}
