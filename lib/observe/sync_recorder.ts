import { type Database, sqlError } from "../db/mod.ts";
import { logger } from "../log/mod.ts";
import { type PreparedEntry, prepareEntry, type SyncEntry } from "./sync_entry.ts";
import { writeEntries } from "./sync_statements.ts";
import { within } from "./within.ts";

const batchDelay = 250;
const batchSize = 500;
/** Entries that wait for the database at most: about 20 MB with the largest request data. */
const maxWaiting = 5000;
const longestRetryDelay = 30_000;

/**
 * Writes `sync_log`, `performance_metric`, the sync metadata and the devices off the request's path:
 * entries are collected and written together, 250 ms after the first or as soon as there are 500.
 * While the database is away they are kept, up to 5,000; then the oldest are dropped and counted.
 */
export class SyncRecorder {
  readonly #db: Database;
  #waiting: PreparedEntry[] = [];
  /** Entries that the database is being given. */
  #underWay = 0;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #dropped = 0;
  #closed = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Entries that were given up since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Entries that are not written yet. */
  get waiting(): number {
    return this.#waiting.length + this.#underWay;
  }

  /** Takes an entry. Never throws and never waits. */
  record(entry: SyncEntry): void {
    try {
      const prepared = prepareEntry(entry, new Date());
      this.#waiting.push(prepared);
      logRequest(entry, prepared);
    } catch (error) {
      this.#drop(1, "could not be prepared", error);
      return;
    }
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift();
      this.#drop(1, "waited while the database was away");
    }
    if (this.#waiting.length >= batchSize && this.#failures === 0) this.flush();
    else this.#arm(batchDelay);
  }

  /**
   * Writes what waits now. Resolves when everything is written, or when the database is away, and
   * then what waits is tried again later.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) {
        this.#arm(Math.min(batchDelay * 2 ** this.#failures, longestRetryDelay));
      }
    });
  }

  /** Flushes, waiting at most `limit` milliseconds, and stops. */
  async close(limit = 5000): Promise<void> {
    await within(limit, this.flush()).catch(() => {});
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.waiting > 0) {
      this.#drop(this.waiting, "were not written at the end");
      this.#waiting = [];
      this.#underWay = 0;
    }
  }

  #arm(delay: number): void {
    if (this.#timer !== undefined || this.#writing || this.#closed) return;
    const timer = setTimeout(() => this.flush(), delay);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  async #drain(): Promise<void> {
    let size = batchSize;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, size);
      this.#underWay = batch.length;
      try {
        await this.#db.transaction({ retries: 3 }, (tx) => writeEntries(tx, batch));
        size = Math.min(size * 2, batchSize);
      } catch (error) {
        // Data exception or integrity violation: halves, until the culprit is alone.
        if (!/^2[23]/.test(sqlError(error)?.code ?? "")) return this.#putBack(batch, error);
        if (batch.length === 1) this.#drop(1, "was refused by the database", error);
        else this.#waiting.unshift(...batch);
        size = Math.max(1, batch.length >> 1);
        continue;
      } finally {
        this.#underWay = 0;
      }
      if (this.#failures > 0) logger("observe").info("Sync log entries are written again.");
      this.#failures = 0;
    }
  }

  #putBack(batch: PreparedEntry[], error: unknown): void {
    this.#waiting.unshift(...batch);
    const excess = this.#waiting.length - maxWaiting;
    if (excess > 0) {
      this.#waiting.splice(0, excess);
      this.#drop(excess, "waited while the database was away");
    }
    if (this.#failures++ > 0) return;
    logger("observe").warning(
      "Sync log entries cannot be written now and are kept in memory, up to {max}.",
      { max: maxWaiting, error },
    );
  }

  #drop(count: number, why: string, error?: unknown): void {
    // Once per power of two, so that a long outage does not fill the log.
    const before = this.#dropped;
    this.#dropped += count;
    if (Math.floor(Math.log2(before)) !== Math.floor(Math.log2(this.#dropped))) {
      logger("observe").warning("{dropped} sync log entries are lost; the last {why}.", {
        dropped: this.#dropped,
        why,
        ...(error !== undefined && { error }),
      });
    }
  }
}

/** The line of sb-sync for a push or pull: what was sent where that is kept, else rows by model. */
function logRequest(
  { operation, user, organization, status, models }: SyncEntry,
  { rows: [{ request_data }] }: PreparedEntry,
): void {
  if (user === undefined) return;
  const request = request_data ??
    Object.fromEntries(models.map(({ name, count }) => [name, count]));
  logger("sync")[status === "SUCCESS" ? "info" : "warning"](
    "{operation} request from user {user} in {organization}: {request}",
    { operation, user, organization, request },
  );
}
