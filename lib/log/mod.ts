/** The logger, redaction of secrets, spans, and the counters of caches. @module */
export * from "./cache_counts.ts";
export * from "./logging.ts";
export * from "./redact.ts";
export * from "./trace.ts";
