/** Recurring jobs, and the queue of bulk pushes. @module */
export * from "./bulk_job.ts";
export {
  cancelBulkJob,
  countByState,
  countWaiting,
  deleteParts,
  listBulkJobs,
  purgeBulkJobs,
  queueBulkJob,
  readBulkJob,
  retryBulkJob,
  storePart,
} from "./bulk_store.ts";
export * from "./bulk_worker.ts";
export * from "./job.ts";
export * from "./job_runner.ts";
export { failingJobs, purgeJobRuns } from "./job_runs.ts";
