import type { Tenant } from "../access/mod.ts";
import { type AuditEvent, history, revert, type Visibility } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { editActions, type EditDetail } from "./record_audit.ts";
import { columnNamed, rawValue } from "./record_columns.ts";
import { reachOfOne } from "./record_reach.ts";
import { readRecord } from "./record_read.ts";
import {
  createRecord,
  deleteRecord,
  type RecordWrite,
  refuseStray,
  updateRecord,
} from "./record_write.ts";

/** What happened to a record at one time. */
export interface HistoryEntry {
  id: number;
  at: Date;
  actor: string;
  source: string;
  action: "create" | "update" | "delete" | "other";
  /** The name of another action. */
  name: string;
  /** Values as text, null for SQL's NULL; of a creation or deletion those that were there. */
  changes: { field: string; before: string | null; after: string | null }[];
  /** The entry that this one undid. */
  revertsId: number | null;
}

export interface HistoryPage {
  entries: HistoryEntry[];
  /** `before` of the next page, or null at the end. */
  next: number | null;
}

const pageSize = 25;

/**
 * What the audit trail tells of a record, the newest first.
 *
 * @param key column to text, as the trail names the record
 * @param before shows what is older than that entry
 */
export async function recordHistory(
  conn: Connection,
  model: Model,
  reach: Tenant,
  key: Record<string, string>,
  before?: number,
): Promise<HistoryPage> {
  const visibility = visibilityOf(model, reach);
  const page = await history(conn, visibility, model.name, key, { before, limit: pageSize });
  return { entries: page.events.map(historyEntry), next: page.next };
}

function visibilityOf(model: Model, reach: Tenant): Visibility {
  if (model.tenantColumn !== null) return { organizationIds: reach.organizationIds };
  return reach.shared ? { all: true } : { organizationIds: [] };
}

/** What an event says of its row, whether a trigger or the admin wrote it. */
export function historyEntry(event: AuditEvent): HistoryEntry {
  const { id, at, actor, source, revertsId, action: name } = event;
  const common = { id, at, actor, source, revertsId, name };
  const edit = editOf(event);
  if (edit) {
    const fields = edit.before && edit.after
      ? edit.changed
      : Object.keys(edit.before ?? edit.after ?? {});
    return {
      ...common,
      action: edit.before === null ? "create" : edit.after === null ? "delete" : "update",
      changes: fields.map((field) => ({
        field,
        before: edit.before?.[field] ?? null,
        after: edit.after?.[field] ?? null,
      })),
    };
  }
  if (name === "update") return { ...common, action: name, changes: event.changes };
  if (name !== "create" && name !== "delete") return { ...common, action: "other", changes: [] };
  const row = (text: string | null) => new Map(Object.entries(JSON.parse(text ?? "{}")));
  const [before, after] = [row(event.before), row(event.after)];
  return {
    ...common,
    action: name,
    changes: [...before.keys(), ...after.keys()].map((field) => ({
      field,
      before: textOf(before.get(field)),
      after: textOf(after.get(field)),
    })),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function editOf({ action, after }: AuditEvent): EditDetail | undefined {
  if (!(editActions as readonly string[]).includes(action) || after === null) return;
  return JSON.parse(after);
}

/**
 * Undoes an entry of the record's history as a new change, like `revert` of the audit trail.
 *
 * @throws LockstepError `not_found` when the history has no such entry, `conflict` with the reason when
 *   it can no longer be undone
 */
export async function revertRecord(
  write: RecordWrite,
  key: Record<string, string>,
  eventId: number,
): Promise<void> {
  const { db, model, reach, catalog, actor } = write;
  const visibility = visibilityOf(model, reach);
  const { events: [event] } = await history(db, visibility, model.name, key, {
    before: eventId + 1,
    limit: 1,
  });
  if (event?.id !== eventId) {
    throw new LockstepError("not_found", `The record's history has no entry ${eventId}.`);
  }
  const edit = editOf(event);
  if (edit) return await revertEdit(write, event, edit);
  await db.transaction({ retries: 3 }, async (tx) => {
    await write.guard?.(tx);
    await revert(tx, eventId, actor, visibility);
    if (event.action === "create") return;
    const own = reachOfOne(reach, event.organizationId);
    const columns = Object.keys(JSON.parse(event.before ?? "{}"));
    await refuseStray(tx, model, catalog, own, keyOf(model, event), columns);
  });
}

async function revertEdit(write: RecordWrite, event: AuditEvent, edit: EditDetail): Promise<void> {
  const { db, model, reach } = write;
  const key = keyOf(model, event);
  if (edit.after === null) {
    const stored = await readRecord(db, model, reach, key);
    if (stored) refuse("its key is in use by another row.");
    await createRecord(
      write,
      event.organizationId,
      fieldsOf(
        model,
        edit.before!,
        model.columns
          .filter(({ generated, name }) => !generated && name !== model.tenantColumn)
          .map(({ name }) => name),
      ),
    );
    return;
  }
  const stored = await readRecord(db, model, reach, key, { bytes: true });
  if (!stored) refuse("the row no longer exists.");
  const compared = edit.before ? edit.changed : Object.keys(edit.after);
  const others = compared.filter((name) =>
    stored!.values[name] !== edit.after![name] && name !== "updated_at"
  );
  if (others.length > 0) refuse(`${others.join(", ")} changed since.`);
  const outcome = edit.before
    ? await updateRecord(write, key, stored!.version, fieldsOf(model, edit.before, edit.changed))
    : await deleteRecord(write, key, stored!.version);
  if (!outcome || typeof outcome === "object" && "current" in outcome) {
    refuse("the row was changed at this moment.");
  }
}

function keyOf(model: Model, event: AuditEvent): string[] {
  return model.key.map((name) => event.key?.[name] ?? "");
}

function fieldsOf(
  model: Model,
  values: Record<string, string | null>,
  names: readonly string[],
): Map<string, string> {
  const columns = names.filter((name) => name in values && name !== "updated_at")
    .map((name) => model.columns.find((column) => column.name === name))
    .filter((column) => column !== undefined && !column.generated);
  return new Map(columns.map((column) => [
    column!.name,
    rawValue(columnNamed(model, column!.name), values[column!.name]),
  ]));
}

function refuse(reason: string): never {
  throw new LockstepError("conflict", `The change cannot be reverted: ${reason}`);
}
