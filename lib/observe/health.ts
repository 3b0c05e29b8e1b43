import { getHeapStatistics } from "node:v8";
import type { Connection } from "../db/mod.ts";
import { logFileFails, logger } from "../log/mod.ts";
import { within } from "./within.ts";

/** `healthy`, or `unhealthy: ` and why in one word. */
export type Check = "healthy" | `unhealthy: ${string}`;

/** The seed's document, with a check of the memory besides. */
export interface Health {
  status: "healthy" | "unhealthy";
  timestamp: string;
  checks: { database: Check; cache: Check; logging: Check; memory: Check };
}

export interface HealthSources {
  db: Connection;
  /** Where a Redis is configured. Without one, the cache is this process's memory. */
  redis?: { ping(): Promise<unknown> };
  /** Empty: logs go to standard error alone. */
  logDir: string;
}

const timeout = 2000;

/** What is written to see whether there is room. */
const sample = "x".repeat(4096);

/** Of V8's limit: from here on, garbage collection takes most of the time. */
const fullHeap = 0.92;

/**
 * Makes the check: every call asks the database and Redis, writes to the log directory and measures
 * the memory, each within two seconds. Calls that come while one runs share its answer.
 */
export function createHealthCheck(sources: HealthSources): () => Promise<Health> {
  let running: Promise<Health> | undefined;
  return () => running ??= check(sources).finally(() => running = undefined);
}

async function check({ db, redis, logDir }: HealthSources): Promise<Health> {
  const [database, cache, logging, memory] = await Promise.all([
    probe("database", () => db.query("SELECT 1")),
    probe("cache", () => redis?.ping() ?? Promise.resolve()),
    probe("logging", () => writeTo(logDir)),
    probe("memory", measureHeap),
  ]);
  const checks = { database, cache, logging, memory };
  const healthy = Object.values(checks).every((value) => value === "healthy");
  return { status: healthy ? "healthy" : "unhealthy", timestamp: new Date().toISOString(), checks };
}

async function probe(name: string, fn: () => Promise<unknown>): Promise<Check> {
  try {
    await within(timeout, fn());
    return "healthy";
  } catch (error) {
    // The answer is public, so it says why in one word; the log has the rest.
    logger("observe").warning("The health check of the {name} failed.", { name, error });
    if (error instanceof DOMException && error.name === "TimeoutError") return "unhealthy: timeout";
    return `unhealthy: ${failure[name]}`;
  }
}

const failure: Record<string, string> = {
  database: "unreachable",
  cache: "unreachable",
  logging: "unwritable",
  memory: "full",
};

async function writeTo(directory: string): Promise<void> {
  if (directory === "") return;
  const path = `${directory}/.health-${crypto.randomUUID()}`;
  // An empty file has room on a full disk.
  await Deno.writeTextFile(path, sample, { createNew: true }).finally(() =>
    Deno.remove(path).catch(() => {})
  );
  if (logFileFails()) throw new Error("The log file loses lines");
}

function measureHeap(): Promise<void> {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size < heap_size_limit * fullHeap
    ? Promise.resolve()
    : Promise.reject(new Error(`${used_heap_size} of ${heap_size_limit} bytes are in use`));
}
