import type { Connection } from "../db/mod.ts";
import { inPart, type Part } from "./part.ts";

/** What a series is about. */
export interface SeriesQuery extends Part {
  /** Buckets of so many seconds, the current one last. */
  bucketSeconds: number;
  buckets: number;
  model?: string;
  operation?: "PUSH" | "PULL";
}

/** What was measured in a period. Null where nothing was. */
export interface Measurement {
  operations: number;
  /** Seconds. */
  averageTime: number | null;
  /** Seconds: 95 of 100 operations took less. */
  p95: number | null;
  averageBatch: number | null;
  /** Records per second of processing. */
  throughput: number | null;
  /** Resident memory of the process in MB. */
  memory: number | null;
  averageQueries: number | null;
}

const measures = `
  count(*)::int AS operations, avg(processing_time)::float8 AS "averageTime",
  percentile_cont(0.95) WITHIN GROUP (ORDER BY processing_time)::float8 AS p95,
  avg(batch_size)::float8 AS "averageBatch",
  avg(memory_usage)::float8 AS memory, avg(query_count)::float8 AS "averageQueries"`;

/** Records and seconds of the sync log: a metric has the size that a pull asked for, not what it got. */
const rate = `sum(object_count) FILTER (WHERE status <> 'ERROR')::float8
  / nullif(sum(processing_time) FILTER (WHERE status <> 'ERROR'), 0)`;

/** The measurements by period, without gaps. */
export async function performanceSeries(
  conn: Connection,
  query: SeriesQuery,
): Promise<(Measurement & { at: Date })[]> {
  const params: unknown[] = [query.bucketSeconds, query.buckets];
  const bucket = "floor(extract(epoch FROM timestamp) / $1::int)::bigint";
  return await conn.query<Measurement & { at: Date }>(
    `WITH last AS (SELECT floor(extract(epoch FROM now()) / $1::int)::bigint AS bucket),
    measured AS (
      SELECT ${bucket} AS bucket, ${measures}
      FROM lockstep.performance_metric, last
      WHERE ${conditions(query, "operation_type", params)}
      GROUP BY 1),
    logged AS (
      SELECT ${bucket} AS bucket, ${rate} AS throughput
      FROM lockstep.sync_log, last
      WHERE ${conditions(query, "operation", params)}
      GROUP BY 1)
    SELECT to_timestamp((b.bucket * $1::int)::float8) AS at,
      coalesce(m.operations, 0) AS operations, m."averageTime", m.p95, m."averageBatch",
      l.throughput, m.memory, m."averageQueries"
    FROM last
    CROSS JOIN LATERAL generate_series(last.bucket - $2::int + 1, last.bucket) AS b (bucket)
    LEFT JOIN measured m ON m.bucket = b.bucket
    LEFT JOIN logged l ON l.bucket = b.bucket
    ORDER BY b.bucket`,
    params,
  );
}

/** The measurements by model and operation over the whole period, the slowest first, at most 200. */
export async function performanceByModel(
  conn: Connection,
  query: SeriesQuery,
): Promise<(Measurement & { model: string; operation: string })[]> {
  const params: unknown[] = [query.bucketSeconds, query.buckets];
  return await conn.query<Measurement & { model: string; operation: string }>(
    `WITH last AS (SELECT floor(extract(epoch FROM now()) / $1::int)::bigint AS bucket),
    measured AS (
      SELECT model_name AS model, operation_type AS operation, ${measures}
      FROM lockstep.performance_metric, last
      WHERE ${conditions(query, "operation_type", params)}
      GROUP BY 1, 2),
    logged AS (
      SELECT model_name AS model, operation, ${rate} AS throughput
      FROM lockstep.sync_log, last
      WHERE ${conditions(query, "operation", params)}
      GROUP BY 1, 2)
    SELECT m.*, l.throughput
    FROM measured m
    LEFT JOIN logged l ON l.model = m.model AND l.operation = m.operation
    ORDER BY m.p95 DESC, m.model, m.operation
    LIMIT 200`,
    params,
  );
}

function conditions(
  { model, operation, ...part }: SeriesQuery,
  operationColumn: string,
  params: unknown[],
): string {
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const all = [
    "timestamp >= to_timestamp(((last.bucket - $2::int + 1) * $1::int)::float8)",
    inPart(part, "organization_id", params),
  ];
  if (model !== undefined) all.push(`model_name = ${addParam(model)}::text`);
  if (operation !== undefined) all.push(`${operationColumn} = ${addParam(operation)}::text`);
  return all.join(" AND ");
}
