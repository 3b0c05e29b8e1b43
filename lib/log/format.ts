import type { LogLevel, LogRecord, TextFormatter } from "@logtape/logtape";
import { redact, redactText } from "./redact.ts";

/** Python's level names, which the line format keeps. */
const pythonLevel: Record<LogLevel, string> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

/** One JSON object per entry: timestamp, level, logger and message first, then the fields. */
export const jsonLine: TextFormatter = (record) => {
  const fields = redact(record.properties) as Record<string, unknown>;
  const own = {
    timestamp: new Date(record.timestamp).toISOString(),
    level: record.level,
    logger: record.category.join("."),
    message: render(record),
  };
  // Twice, so that they come first and no field can take their place.
  return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
};

/**
 * The line of sb-sync with our name, times in UTC:
 * `2024-01-01 12:00:00 - lockstep - INFO - PUSH request from user …`. An `error` field follows
 * with its stack on lines of its own; other fields show where the message names them.
 */
export const plainLine: TextFormatter = (record) => {
  const time = new Date(record.timestamp).toISOString().slice(0, 19).replace("T", " ");
  const { error } = record.properties;
  const trace = error === undefined ? [] : describe(error).split("\n");
  const text = [render(record), ...trace].map(escapeControls).join("\n    ");
  return `${time} - ${record.category[0]} - ${pythonLevel[record.level]} - ${text}\n`;
};

function render(record: LogRecord): string {
  return record.message.map((part, index) => {
    if (index % 2 === 0) return redactText(String(part));
    const value = redact(part);
    return typeof value === "string" ? value : JSON.stringify(value) ?? "undefined";
  }).join("");
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return redactText(String(error));
  const text = redactText(error.stack ?? String(error));
  return error.cause === undefined ? text : `${text}\nCaused by: ${describe(error.cause)}`;
}

/** So that a value with line breaks cannot pass for entries of its own. */
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
