import { identifier, literal, sqlError, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Actor, actorSettings } from "./actor.ts";
import { type AuditEvent, secretMarker } from "./event.ts";
import { type RevertTarget, revertTarget } from "./revert_target.ts";
import { searchAudit } from "./search_audit.ts";
import type { Visibility } from "./visibility.ts";

/**
 * Undoes the event's change as a new change by `actor`, and resolves to the id of its event. An
 * update gets back the old values of the fields it changed, a deleted row comes back (without
 * secrets, and without what was deleted along with it), a created row is deleted. Changes the
 * attribution of the rest of the transaction to `actor`.
 *
 * @throws LockstepError `not_found` when `visibility` hides the event, `permission_denied` when it
 * hides one side of it, `conflict` with the reason when the change can no longer be undone.
 */
export async function revert(
  tx: Transaction,
  eventId: number,
  actor: Actor,
  visibility: Visibility,
): Promise<number> {
  const { events: [event] } = await searchAudit(tx, visibility, { id: eventId }, { limit: 1 });
  if (!event) throw new LockstepError("not_found", `There is no audit event ${eventId}.`);
  const undo = { create: undoCreate, update: undoUpdate, delete: undoDelete }[event.action];
  if (!undo) refuse(`the event is a ${event.action}, which changed no single row.`);
  if (
    (event.action !== "create" && event.before === null) ||
    (event.action !== "delete" && event.after === null)
  ) {
    throw new LockstepError(
      "permission_denied",
      `Audit event ${eventId} moved a row out of or into what you may see, so you cannot revert it.`,
    );
  }
  const target = await revertTarget(tx, event);
  await tx.script("SAVEPOINT audit_revert");
  try {
    await applySettings(tx, { ...actorSettings(actor), "lockstep.reverts": String(eventId) });
    await undo(tx, event, target);
    await tx.script("SET CONSTRAINTS ALL IMMEDIATE");
    const id = await revertingEvent(tx, eventId);
    await applySettings(tx, { "lockstep.reverts": "" });
    await tx.script("RELEASE SAVEPOINT audit_revert");
    return id;
  } catch (error) {
    await tx.script("ROLLBACK TO SAVEPOINT audit_revert; RELEASE SAVEPOINT audit_revert");
    throw asConflict(error, event);
  }
}

async function undoUpdate(tx: Transaction, event: AuditEvent, target: RevertTarget) {
  refuseGone(event.changed, target);
  const before = JSON.parse(event.before!);
  const secret = event.changed.filter((column) => isSecret(target, column, before));
  if (secret.length > 0) refuse(`the trail does not keep the value of ${secret.join(", ")}.`);
  await refuseChanged(tx, event, target, event.changed);
  const columns = event.changed.filter((column) => target.writable.has(column));
  if (columns.length === 0) refuse("only generated columns changed.");
  const assignments = columns.map((column) => `${identifier(column)} = r.${identifier(column)}`);
  if (target.columns.has("updated_at") && !columns.includes("updated_at")) {
    assignments.push("updated_at = now()");
  }
  await expectOne(tx.execute(
    `UPDATE ${target.name} t SET ${assignments.join(", ")}
    FROM ${target.record(1)} k, ${target.record(2)} r WHERE ${target.keyMatches}`,
    [JSON.stringify(event.key), event.before],
  ));
}

async function undoCreate(tx: Transaction, event: AuditEvent, target: RevertTarget) {
  const after = JSON.parse(event.after!);
  const columns = Object.keys(after).filter((column) =>
    target.columns.has(column) && !target.ignored.has(column) && !isSecret(target, column, after)
  );
  await refuseChanged(tx, event, target, columns);
  await refuseReferenced(tx, event, target);
  await expectOne(tx.execute(
    `DELETE FROM ${target.name} t USING ${target.record(1)} k WHERE ${target.keyMatches}`,
    [JSON.stringify(event.key)],
  ));
}

async function undoDelete(tx: Transaction, event: AuditEvent, target: RevertTarget) {
  const before = JSON.parse(event.before!);
  refuseGone(Object.keys(before), target);
  const columns = Object.keys(before).filter((column) => target.insertable.has(column));
  const values = columns.map((column) => {
    if (!isSecret(target, column, before)) return `r.${identifier(column)}`;
    const substitute = target.restore[column];
    if (substitute === undefined) refuse(`the trail does not keep the value of ${column}.`);
    return literal(substitute);
  });
  const reused = await tx.query(
    `SELECT FROM ${target.name} t, ${target.record(1)} k WHERE ${target.keyMatches}`,
    [JSON.stringify(event.key)],
  );
  if (reused.length > 0) refuse("its key is in use by another row.");
  await expectOne(tx.execute(
    `INSERT INTO ${target.name} (${columns.map((column) => identifier(column)).join(", ")})
    OVERRIDING SYSTEM VALUE SELECT ${values.join(", ")} FROM ${target.record(1)} r`,
    [event.before],
  ));
}

