import { z } from "zod";
import { wholeNumber } from "./setting_types.ts";

const mebibyte = 1_048_576;

/** Limits of the sync API, and how long what it needs is kept. */
export const sync = z.strictObject({
  MAX_BODY_BYTES: wholeNumber(1024, 1024 * mebibyte).default(64 * mebibyte).describe(
    "Largest JSON request body, after decompression.",
  ),
  MAX_RECORDS: wholeNumber(1, 1_000_000).default(10_000).describe("Records of one JSON push."),
  MAX_STREAM_BODY_BYTES: wholeNumber(1024, 1024 * 1024 * mebibyte).default(4096 * mebibyte)
    .describe(
      "Largest NDJSON request body, after decompression. It is never held in memory.",
    ),
  MAX_STREAM_RECORDS: wholeNumber(1, 1_000_000_000).default(10_000_000).describe(
    "Records of one NDJSON push.",
  ),
  MAX_DEPTH: wholeNumber(4, 512).default(32).describe("Deepest nesting of JSON."),
  DEFAULT_BATCH_SIZE: wholeNumber(1, 10_000).default(100).describe(
    "Rows per model in one answer to a pull that names no batch_size.",
  ),
  MAX_BATCH_SIZE: wholeNumber(1, 10_000).default(10_000).describe("Largest batch_size."),
  TOMBSTONE_RETENTION_DAYS: wholeNumber(1, 3650).default(90).describe(
    "How long deletions are remembered. A client away for longer starts over.",
  ),
  POSITION_RETENTION_DAYS: wholeNumber(1, 3650).default(30).describe(
    "How long the position behind a given last_sync is remembered.",
  ),
  IDEMPOTENCY_RETENTION_HOURS: wholeNumber(1, 8760).default(24).describe(
    "How long the answer to an Idempotency-Key is kept.",
  ),
  QUARANTINE_LIMIT: wholeNumber(0, 1_000_000).default(10_000).describe(
    "Most open quarantined records of one organization.",
  ),
  LOG_REQUEST_DATA: z.boolean().default(false).describe(
    "Keeps the pushed data and pull requests in the sync log. They may hold personal data.",
  ),
}).refine((value) => value.DEFAULT_BATCH_SIZE <= value.MAX_BATCH_SIZE, {
  path: ["DEFAULT_BATCH_SIZE"],
  message: "DEFAULT_BATCH_SIZE must not be larger than MAX_BATCH_SIZE.",
});

export const logs = z.strictObject({
  RETENTION_DAYS: wholeNumber(1, 3650).default(90).describe("How long sync log entries are kept."),
});
