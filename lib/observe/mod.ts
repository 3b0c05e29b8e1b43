/** What operators see: the sync log, health, performance and metrics. @module */
export * from "./health.ts";
export * from "./metrics.ts";
export type { Part } from "./part.ts";
export * from "./performance.ts";
export * from "./performance_series.ts";
export * from "./sync_activity.ts";
export type * from "./sync_entry.ts";
export * from "./sync_recorder.ts";
export * from "./within.ts";
