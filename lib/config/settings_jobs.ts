import { z } from "zod";
import { CronSchedule } from "./cron.ts";
import { text, wholeNumber } from "./setting_types.ts";

/** A schedule that can be switched off by making it empty. */
function schedule(value: string, does: string) {
  return text(100).check((ctx) => {
    if (ctx.value === "") return;
    try {
      new CronSchedule(ctx.value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      ctx.issues.push({
        code: "custom",
        message: `The cron expression ${error.message}.`,
        input: ctx.value,
      });
    }
  }).default(value).describe(`${does} A cron expression in UTC; empty: only by hand.`);
}

/** When each job runs, by its name in upper case, and how long what jobs leave is kept. */
export const jobs = z.strictObject({
  CLEANUP_OLD_SYNC_LOGS: schedule("10 2 * * *", "Removes old sync logs."),
  GENERATE_SYNC_REPORT: schedule("15 0 * * *", "Reports the syncs of the day before."),
  OPTIMIZE_DATABASE_TABLES: schedule("30 3 * * *", "Renews the statistics of tables."),
  BULK_SYNC_OPERATION: schedule("*/5 * * * *", "Looks after the queue of bulk pushes."),
  CACHE_WARMUP: schedule("0 5 * * *", "Reads the models and arms their change logs."),
  MEMORY_OPTIMIZATION: schedule("0 4 * * *", "Empties this process's caches."),
  PERFORMANCE_ANALYSIS: schedule("0 6 * * *", "Analyzes what was measured."),
  COMPACT_CHANGE_LOGS: schedule("40 * * * *", "Shortens the change logs."),
  PURGE_SYNC_STATE: schedule("20 2 * * *", "Removes old positions and idempotency keys."),
  REMEMBER_SNAPSHOT: schedule("* * * * *", "Notes which time stands for which snapshot."),
  PURGE_ACCESS: schedule("25 * * * *", "Removes ended tokens, sessions and login attempts."),
  SEAL_AUDIT: schedule("*/10 * * * *", "Seals the audit trail."),
  PURGE_AUDIT: schedule("50 2 * * *", "Removes old audit events."),
  PURGE_CHAT: schedule("0 2 * * *", "Removes old chat messages."),
  PURGE_JOB_RUNS: schedule("5 3 * * *", "Removes old job runs and bulk pushes."),
  AUDIT_RETENTION_DAYS: z.union([z.literal(0), wholeNumber(30, 36_500)]).default(0).describe(
    "How long audit events are kept, at least 30 days; 0: for ever.",
  ),
  RUN_RETENTION_DAYS: wholeNumber(1, 3650).default(30).describe("How long job runs are kept."),
  BULK_RETENTION_DAYS: wholeNumber(1, 3650).default(14).describe(
    "How long ended bulk pushes are kept, failed ones with what they did not write.",
  ),
  BULK_LIMIT: wholeNumber(1, 100_000).default(100).describe(
    "Most waiting bulk pushes of one organization.",
  ),
});
