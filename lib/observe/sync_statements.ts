import type { Transaction } from "../db/mod.ts";
import type { PreparedEntry } from "./sync_entry.ts";

/*
 * One statement a table. What belongs to an organization that was deleted meanwhile is left out; a
 * deleted user becomes NULL. Rows are sorted by key, so that two processes lock in one order.
 */

const logStatement = `
  INSERT INTO lockstep.sync_log (user_id, organization_id, device, request_id, operation, status,
    model_name, object_count, error_message, request_data, timestamp, processing_time)
  SELECT u.id, o.id, r.device, r.request_id, r.operation, r.status,
    r.model_name, r.object_count, r.error_message, r.request_data, r.timestamp, r.processing_time
  FROM json_to_recordset($1::text::json) AS r(user_id integer, organization_id integer, device text,
    request_id text, operation text, status text, model_name text, object_count integer,
    error_message text, request_data jsonb, timestamp timestamptz, processing_time float8)
  LEFT JOIN lockstep.app_user u ON u.id = r.user_id
  LEFT JOIN lockstep.organization o ON o.id = r.organization_id
  WHERE r.organization_id IS NULL OR o.id IS NOT NULL`;

const metricStatement = `
  INSERT INTO lockstep.performance_metric (organization_id, operation_type, model_name, batch_size,
    processing_time, memory_usage, query_count, timestamp)
  SELECT o.id, r.operation, r.model_name, r.batch_size,
    r.processing_time, r.memory_usage, r.query_count, r.timestamp
  FROM json_to_recordset($1::text::json) AS r(organization_id integer, operation text, status text,
    model_name text, batch_size integer, processing_time float8, memory_usage float8,
    query_count integer, timestamp timestamptz)
  LEFT JOIN lockstep.organization o ON o.id = r.organization_id
  WHERE r.status <> 'ERROR' AND (r.organization_id IS NULL OR o.id IS NOT NULL)`;

const modelStatement = `
  INSERT INTO lockstep.sync_metadata (model_name, last_sync, total_synced)
  SELECT r.model_name, max(r.timestamp), sum(r.count)
  FROM json_to_recordset($1::text::json) AS r(model_name text, timestamp timestamptz, count bigint)
  GROUP BY r.model_name
  ORDER BY r.model_name
  ON CONFLICT (model_name) DO UPDATE
  SET last_sync = greatest(sync_metadata.last_sync, EXCLUDED.last_sync),
    total_synced = sync_metadata.total_synced + EXCLUDED.total_synced`;

const userStatement = `
  INSERT INTO lockstep.user_sync_metadata
    (user_id, organization_id, model_name, last_sync, total_synced)
  SELECT u.id, o.id, r.model_name, max(r.timestamp), sum(r.count)
  FROM json_to_recordset($1::text::json) AS r(user_id integer, organization_id integer,
    model_name text, timestamp timestamptz, count bigint)
  JOIN lockstep.app_user u ON u.id = r.user_id
  JOIN lockstep.organization o ON o.id = r.organization_id
  GROUP BY u.id, o.id, r.model_name
  ORDER BY u.id, o.id, r.model_name
  ON CONFLICT (user_id, organization_id, model_name) DO UPDATE
  SET last_sync = greatest(user_sync_metadata.last_sync, EXCLUDED.last_sync),
    total_synced = user_sync_metadata.total_synced + EXCLUDED.total_synced`;

const deviceStatement = `
  INSERT INTO lockstep.device AS d (user_id, organization_id, name, client_version, first_seen_at,
    last_seen_at, last_push_at, last_pull_at, last_complete_at, last_error, last_error_at, cursors)
  SELECT u.id, o.id, r.device, r.client_version, r.first_seen_at,
    r.last_seen_at, r.last_push_at, r.last_pull_at, r.last_complete_at, r.error, r.error_at, r.cursors
  FROM json_to_recordset($1::text::json) AS r(user_id integer, organization_id integer, device text,
    client_version text, first_seen_at timestamptz, last_seen_at timestamptz,
    last_push_at timestamptz, last_pull_at timestamptz, last_complete_at timestamptz, error text,
    error_at timestamptz, cursors jsonb)
  JOIN lockstep.app_user u ON u.id = r.user_id
  JOIN lockstep.organization o ON o.id = r.organization_id
  ORDER BY u.id, o.id, r.device
  ON CONFLICT (user_id, organization_id, name) DO UPDATE
  SET client_version = coalesce(nullif(EXCLUDED.client_version, ''), d.client_version),
    last_seen_at = greatest(d.last_seen_at, EXCLUDED.last_seen_at),
    last_push_at = greatest(d.last_push_at, EXCLUDED.last_push_at),
    last_pull_at = greatest(d.last_pull_at, EXCLUDED.last_pull_at),
    last_complete_at = greatest(d.last_complete_at, EXCLUDED.last_complete_at),
    last_error = CASE WHEN EXCLUDED.last_error_at IS NULL THEN d.last_error
      ELSE EXCLUDED.last_error END,
    last_error_at = coalesce(EXCLUDED.last_error_at, d.last_error_at),
    cursors = d.cursors || EXCLUDED.cursors`;

/** Writes a batch of entries. Run it in one transaction: then a new try counts nothing twice. */
export async function writeEntries(tx: Transaction, entries: PreparedEntry[]): Promise<void> {
  const insert = async (statement: string, rows: unknown[]) => {
    if (rows.length > 0) await tx.execute(statement, [JSON.stringify(rows)]);
  };
  const rows = entries.flatMap((entry) => entry.rows);
  const synced = entries.flatMap(({ synced, user_id, organization_id, timestamp }) =>
    synced.map((model) => ({ ...model, user_id, organization_id, timestamp }))
  );
  await insert(logStatement, rows);
  await insert(metricStatement, rows);
  await insert(userStatement, synced.filter(({ user_id }) => user_id !== null));
  await insert(deviceStatement, devices(entries));
  // Last: these few rows are everybody's, so they are locked for the shortest time.
  await insert(modelStatement, synced);
}

/** One row a device: the newest of everything that it reported. */
function devices(entries: PreparedEntry[]): unknown[] {
  const byDevice = new Map<string, Record<string, unknown>>();
  for (const entry of entries) {
    const { user_id, organization_id, device, timestamp, operation } = entry;
    if (user_id === null || organization_id === null || device === "") continue;
    const key = JSON.stringify([user_id, organization_id, device]);
    const known = byDevice.get(key);
    byDevice.set(key, {
      first_seen_at: timestamp,
      error: "",
      client_version: "",
      ...known,
      user_id,
      organization_id,
      device,
      last_seen_at: timestamp,
      ...(entry.client_version && { client_version: entry.client_version }),
      ...(operation === "PUSH" ? { last_push_at: timestamp } : { last_pull_at: timestamp }),
      ...(entry.complete && { last_complete_at: timestamp }),
      ...(entry.error && { error: entry.error, error_at: timestamp }),
      cursors: { ...known?.cursors as object, ...entry.cursors },
    });
  }
  return [...byDevice.values()];
}
