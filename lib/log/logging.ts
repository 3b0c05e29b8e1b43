import { AsyncLocalStorage } from "node:async_hooks";
import {
  configure,
  getConsoleSink,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  reset,
  type Sink,
  type TextFormatter,
  withContext,
} from "@logtape/logtape";
import { type DailyFile, dailyFileSink } from "./daily_file.ts";
import { jsonLine, plainLine } from "./format.ts";

/** As in `Environment`. */
export interface LoggingOptions {
  logLevel: LogLevel;
  logFormat: "json" | "line";
  /** Empty: no file. */
  logDir: string;
}

/** Name of the log file inside the log directory. */
const logFile = "lockstep.log";

/** The log file of this process, where there is one. */
let file: DailyFile | undefined;

/**
 * Sends the entries of all loggers to standard error and to a daily file. Standard output stays
 * free for what commands print. Without the right to write the file, entries go to standard error
 * alone, and one of them says so.
 */
export async function startLogging(options: LoggingOptions): Promise<void> {
  const formatter = formatOnce(options.logFormat === "json" ? jsonLine : plainLine);
  const sinks: Record<string, Sink> = {
    console: getConsoleSink({
      formatter,
      levelMap: {
        trace: "error",
        debug: "error",
        info: "error",
        warning: "error",
        error: "error",
        fatal: "error",
      },
    }),
  };
  let refused: unknown;
  file = undefined;
  if (options.logDir !== "") {
    try {
      sinks.file = file = dailyFileSink(options.logDir, logFile, formatter);
    } catch (error) {
      refused = error;
    }
  }
  await configure({
    sinks,
    loggers: [
      { category: "lockstep", lowestLevel: options.logLevel, sinks: Object.keys(sinks) },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
    contextLocalStorage: new AsyncLocalStorage(),
    reset: true,
  });
  if (refused !== undefined) {
    logger("log").warning(
      "The log directory {directory} cannot be written ({reason}), so there is no log file. Give " +
        "this process access to it, or set LOCKSTEP_LOG_DIR to another or to nothing.",
      { directory: options.logDir, reason: refused instanceof Error ? refused.name : "unknown" },
    );
  }
}

/** Each record comes once for every sink, one sink after the other. */
function formatOnce(formatter: TextFormatter): TextFormatter {
  let last: LogRecord | undefined;
  let text = "";
  return (record) => {
    if (record !== last) [last, text] = [record, formatter(record)];
    return text;
  };
}

/** Whether the log file loses what is logged now. */
export function logFileFails(): boolean {
  return file?.fails() ?? false;
}

/** Writes what still waits and closes the file. */
export async function stopLogging(): Promise<void> {
  await reset();
}

/** The logger of one part of the program: `logger("sync")` is `lockstep.sync`. */
export function logger(part: string): Logger {
  return getLogger(["lockstep", part]);
}

/** Runs `fn`; every entry that it logs carries `fields`, for example `request_id`. */
export function withLogFields<T>(fields: Record<string, unknown>, fn: () => T): T {
  return withContext(fields, fn);
}
