import { type AdminScope, userVisibleIn } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { inPart, type Part } from "./part.ts";

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

/** What the sync log has of the last day: the current hour, and the 23 before it. */
export interface SyncDay {
  /** The current hour last, without gaps. */
  hours: ActiveHour[];
  /** The models with most failures, at most ten. */
  failing: FailingModel[];
  recordsPushed: number;
  recordsPulled: number;
  failures: number;
}

/** What there is, for the dashboard. */
export interface Counts {
  organizations: number;
  users: number;
  /** Devices that are not revoked, and how many of them came in the last day. */
  devices: number;
  devicesSeen: number;
  openQuarantine: number;
}

interface DayRow extends Omit<SyncDay, "hours" | "failing"> {
  hours: (Omit<ActiveHour, "hour"> & { hour: string })[];
  failing: (Omit<FailingModel, "lastAt"> & { lastAt: string })[];
}

/** The last day of the sync log, from one pass over it. */
export async function syncDay(conn: Connection, part: Part): Promise<SyncDay> {
  const params: unknown[] = [];
  const within = inPart(part, "organization_id", params);
  const [{ hours, failing, ...sums }] = await conn.query<DayRow>(
    `WITH hourly AS MATERIALIZED (
      SELECT date_trunc('hour', timestamp, 'UTC') AS hour, model_name, operation, status,
        count(*) AS syncs, sum(object_count) AS objects, max(timestamp) AS last_at
      FROM lockstep.sync_log
      WHERE timestamp >= date_trunc('hour', now(), 'UTC') - interval '23 hours' AND ${within}
      GROUP BY 1, 2, 3, 4),
    active AS (
      SELECT h.hour,
        coalesce(sum(syncs) FILTER (WHERE operation = 'PUSH' AND status <> 'ERROR'), 0) AS pushes,
        coalesce(sum(syncs) FILTER (WHERE operation = 'PULL' AND status <> 'ERROR'), 0) AS pulls,
        coalesce(sum(syncs) FILTER (WHERE status = 'ERROR'), 0) AS failures
      FROM generate_series(date_trunc('hour', now(), 'UTC') - interval '23 hours',
        date_trunc('hour', now(), 'UTC'), interval '1 hour') AS h (hour)
      LEFT JOIN hourly USING (hour)
      GROUP BY h.hour),
    trouble AS (
      SELECT model_name AS model, sum(syncs) AS operations,
        coalesce(sum(syncs) FILTER (WHERE status = 'ERROR'), 0) AS failures,
        coalesce(sum(syncs) FILTER (WHERE status = 'WARNING'), 0) AS warnings,
        max(last_at) FILTER (WHERE status <> 'SUCCESS') AS "lastAt"
      FROM hourly
      GROUP BY model_name
      HAVING bool_or(status <> 'SUCCESS')
      ORDER BY failures DESC, warnings DESC, model_name
      LIMIT 10),
    failing AS (
      SELECT t.*, l.error_message AS "lastMessage"
      FROM trouble t
      CROSS JOIN LATERAL (
        SELECT error_message
        FROM lockstep.sync_log
        WHERE model_name = t.model AND timestamp = t."lastAt" AND status <> 'SUCCESS' AND ${within}
        ORDER BY id DESC
        LIMIT 1) l)
    SELECT (SELECT json_agg(a ORDER BY a.hour) FROM active a) AS hours,
      (SELECT coalesce(json_agg(f ORDER BY f.failures DESC, f.warnings DESC, f.model), '[]')
        FROM failing f) AS failing,
      coalesce(sum(objects) FILTER (WHERE operation = 'PUSH'), 0)::float8 AS "recordsPushed",
      coalesce(sum(objects) FILTER (WHERE operation = 'PULL'), 0)::float8 AS "recordsPulled",
      coalesce(sum(syncs) FILTER (WHERE status = 'ERROR'), 0)::float8 AS failures
    FROM hourly`,
    params,
  );
  return {
    ...sums,
    hours: hours.map((row) => ({ ...row, hour: new Date(row.hour) })),
    failing: failing.map((row) => ({ ...row, lastAt: new Date(row.lastAt) })),
  };
}

/** The counts of the dashboard. */
export async function syncCounts(conn: Connection, part: Part): Promise<Counts> {
  const params: unknown[] = [];
  const within = (column: string) => inPart(part, column, params);
  const [counts] = await conn.query<Counts>(
    `SELECT
      (SELECT count(*) FROM lockstep.organization
        WHERE is_active AND ${within("id")})::int AS organizations,
      (SELECT count(DISTINCT m.user_id)
        FROM lockstep.user_organization m
        JOIN lockstep.app_user u ON u.id = m.user_id
        WHERE m.is_active AND u.is_active AND ${within("m.organization_id")})::int AS users,
      d.devices, d.devices_seen AS "devicesSeen",
      (SELECT count(*) FROM lockstep.quarantine
        WHERE state = 'open' AND ${within("organization_id")})::int AS "openQuarantine"
    FROM (
      SELECT count(*)::int AS devices,
        (count(*) FILTER (WHERE last_seen_at > now() - interval '1 day'))::int AS devices_seen
      FROM lockstep.device
      WHERE revoked_at IS NULL AND ${within("organization_id")}) d`,
    params,
  );
  return counts;
}

/** Who had a page of this server open in the last five minutes, the last seen first, at most 20. */
export async function onlineUsers(conn: Connection, scope: AdminScope): Promise<string[]> {
  const params: unknown[] = [];
  const visible = userVisibleIn(scope, "u.id", (value) => `$${params.push(value)}`);
  const rows = await conn.query<{ username: string }>(
    `SELECT u.username
    FROM lockstep.session s
    JOIN lockstep.app_user u ON u.id = s.user_id
    WHERE s.expires_at > now() AND s.last_seen_at > now() - interval '5 minutes' AND ${visible}
    GROUP BY u.id
    ORDER BY max(s.last_seen_at) DESC, u.username
    LIMIT 20`,
    params,
  );
  return rows.map(({ username }) => username);
}
