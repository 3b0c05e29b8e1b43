import { recordEvent } from "../audit/mod.ts";
import type { Transaction } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import { isBytes } from "./record_columns.ts";
import type { StoredRecord } from "./record_read.ts";
import type { AffectedRows } from "./record_references.ts";

/** The actions of edits in the admin of tables without audit triggers. */
export const editActions = ["admin_create", "admin_update", "admin_delete"] as const;

/** The `after` of such an event: values are the texts that the columns take back. */
export interface EditDetail {
  changed: string[];
  before: Record<string, string | null> | null;
  after: Record<string, string | null> | null;
  /** Rows that were deleted or lost a reference with it, by model. */
  also?: Record<string, number>;
}

/** Longest value of bytea, in characters, that an event keeps. */
const longestBytes = 100_000;

/** Puts the edit of a row into the trail, unless a trigger of the table has just done that. */
export async function recordEdit(
  tx: Transaction,
  model: Model,
  before: StoredRecord | undefined,
  after: StoredRecord | undefined,
  affected: readonly AffectedRows[] = [],
): Promise<void> {
  const { auditKey: key, organizationId } = (after ?? before)!;
  const traced = await tx.query(
    `SELECT FROM lockstep.audit_event
    WHERE xid = pg_current_xact_id() AND model = $1::text AND key = $2::text::jsonb LIMIT 1`,
    [model.name, JSON.stringify(key)],
  );
  if (traced.length > 0) return;
  const values = (record: StoredRecord | undefined) =>
    record === undefined ? null : Object.fromEntries(
      model.columns.filter((column) =>
        !isBytes(column) || (record.values[column.name] ?? "").length <= longestBytes
      ).map(({ name }) => [name, record.values[name]]),
    );
  const detail: EditDetail = {
    changed: model.columns.map(({ name }) => name).filter((name) =>
      before && after && before.values[name] !== after.values[name]
    ),
    before: values(before),
    after: values(after),
    ...(affected.length === 0 ? {} : {
      also: Object.fromEntries(
        affected.map(({ model, columns, count }) => [`${model.name}.${columns.join("+")}`, count]),
      ),
    }),
  };
  await recordEvent(tx, {
    action: editActions[before === undefined ? 0 : after === undefined ? 2 : 1],
    model: model.name,
    key,
    detail: { ...detail },
    organizationId: organizationId ?? undefined,
  });
}
