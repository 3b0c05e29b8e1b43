/**
 * The audit trail: who changed what. Triggers write an event for every changed row of the audited
 * tables; sealing chains the events by hash; search, export, history and revert read them.
 * @module
 */
export * from "./actor.ts";
export * from "./audit_status.ts";
export * from "./audited_table.ts";
export { csvCell } from "./csv_cell.ts";
export * from "./event.ts";
export * from "./export_audit.ts";
export * from "./grants_for.ts";
export * from "./purge_audit.ts";
export * from "./record_event.ts";
export * from "./revert.ts";
export * from "./seal_audit.ts";
export * from "./search_audit.ts";
export * from "./verify_audit.ts";
export * from "./visibility.ts";
