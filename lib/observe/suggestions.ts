/** What the suggestions are drawn from; everything measured, null where nothing was. */
export interface Measured {
  /** Share of V8's heap limit in use, 0 to 1. */
  heapShare: number;
  cacheHits: number;
  cacheMisses: number;
  /** Syncs of the period, and those of them that failed. */
  syncs: number;
  failedSyncs: number;
  /** By operation and model, over the period. */
  models: {
    operation: string;
    model: string;
    operations: number;
    averageBatch: number;
    /** Seconds: 95 of 100 operations took less. */
    p95: number;
  }[];
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/**
 * Advice in whole sentences, each from a rule over measured values:
 * - heap above 75 % of its limit
 * - fewer than half of at least 100 cache lookups are hits
 * - more than 5 % of at least 20 syncs failed
 * - an operation on a model takes over 2 s in 5 of 100 cases, of at least 20
 * - at least 500 pushes of a model carry fewer than 5 records on average
 */
export function suggestions(measured: Measured): string[] {
  const advice: string[] = [];
  if (measured.heapShare > 0.75) {
    advice.push(
      `High memory usage detected: ${percent(measured.heapShare)} of the heap is in use. ` +
        "Consider reducing batch sizes.",
    );
  }
  const lookups = measured.cacheHits + measured.cacheMisses;
  if (lookups >= 100 && measured.cacheHits / lookups < 0.5) {
    advice.push(
      `Only ${percent(measured.cacheHits / lookups)} of ${lookups} cache lookups were hits. ` +
        "Look for tables, permissions or settings that change all the time.",
    );
  }
  if (measured.syncs >= 20 && measured.failedSyncs / measured.syncs > 0.05) {
    advice.push(
      `${percent(measured.failedSyncs / measured.syncs)} of ${measured.syncs} syncs failed. ` +
        "Look at the sync logs with status ERROR for the cause.",
    );
  }
  for (const { operation, model, operations, averageBatch, p95 } of measured.models) {
    const name = model === "" ? "several models" : model;
    const batch = Math.round(averageBatch);
    if (operations >= 20 && p95 > 2) {
      advice.push(
        `${operation} of ${name} takes more than ${p95.toFixed(1)} s in 5 of 100 cases, with ` +
          `${batch} records on average. Consider smaller batches, and look for triggers and ` +
          "missing indexes on its table.",
      );
    }
    if (operation === "PUSH" && operations >= 500 && averageBatch < 5) {
      advice.push(
        `${operations} pushes of ${name} carried ${averageBatch.toFixed(1)} records on average. ` +
          "Consider collecting more records into one push.",
      );
    }
  }
  return advice;
}
