import { setTimeout as delay } from "node:timers/promises";
import type { Database, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { logger } from "../log/mod.ts";
import type { BulkJob, BulkPart } from "./bulk_job.ts";
import {
  beatBulkJob,
  bulkChannel,
  claimBulkJob,
  type ClaimedJob,
  failBulkJob,
  finishPart,
  readPart,
  releaseAll,
  releaseBulkJob,
  succeedBulkJob,
} from "./bulk_store.ts";

/**
 * Writes a part with the rights that its pusher has now, in one transaction, and calls `finish` in it
 * with the JSON text of the answer.
 *
 * @throws LockstepError with a status below 500 when trying again can't help
 */
export type PushPart = (
  job: BulkJob,
  part: BulkPart,
  finish: (tx: Transaction, answer: string) => Promise<void>,
) => Promise<void>;

export interface BulkWorkerOptions {
  db: Database;
  pushPart: PushPart;
  /** Milliseconds after which a silent worker's push is taken over. Default 10,000. */
  lease?: number;
  /** Milliseconds after the first failure; four times longer after each. Default 5,000. */
  retryDelay?: number;
}

const mostAttempts = 3;
/** Milliseconds; notifications come at once, this is for retries and for what was missed. */
const pollInterval = 5_000;

/** Milliseconds between two parts in which requests have the embedded database's one thread. */
const pause = 10;

/** Ends the transaction of a part that is not this worker's to write any more. */
class Superseded extends Error {
  constructor() {
    super("The bulk push was cancelled or taken over");
  }
}

/**
 * Writes queued bulk pushes, one at a time in each process. The progress is stored in the transaction
 * that writes a part and only moves from the part before, so that each part is written exactly once,
 * whichever process dies, is slow or is taken for dead.
 */
export class BulkWorker {
  readonly #db: Database;
  readonly #pushPart: PushPart;
  readonly #lease: number;
  readonly #retryDelay: number;
  #stopping = false;
  #unlisten?: () => Promise<void>;
  #timer?: ReturnType<typeof setInterval>;
  #running?: Promise<void>;
  #woken = false;

  constructor({ db, pushPart, lease = 10_000, retryDelay = 5_000 }: BulkWorkerOptions) {
    this.#db = db;
    this.#pushPart = pushPart;
    this.#lease = lease;
    this.#retryDelay = retryDelay;
  }

  /** Takes up what a dead process left, and then what comes. */
  async start(): Promise<void> {
    if (this.#db.kind === "pglite") await releaseAll(this.#db);
    const wake = () => this.wake();
    this.#unlisten = await this.#db.listen(bulkChannel, wake, wake);
    this.#timer = setInterval(wake, pollInterval);
    this.wake();
  }

  /** Looks into the queue now, or again after what is being written. */
  wake(): void {
    this.#woken = true;
    if (this.#stopping) return;
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
      if (this.#woken) this.wake();
    });
  }

  /** Finishes the part that is being written, and gives the rest back to the queue. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#unlisten?.();
    await this.#running;
  }

  async #drain(): Promise<void> {
    this.#woken = false;
    try {
      while (!this.#stopping) {
        const job = await claimBulkJob(this.#db, this.#lease, this.#retryDelay);
        if (!job) return;
        await this.#process(job);
      }
    } catch (error) {
      logger("jobs").warning("The queue of bulk pushes can't be read now.", { error });
    }
  }

  async #process(job: ClaimedJob): Promise<void> {
    const { id, attempts, total } = job;
    let first = job.done;
    if (attempts > mostAttempts) {
      const last = job.error ?? "The process that wrote it ended each time.";
      return await failBulkJob(this.#db, id, first, gaveUp(last));
    }
    let failures = attempts;
    const beats = this.#beat(id);
    try {
      while (first < total) {
        if (this.#stopping) return await releaseBulkJob(this.#db, id, first, null);
        const part = await readPart(this.#db, id, first);
        if (!part) return await failBulkJob(this.#db, id, first, "A part of it is missing.");
        await this.#pushPart(job, part, async (tx, answer) => {
          if (!await finishPart(tx, id, part, answer)) throw new Superseded();
        });
        failures = 1;
        first += part.count;
        if (this.#db.kind === "pglite") await delay(pause);
      }
      await succeedBulkJob(this.#db, id);
    } catch (error) {
      if (!(error instanceof Superseded)) await this.#failed(id, first, failures, error);
    } finally {
      clearInterval(beats);
    }
  }

  async #failed(id: string, done: number, failures: number, error: unknown): Promise<void> {
    const message = error instanceof LockstepError
      ? error.message
      : "Something went wrong on the server. It was logged under the id of the bulk push.";
    logger("jobs").warning("The bulk push {id} failed ({failures}).", { id, failures, error });
    const hopeless = error instanceof LockstepError && error.status < 500;
    if (hopeless) await failBulkJob(this.#db, id, done, message);
    else if (failures < mostAttempts) await releaseBulkJob(this.#db, id, done, message);
    else await failBulkJob(this.#db, id, done, gaveUp(message));
  }

  /** The embedded database has no other process that could take a push over. */
  #beat(id: string): ReturnType<typeof setInterval> | undefined {
    if (this.#db.kind === "pglite") return;
    return setInterval(() => beatBulkJob(this.#db, id).catch(() => {}), this.#lease / 3);
  }
}

function gaveUp(reason: string): string {
  return `Given up after ${mostAttempts} attempts. ${reason}`;
}
