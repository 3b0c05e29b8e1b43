/** Push, pull, cursors and the change log. @module */
export * from "./change_feed.ts";
export { track, type TrackedModel, trackedModels, untrack } from "./change_log.ts";
export * from "./compaction.ts";
export * from "./idempotency.ts";
export { rememberSnapshot, renewIdentity } from "./installation.ts";
export { setRowSecurity, tenantRole } from "./row_security.ts";
export * from "./json_scanner.ts";
export {
  type ModelPage,
  type PullContext,
  type PullPage,
  pullPage,
  type PullRequest,
} from "./pull.ts";
export { pullFields } from "./pull_fields.ts";
export { mostPending, pendingChanges } from "./pending_changes.ts";
export * from "./push.ts";
export type { Action, PushOutcome, RecordResult } from "./push_outcome.ts";
export type { RecordError } from "./push_record.ts";
export {
  listQuarantine,
  type QuarantineEntry,
  type QuarantineState,
  type QuarantineView,
  readQuarantine,
  resolveQuarantine,
} from "./quarantine.ts";
export * from "./record_audit.ts";
export * from "./record_columns.ts";
export * from "./record_export.ts";
export * from "./record_history.ts";
export * from "./record_list.ts";
export { reachOfOne, recordReach, scopeReach } from "./record_reach.ts";
export { readRecord, type StoredRecord } from "./record_read.ts";
export {
  type AffectedRows,
  affectedRows,
  findReferenced,
  mostCounted,
  type ReferencedRow,
  referencedRows,
} from "./record_references.ts";
export {
  columnOfUpdate,
  createRecord,
  deleteRecord,
  type RecordFields,
  type RecordWrite,
  type UpdateOutcome,
  updateRecord,
} from "./record_write.ts";