/** Locks the row and compares `columns` with the event's `after`, as the table's types have it. */
async function refuseChanged(
  tx: Transaction,
  event: AuditEvent,
  target: RevertTarget,
  columns: string[],
) {
  const differing = columns.map((column) =>
    `CASE WHEN to_jsonb(t.${identifier(column)}) IS DISTINCT FROM to_jsonb(r.${
      identifier(column)
    }) THEN ${literal(column)} END`
  );
  const [row] = await tx.query<{ differing: string[] }>(
    `SELECT to_jsonb(array_remove(ARRAY[${differing.join(", ")}]::text[], NULL)) AS differing
    FROM ${target.name} t, ${target.record(1)} k, ${target.record(2)} r
    WHERE ${target.keyMatches} FOR UPDATE OF t`,
    [JSON.stringify(event.key), event.after],
  );
  if (!row) refuse("the row no longer exists.");
  if (row.differing.length > 0) refuse(`${row.differing.join(", ")} changed since.`);
}

/** Also where the foreign key would cascade: other people's rows must not vanish unnoticed. */
async function refuseReferenced(tx: Transaction, event: AuditEvent, target: RevertTarget) {
  if (target.references.length === 0) return;
  const checks = target.references.map(({ table, columns, targetColumns }) => {
    const join = columns.map((column, i) =>
      `x.${identifier(column)} = t.${identifier(targetColumns[i])}`
    );
    return `SELECT ${literal(table)}::text AS name WHERE EXISTS (
      SELECT FROM ${target.name} t, ${target.record(1)} k, ${table} x
      WHERE ${target.keyMatches} AND ${join.join(" AND ")}
        AND NOT (x.tableoid = t.tableoid AND x.ctid = t.ctid))`;
  });
  const found = await tx.query<{ name: string }>(
    checks.join(" UNION "),
    [JSON.stringify(event.key)],
  );
  if (found.length > 0) {
    refuse(`rows of ${found.map(({ name }) => name).join(", ")} refer to it.`);
  }
}

function isSecret(target: RevertTarget, column: string, row: Record<string, unknown>): boolean {
  return target.masked.has(column) && row[column] === secretMarker;
}

function refuseGone(columns: string[], target: RevertTarget) {
  const gone = columns.filter((column) => !target.columns.has(column));
  if (gone.length > 0) refuse(`the table no longer has the column ${gone.join(", ")}.`);
}

async function expectOne(result: Promise<{ count: number }>) {
  if ((await result).count !== 1) refuse("the database did not let the row be changed.");
}

async function revertingEvent(tx: Transaction, eventId: number): Promise<number> {
  const [event] = await tx.query<{ id: number }>(
    `SELECT id FROM lockstep.audit_event
    WHERE xid = pg_current_xact_id() AND reverts_id = $1::bigint ORDER BY id DESC LIMIT 1`,
    [eventId],
  );
  if (!event) refuse("the table is not audited any more, so the revert would leave no trace.");
  return event.id;
}

async function applySettings(tx: Transaction, settings: Record<string, string>) {
  await tx.query(
    `SELECT set_config(key, value, true) FROM jsonb_each_text($1::text::jsonb)`,
    [JSON.stringify(settings)],
  );
}

function refuse(reason: string): never {
  throw new LockstepError("conflict", `The change cannot be reverted: ${reason}`);
}

/** What PostgreSQL refuses is a reason why the event no longer applies. */
function asConflict(error: unknown, event: AuditEvent): unknown {
  const code = sqlError(error)?.code;
  if (!code || !/^2[23]/.test(code)) return error;
  const reason = code === "23505"
    ? "another row has the same unique value now."
    : code === "23503"
    ? event.action === "create"
      ? "other rows refer to it."
      : "a row that it refers to no longer exists."
    : "its values do not fit the table any more.";
  return new LockstepError("conflict", `The change cannot be reverted: ${reason}`, {
    cause: error,
  });
}
