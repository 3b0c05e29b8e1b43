/** The logger, redaction of secrets, and the counters of caches. @module */
export * from "./cache_counts.ts";
export * from "./logging.ts";
export * from "./redact.ts";
