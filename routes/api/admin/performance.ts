import { z } from "zod";
import { measurePerformance } from "../../../lib/observe/mod.ts";
import { adminHandlers, define, operation } from "../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Analyze what was measured",
    description: "Of every organization, in the last days; with what to change.",
    tag: "Metrics",
    access: "staff",
    query: z.strictObject({
      days: z.string().regex(/^\d{1,4}$/, "Must be from 1 to 3650").default("7").transform(Number)
        .pipe(z.int().min(1).max(3650)),
    }),
    answer: z.object({
      performance_stats: z.object({
        total_operations: z.int(),
        average_processing_time: z.number().nullable().describe("Seconds."),
        cache_hit_rate: z.number().nullable().describe("From 0 to 1."),
      }),
      current_memory_usage: z.number().describe("Of the process that answers, in MB."),
      cache_stats: z.object({ cache_hits: z.int(), cache_misses: z.int() }),
      optimization_suggestions: z.array(z.string()),
      period_days: z.int(),
    }),
    run: ({ ctx, query }) => measurePerformance(ctx.state.services.db, null, query.days),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
