import { z } from "zod";
import { administers, type AdminScope, notFound } from "../access/mod.ts";
import { recordEvent } from "../audit/mod.ts";
import type { Connection, Transaction } from "../db/mod.ts";
import {
  type BulkJob,
  type BulkState,
  cancelBulkJob,
  type JobRun,
  listBulkJobs,
  readBulkJob,
  retryBulkJob,
} from "../jobs/mod.ts";
import { auditPage } from "./admin_audit.ts";
import { type AdminOperation, operation } from "./admin_operation.ts";
import { uuidParams } from "./admin_resource.ts";
import type { Services } from "./services.ts";

/** A run of a job as the admin API shows it. */
export const jobRunSchema = z.object({
  id: z.int(),
  job: z.string(),
  trigger: z.enum(["cron", "manual", "cli"]),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable().describe("Null while it runs."),
  outcome: z.enum(["running", "succeeded", "failed", "timed_out"]),
  detail: z.record(z.string(), z.unknown()).nullable().describe("What the job told."),
  error: z.string().describe("Why it failed, else empty."),
});

/** A job with its schedule and how it went last. */
export const jobSchema = z.object({
  name: z.string(),
  description: z.string(),
  schedule: z.string().describe("A cron expression in UTC; empty: only by hand."),
  next_at: z.iso.datetime().nullable(),
  last_run: jobRunSchema.nullable(),
  last_failure: jobRunSchema.nullable().describe("The last run that did not succeed."),
});

/** Runs a change in one transaction that the audit trail attributes to whoever makes it. */
export type Change = <T>(fn: (tx: Transaction) => Promise<T>) => Promise<T>;

/** The name of a job in a path. */
export const jobName = z.string().max(100);

/** Query parameters of a page of runs. */
export const runsQuery = z.strictObject(auditPage);

/** Query parameters that choose bulk pushes. */
export const bulkQuery = z.strictObject({
  state: z.enum(["queued", "running", "succeeded", "failed", "cancelled"]).optional(),
  organization_id: z.string().regex(/^[1-9]\d{0,8}$/, "Must be a positive whole number.")
    .transform(Number).pipe(z.int()).optional(),
  limit: auditPage.limit,
  cursor: z.uuid().optional().describe("The `next` of the page before."),
});

/** Milliseconds that a request waits for the run that it began. */
const patience = 3_000;

/**
 * Begins a run of a job, and resolves to it once it has ended, or after three seconds as it is then.
 *
 * @throws LockstepError `not_found`, `conflict` while the job runs
 */
export async function runJob(
  { jobs }: Pick<Services, "jobs">,
  name: string,
  change: Change,
): Promise<JobRun> {
  const { id, finished } = await jobs.runNow(name, "manual");
  await change((tx) => recordEvent(tx, { action: "run", model: "lockstep.Job", key: { name } }));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  const run = await Promise.race([finished, enough]);
  clearTimeout(timer);
  if (run) return run;
  const runs = await jobs.history(name, { before: id + 1, limit: 1 });
  return runs[0];
}

/** A bulk push as the admin API and its pages show it. */
export const bulkPushSchema = z.object({
  id: z.uuid(),
  organization_id: z.int(),
  user_id: z.int(),
  device: z.string(),
  state: z.enum(["queued", "running", "succeeded", "failed", "cancelled"]),
  done: z.int().describe("Records that were dealt with."),
  total: z.int(),
  success_count: z.int(),
  error_count: z.int().describe("Records that were refused."),
  error: z.string().nullable().describe("Why it failed, or failed last."),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
});

/** What of a bulk push is shown. */
export function bulkPushView(job: BulkJob) {
  const counts = job.result === null ? {} : JSON.parse(job.result);
  return {
    id: job.id,
    organization_id: job.organizationId,
    user_id: job.userId,
    device: job.device,
    state: job.state,
    done: job.done,
    total: job.total,
    success_count: counts.success_count ?? 0,
    error_count: counts.error_count ?? 0,
    error: job.error,
    created_at: job.createdAt,
    started_at: job.startedAt,
    finished_at: job.finishedAt,
  };
}

export type BulkPushView = ReturnType<typeof bulkPushView>;

/** What a list of bulk pushes is asked for. */
export interface BulkAsked {
  state?: BulkState;
  /** The id of the last one of the page before. */
  before?: string;
  limit: number;
}

/** A page of the bulk pushes that `scope` holds, newest first, and where the next page begins. */
export async function bulkPushes(
  conn: Connection,
  scope: AdminScope,
  organizationId: number | undefined,
  { state, before, limit }: BulkAsked,
): Promise<{ items: BulkPushView[]; next: string | null }> {
  const administered = "all" in scope ? null : scope.organizationIds;
  const organizationIds = organizationId === undefined
    ? administered
    : administers(scope, organizationId)
    ? [organizationId]
    : [];
  const jobs = await listBulkJobs(conn, {
    state: state ?? null,
    organizationIds,
    before: before ?? null,
    limit: limit + 1,
  });
  return {
    items: jobs.slice(0, limit).map(bulkPushView),
    next: jobs.length > limit ? jobs[limit - 1].id : null,
  };
}

/** What can be done to a bulk push. */
export const bulkActions = { cancel: cancelBulkJob, retry: retryBulkJob };

/**
 * Cancels a bulk push, or tries a failed one again. Resolves to how it is then.
 *
 * @throws LockstepError `not_found` when `scope` does not hold it, `conflict` when its state forbids it
 */
export async function changeBulkPush(
  scope: AdminScope,
  id: string,
  action: keyof typeof bulkActions,
  change: Change,
): Promise<BulkPushView> {
  return await change(async (tx) => {
    const job = isUuid(id) ? await readBulkJob(tx, id) : undefined;
    if (!job || !administers(scope, job.organizationId)) throw notFound("bulk push", id);
    await bulkActions[action](tx, id);
    await recordEvent(tx, {
      action,
      model: "lockstep.BulkPush",
      key: { id },
      organizationId: job.organizationId,
    });
    return bulkPushView((await readBulkJob(tx, id))!);
  });
}

/** The operation that does one of these things to a bulk push. */
export function bulkOperation(
  action: keyof typeof bulkActions,
  documented: { summary: string; description: string },
): AdminOperation {
  return operation({
    ...documented,
    tag: "Jobs",
    access: "administrators",
    params: uuidParams,
    answer: bulkPushSchema,
    run: ({ scope, params: { id }, change }) => changeBulkPush(scope, id, action, change),
  });
}

function isUuid(text: string): boolean {
  return z.uuid().safeParse(text).success;
}
