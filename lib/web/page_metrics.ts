import { z } from "zod";
import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import {
  type Measurement,
  measurePerformance,
  performanceByModel,
  performanceSeries,
} from "../observe/mod.ts";
import type { AdminVisit } from "./page_admin.ts";
import { addressFilter, filterText } from "./page_filter.ts";

/** The periods to choose from, each in buckets of so many seconds. */
export const metricPeriods = {
  day: { words: "The last day", days: 1, bucketSeconds: 3_600, buckets: 24 },
  week: { words: "The last week", days: 7, bucketSeconds: 21_600, buckets: 28 },
  month: { words: "The last 30 days", days: 30, bucketSeconds: 86_400, buckets: 30 },
};

const query = z.object({
  period: z.enum(["day", "week", "month"]).optional(),
  model: filterText.optional(),
  operation: z.enum(["PUSH", "PULL"]).optional(),
});

/** What the page's form asks for. Without a period, the last day. */
export type MetricFilter = z.output<typeof query>;

/** The filter in the query of an address. @throws LockstepError `invalid_value` */
export const metricFilter = addressFilter(query);

export type MetricPoint = Measurement & { at: Date };
export type MetricModel = Measurement & { model: string; operation: string };

/** What the page of the metrics shows. */
export interface MetricsShown {
  series: MetricPoint[];
  models: MetricModel[];
  suggestions: string[];
}

/** The measurements that the filter asks for, of what is administered. */
export async function metricsShown(
  conn: Connection,
  { scope, organization }: AdminVisit,
  { period = "day", model, operation }: MetricFilter,
): Promise<MetricsShown> {
  const { bucketSeconds, buckets, days } = metricPeriods[period];
  const asked = {
    scope,
    organizationId: organization?.id,
    bucketSeconds,
    buckets,
    model,
    operation,
  };
  const administered = "all" in scope ? null : [...scope.organizationIds];
  const [series, models, measured] = await Promise.all([
    performanceSeries(conn, asked),
    performanceByModel(conn, asked),
    measurePerformance(conn, organization ? [organization.id] : administered, days),
  ]);
  return { series, models, suggestions: measured.optimization_suggestions };
}

const columns: [string, (row: MetricModel) => string | number | null][] = [
  ["model", (row) => row.model],
  ["operation", (row) => row.operation],
  ["operations", (row) => row.operations],
  ["average_time", (row) => row.averageTime],
  ["p95_time", (row) => row.p95],
  ["average_batch", (row) => row.averageBatch],
  ["records_per_second", (row) => row.throughput],
  ["memory_mb", (row) => row.memory],
  ["average_queries", (row) => row.averageQueries],
];

/** The measurements by model as CSV. */
export function metricsCsv(models: MetricModel[]): string {
  const lines = [
    columns.map(([name]) => name),
    ...models.map((row) => columns.map(([, value]) => csvCell(value(row)))),
  ];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}
