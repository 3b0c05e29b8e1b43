/** Work that recurs. */
export interface Job {
  /** Stable: settings, runs and metrics name it so. */
  name: string;
  /** A sentence. */
  description: string;
  /** Longest run, in milliseconds. */
  timeLimit: number;
  /**
   * Does the work once. Resolves to what is worth telling, as JSON. `signal` aborts at the time limit
   * and when the server stops; work between two statements should then end.
   */
  run(signal: AbortSignal): Promise<Record<string, unknown>>;
}

export type Trigger = "cron" | "manual" | "cli";
export type Outcome = "succeeded" | "failed" | "timed_out";

/** One run as it is recorded. */
export interface JobRun {
  id: number;
  job: string;
  trigger: Trigger;
  started_at: Date;
  /** Null while it runs. */
  finished_at: Date | null;
  outcome: Outcome | "running";
  /** What the job told; null while it runs and when it failed. */
  detail: Record<string, unknown> | null;
  /** Why it failed, else empty. */
  error: string;
}

/** A job with its schedule and how it went. */
export interface JobState {
  name: string;
  description: string;
  /** Cron expression in UTC; empty when it runs by hand alone. */
  schedule: string;
  next_at: Date | null;
  last_run: JobRun | null;
  /** The last run that did not succeed. */
  last_failure: JobRun | null;
}
