import { getHeapStatistics } from "node:v8";
import type { Connection } from "../db/mod.ts";
import { cacheCounts } from "../log/mod.ts";
import { type Measured, suggestions } from "./suggestions.ts";

/** The seed's document. Null stands where nothing was measured. */
export interface Performance {
  performance_stats: {
    total_operations: number;
    /** Seconds. */
    average_processing_time: number | null;
    /** 0 to 1. */
    cache_hit_rate: number | null;
  };
  /** Resident memory of this process in MB. */
  current_memory_usage: number;
  /** Of this process, since its start. */
  cache_stats: { cache_hits: number; cache_misses: number };
  optimization_suggestions: string[];
  /** The period that the operations are counted in. */
  period_days: number;
}

const modelsStatement = `
  SELECT operation_type AS operation, model_name AS model, count(*)::integer AS operations,
    avg(batch_size)::float8 AS average_batch, avg(processing_time) AS average_time,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY processing_time) AS p95
  FROM lockstep.performance_metric
  WHERE timestamp > now() - make_interval(days => $1)
    AND ($2::integer[] IS NULL OR organization_id = ANY ($2))
  GROUP BY operation_type, model_name
  ORDER BY p95 DESC`;

const failuresStatement = `
  SELECT count(*)::integer AS syncs,
    count(*) FILTER (WHERE status = 'ERROR')::integer AS failed
  FROM lockstep.sync_log
  WHERE timestamp > now() - make_interval(days => $1)
    AND ($2::integer[] IS NULL OR organization_id = ANY ($2))`;

interface ModelRow {
  operation: string;
  model: string;
  operations: number;
  average_batch: number;
  average_time: number;
  p95: number;
}

/**
 * What was measured of the syncs of these organizations, or for null of all, in the last `days`, and
 * what follows from it.
 */
export async function measurePerformance(
  conn: Connection,
  organizationIds: number[] | null,
  days = 7,
): Promise<Performance> {
  const models = await conn.query<ModelRow>(modelsStatement, [days, organizationIds]);
  const [{ syncs, failed }] = await conn.query<{ syncs: number; failed: number }>(
    failuresStatement,
    [days, organizationIds],
  );
  const { hits, misses } = cacheCounts();
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  const measured: Measured = {
    heapShare: used_heap_size / heap_size_limit,
    cacheHits: hits,
    cacheMisses: misses,
    syncs,
    failedSyncs: failed,
    models: models.map((row) => ({ ...row, averageBatch: row.average_batch })),
  };
  const total = models.reduce((sum, row) => sum + row.operations, 0);
  const time = models.reduce((sum, row) => sum + row.average_time * row.operations, 0);
  return {
    performance_stats: {
      total_operations: total,
      average_processing_time: total > 0 ? round(time / total, 6) : null,
      cache_hit_rate: hits + misses > 0 ? round(hits / (hits + misses), 4) : null,
    },
    current_memory_usage: memoryMb(),
    cache_stats: { cache_hits: hits, cache_misses: misses },
    optimization_suggestions: suggestions(measured),
    period_days: days,
  };
}

/** Resident memory of this process in MB. */
export function memoryMb(): number {
  return round(Deno.memoryUsage().rss / 2 ** 20, 1);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
