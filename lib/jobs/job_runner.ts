import { CronSchedule } from "../config/mod.ts";
import type { Database } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { logger, redactText } from "../log/mod.ts";
import type { Job, JobRun, JobState, Outcome, Trigger } from "./job.ts";
import {
  beat,
  claimRun,
  closeDeadRuns,
  finishRun,
  lastRuns,
  leaseSeconds,
  readClock,
  readRun,
  runHistory,
} from "./job_runs.ts";

export interface JobRunnerOptions {
  db: Database;
  jobs: readonly Job[];
  /** Cron expression by job; empty or absent: by hand alone. Asked anew every minute. */
  schedules(): Promise<Record<string, string>>;
  /** Hears of every run that this process ends. `duration` in seconds. */
  finished?(job: string, outcome: Outcome, duration: number): void;
}

/** How far ahead of the database's clock a process may be and still meet the minute. */
const clockTolerance = 5_000;
/** How long a stopping process waits for runs that were told to end, in milliseconds. */
const patience = 5_000;
const longestError = 2000;

/**
 * Runs jobs, each once across the processes on one database, and records every run.
 *
 * `Deno.cron` wakes each process once a minute. A job is due when its schedule had a time after the
 * last scheduled run, by the database's clock: so whoever comes first runs it, a run that was missed
 * while no process was up is made up for, and a changed schedule holds from the next minute on.
 */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #stopping = new AbortController();
  /** Work of this process by job, also past its time limit. */
  readonly #active = new Map<string, Promise<unknown>>();

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /** Closes runs that a dead process left, and runs due jobs from the next full minute on. */
  async start(): Promise<void> {
    const { db } = this.#options;
    await closeDeadRuns(db, db.kind === "pglite");
    Deno.cron("lockstep jobs", "* * * * *", { signal: this.#stopping.signal }, () => {
      // Not awaited: a cron whose handler still runs is not called again.
      this.tick().catch((error) => {
        logger("jobs").error("It is not known which jobs are due.", { error });
      });
    });
  }

  /** Runs what is due, one job after the other. Resolves to the runs, all ended. */
  async tick(): Promise<JobRun[]> {
    const { db, jobs, schedules } = this.#options;
    await closeDeadRuns(db, false);
    const { now, lastStarts } = await readClock(db, jobs.map(({ name }) => name));
    const expressions = await schedules();
    const runs: JobRun[] = [];
    for (const job of jobs) {
      const expression = expressions[job.name];
      if (!expression || this.#stopping.signal.aborted) continue;
      const due = new CronSchedule(expression).previous(new Date(now.getTime() + clockTolerance));
      const since = new Date(due.getTime() - clockTolerance);
      if (lastStarts.get(job.name)! >= since) continue;
      const run = await this.#begin(job, "cron", since);
      if (run) runs.push(await run.finished);
    }
    return runs;
  }

  /**
   * Begins a run now. Resolves to its id and what it will have come to.
   *
   * @throws LockstepError `not_found`, or `conflict` while the job runs in this or another process
   */
  async runNow(
    name: string,
    trigger: "manual" | "cli",
  ): Promise<{ id: number; finished: Promise<JobRun> }> {
    const job = this.#job(name);
    await closeDeadRuns(this.#options.db, false);
    const run = await this.#begin(job, trigger, null);
    if (run) return run;
    throw new LockstepError("conflict", `The job ${name} is running. Wait until it has ended.`);
  }

  /** Every job with its schedule, its next time by this machine's clock, and how it went. */
  async list(): Promise<JobState[]> {
    const { db, jobs, schedules } = this.#options;
    const runs = await lastRuns(db, jobs.map(({ name }) => name));
    const expressions = await schedules();
    return jobs.map(({ name, description }) => {
      const schedule = expressions[name] ?? "";
      return {
        name,
        description,
        schedule,
        next_at: schedule ? new CronSchedule(schedule).next(new Date()) : null,
        last_run: runs.get(name)!.last,
        last_failure: runs.get(name)!.failure,
      };
    });
  }

  /**
   * At most `limit` runs of a job, newest first, of those before the id `before`.
   *
   * @throws LockstepError `not_found`
   */
  async history(name: string, page: { before: number | null; limit: number }): Promise<JobRun[]> {
    return await runHistory(this.#options.db, this.#job(name).name, page);
  }

  /** Begins no more runs, tells those under way to end, and waits for them for some seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort(new LockstepError("aborted", "The server was stopped."));
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patience);
    await Promise.race([Promise.allSettled(this.#active.values()), enough]);
    clearTimeout(timer);
  }

  #job(name: string): Job {
    const job = this.#options.jobs.find((job) => job.name === name);
    if (job) return job;
    const names = this.#options.jobs.map(({ name }) => name).join(", ");
    throw new LockstepError(
      "not_found",
      `There is no job ${JSON.stringify(name.slice(0, 100))}. The jobs are ${names}.`,
    );
  }

  async #begin(
    job: Job,
    trigger: Trigger,
    since: Date | null,
  ): Promise<{ id: number; finished: Promise<JobRun> } | undefined> {
    // Work past its time limit may still go on here, though its run is closed.
    if (this.#active.has(job.name)) return;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#active.set(job.name, ended);
    const release = () => {
      this.#active.delete(job.name);
      end();
    };
    try {
      const id = await claimRun(this.#options.db, job.name, trigger, since);
      if (id !== undefined) return { id, finished: this.#run(id, job, trigger, release) };
    } catch (error) {
      release();
      throw error;
    }
    release();
  }

  /** Never rejects. `release` is called when the work is really over. */
  async #run(id: number, job: Job, trigger: Trigger, release: () => void): Promise<JobRun> {
    const { db, finished } = this.#options;
    const startedAt = new Date();
    const started = performance.now();
    const limit = new AbortController();
    const timeout = setTimeout(() => limit.abort(timedOut(job)), job.timeLimit);
    const beats = setInterval(() => beat(db, id).catch(() => {}), leaseSeconds * 1000 / 4);
    const signal = AbortSignal.any([this.#stopping.signal, limit.signal]);
    const work = (async () => await job.run(signal))();
    let [outcome, detail, error]: [Outcome, Record<string, unknown> | null, string] = [
      "succeeded",
      null,
      "",
    ];
    try {
      detail = await orAborted(work, signal);
    } catch (cause) {
      outcome = limit.signal.aborted ? "timed_out" : "failed";
      error = redactText(cause instanceof Error ? cause.message : String(cause))
        .slice(0, longestError);
      logger("jobs").error("The job {job} did not succeed.", { job: job.name, error: cause });
    } finally {
      clearTimeout(timeout);
      clearInterval(beats);
    }
    let run: JobRun | undefined;
    try {
      finished?.(job.name, outcome, (performance.now() - started) / 1000);
      await finishRun(db, id, outcome, detail, error);
      run = await readRun(db, id);
    } catch (cause) {
      // Whoever comes next takes the run for dead and closes it.
      logger("jobs").error("The end of a run of {job} is not recorded.", {
        job: job.name,
        error: cause,
      });
    }
    Promise.allSettled([work]).then(release);
    return run ?? {
      id,
      job: job.name,
      trigger,
      started_at: startedAt,
      finished_at: new Date(),
      outcome,
      detail,
      error,
    };
  }
}

function timedOut({ name, timeLimit }: Job): LockstepError {
  return new LockstepError(
    "timeout",
    `The job ${name} took longer than the ${timeLimit / 1000} seconds that it has.`,
  );
}

/** What `work` comes to, or the reason of `signal` if it aborts first. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
