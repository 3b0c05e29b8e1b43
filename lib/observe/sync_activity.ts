import { type AdminScope, organizationIn } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";

/** What the sync log counts in one hour, which begins at `hour`. */
export interface ActiveHour {
  hour: Date;
  pushes: number;
  pulls: number;
  /** Pushes and pulls that failed; not counted among the others. */
  failures: number;
}

/** A model that failed, or was refused records, in the last day. */
export interface FailingModel {
  model: string;
  operations: number;
  failures: number;
  warnings: number;
  lastAt: Date;
  lastMessage: string;
}

/** What an administrator wants to know first. */
export interface Overview {
  organizations: number;
  users: number;
  /** Devices that are not revoked, and how many of them came in the last day. */
  devices: number;
  devicesSeen: number;
  openQuarantine: number;
  /** Of the last day. */
  recordsPushed: number;
  recordsPulled: number;
  failures: number;
}

/** Which part of what `scope` holds: one organization, or all of it. */
export interface Part {
  scope: AdminScope;
  organizationId?: number;
}

/** The last 24 hours by hour, the current one last, without gaps. */
export async function syncActivity(conn: Connection, part: Part): Promise<ActiveHour[]> {
  const params: unknown[] = [];
  return await conn.query<ActiveHour>(
    `SELECT h.hour, coalesce(c.pushes, 0)::int AS pushes, coalesce(c.pulls, 0)::int AS pulls,
      coalesce(c.failures, 0)::int AS failures
    FROM generate_series(date_trunc('hour', now(), 'UTC') - interval '23 hours',
      date_trunc('hour', now(), 'UTC'), interval '1 hour') AS h (hour)
    LEFT JOIN (
      SELECT date_trunc('hour', timestamp, 'UTC') AS hour,
        count(*) FILTER (WHERE operation = 'PUSH' AND status <> 'ERROR') AS pushes,
        count(*) FILTER (WHERE operation = 'PULL' AND status <> 'ERROR') AS pulls,
        count(*) FILTER (WHERE status = 'ERROR') AS failures
      FROM lockstep.sync_log
      WHERE timestamp >= date_trunc('hour', now(), 'UTC') - interval '23 hours'
        AND ${inPart(part, "organization_id", params)}
      GROUP BY 1) c ON c.hour = h.hour
    ORDER BY h.hour`,
    params,
  );
}

/** The models with most failures in the last day, at most ten. */
export async function failingModels(conn: Connection, part: Part): Promise<FailingModel[]> {
  const params: unknown[] = [];
  const recent = `timestamp > now() - interval '1 day'
    AND ${inPart(part, "organization_id", params)}`;
  return await conn.query<FailingModel>(
    `WITH trouble AS (
      SELECT model_name, count(*) AS operations,
        count(*) FILTER (WHERE status = 'ERROR') AS failures,
        count(*) FILTER (WHERE status = 'WARNING') AS warnings
      FROM lockstep.sync_log
      WHERE ${recent}
      GROUP BY model_name
      HAVING bool_or(status <> 'SUCCESS')
      ORDER BY failures DESC, warnings DESC, model_name
      LIMIT 10)
    SELECT t.model_name AS model, t.operations::int, t.failures::int, t.warnings::int,
      l.timestamp AS "lastAt", l.error_message AS "lastMessage"
    FROM trouble t
    CROSS JOIN LATERAL (
      SELECT timestamp, error_message
      FROM lockstep.sync_log
      WHERE model_name = t.model_name AND status <> 'SUCCESS' AND ${recent}
      ORDER BY timestamp DESC, id DESC
      LIMIT 1) l
    ORDER BY t.failures DESC, t.warnings DESC, t.model_name`,
    params,
  );
}

/** The counts of the dashboard. */
export async function syncOverview(conn: Connection, part: Part): Promise<Overview> {
  const params: unknown[] = [];
  const within = (column: string) => inPart(part, column, params);
  const [overview] = await conn.query<Overview>(
    `SELECT
      (SELECT count(*) FROM lockstep.organization
        WHERE is_active AND ${within("id")})::int AS organizations,
      (SELECT count(DISTINCT m.user_id)
        FROM lockstep.user_organization m
        JOIN lockstep.app_user u ON u.id = m.user_id
        WHERE m.is_active AND u.is_active AND ${within("m.organization_id")})::int AS users,
      d.devices, d.devices_seen AS "devicesSeen",
      (SELECT count(*) FROM lockstep.quarantine
        WHERE state = 'open' AND ${within("organization_id")})::int AS "openQuarantine",
      l.pushed::float8 AS "recordsPushed", l.pulled::float8 AS "recordsPulled", l.failures
    FROM (
      SELECT count(*)::int AS devices,
        (count(*) FILTER (WHERE last_seen_at > now() - interval '1 day'))::int AS devices_seen
      FROM lockstep.device
      WHERE revoked_at IS NULL AND ${within("organization_id")}) d,
    (
      SELECT coalesce(sum(object_count) FILTER (WHERE operation = 'PUSH'), 0) AS pushed,
        coalesce(sum(object_count) FILTER (WHERE operation = 'PULL'), 0) AS pulled,
        (count(*) FILTER (WHERE status = 'ERROR'))::int AS failures
      FROM lockstep.sync_log
      WHERE timestamp > now() - interval '1 day' AND ${within("organization_id")}) l`,
    params,
  );
  return overview;
}

function inPart({ scope, organizationId }: Part, column: string, params: unknown[]): string {
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const within = organizationIn(scope, column, addParam);
  return organizationId === undefined
    ? within
    : `${within} AND ${column} = ${addParam(organizationId)}::int`;
}
