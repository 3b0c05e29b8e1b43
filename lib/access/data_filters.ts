import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { type AdminScope, notFound, requireOrganization } from "./admin_scope.ts";
import { duplicateAs, textField } from "./fields.ts";
import { parseFilters } from "./filters.ts";
import type { DataFilter } from "./permissions.ts";
import { lockRight, modelNamed, type StoredRight } from "./rights.ts";
import { deleteRow, type RowVersion, updateRow } from "./stored_row.ts";

/**
 * Creates a data filter. Resolves to its id.
 *
 * @throws LockstepError `not_found`, `duplicate`, `invalid_value` when the condition is empty or does
 *   not fit the model
 */
export async function createDataFilter(
  tx: Transaction,
  scope: AdminScope,
  filter: DataFilter,
): Promise<number> {
  const { organizationId, groupId, model, condition, isActive = true } = filter;
  requireOrganization(scope, organizationId);
  const name = checkName(filter.name);
  checkCondition(condition, model, name);
  const [found] = await tx.query<{ organization: boolean; group: boolean }>(
    `SELECT EXISTS (SELECT FROM lockstep.organization WHERE id = $1::int) AS organization,
      EXISTS (SELECT FROM lockstep.auth_group WHERE id = $2::int) AS "group"`,
    [organizationId, groupId],
  );
  if (!found.organization) throw notFound("organization", organizationId);
  if (!found.group) throw notFound("group", groupId);
  const [{ id }] = await duplicateAs(
    `The group has a filter "${name}" on ${model.name} already. Choose another name.`,
    tx.query<{ id: number }>(
      `INSERT INTO lockstep.data_filter
        (organization_id, group_id, model_name, filter_name, filter_condition, is_active)
      VALUES ($1, $2, $3, $4, $5::text::jsonb, $6) RETURNING id`,
      [organizationId, groupId, model.name, name, JSON.stringify(condition), isActive],
    ),
  );
  return id;
}

/**
 * Changes a data filter. Resolves to whether anything was written.
 *
 * @throws LockstepError `not_found`, `precondition_failed`, `duplicate`, `invalid_value`
 */
export async function updateDataFilter(
  tx: Transaction,
  scope: AdminScope,
  catalog: Catalog,
  id: number,
  version: RowVersion,
  change: { name?: string; condition?: unknown; isActive?: boolean },
): Promise<boolean> {
  const row = await lockRight<StoredRight & { filter_name: string; filter_condition: unknown }>(
    tx,
    scope,
    "data_filter",
    id,
    version,
  );
  const name = change.name === undefined ? row.filter_name : checkName(change.name);
  // A filter that was saved when the table was different may only be mended or switched off.
  if (change.condition !== undefined || change.isActive) {
    const model = modelNamed(catalog, row.model_name);
    checkCondition(change.condition ?? row.filter_condition, model, name);
  }
  return await duplicateAs(
    `The group has a filter "${name}" on ${row.model_name} already. Choose another name.`,
    updateRow(tx, "data_filter", id, {
      filter_name: name,
      filter_condition: change.condition,
      is_active: change.isActive,
    }),
  );
}

/** @throws LockstepError `not_found`, `precondition_failed` */
export async function deleteDataFilter(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  await lockRight(tx, scope, "data_filter", id, version);
  await deleteRow(tx, "data_filter", id);
}

function checkName(text: string): string {
  return textField("name", text, { max: 100 });
}

function checkCondition(condition: unknown, model: Model, name: string): void {
  if (parseFilters(condition, model, name).length > 0) return;
  throw new LockstepError(
    "invalid_value",
    `The filter "${name}" has no condition. Give it one, or remove it to show every row.`,
    { errors: [{ field: "condition", message: "Give at least one condition." }] },
  );
}
