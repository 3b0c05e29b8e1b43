import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { administers, type AdminScope, notFound, requireOrganization } from "./admin_scope.ts";
import { parseFilters } from "./filters.ts";
import { deleteRow, lockRow, type RowVersion, updateRow } from "./stored_row.ts";
import { defaultGroups, type PermissionTemplate, permissionTemplates } from "./templates.ts";

/** One cell of the permission matrix. */
export interface RightsCell {
  organizationId: number;
  groupId: number;
  model: Model;
  push: boolean;
  pull: boolean;
  /** See `parseFilters`. Null for every row; undefined leaves the stored filters. */
  filters?: unknown;
  /** The version that was read, null for a cell that was empty; undefined is not checked. */
  version?: RowVersion | null;
}

/**
 * Sets cells of the matrix, all or none of them; a cell that is so already is not written. Resolves
 * to how many were.
 *
 * @throws LockstepError `not_found`, `invalid_value` for a filter or a cell that is named twice,
 *   `precondition_failed` with the cells that changed since they were read
 */
export async function setRights(
  tx: Transaction,
  scope: AdminScope,
  cells: RightsCell[],
): Promise<number> {
  const seen = new Set<string>();
  for (const [index, { organizationId, groupId, model, filters }] of cells.entries()) {
    requireOrganization(scope, organizationId);
    if (filters !== undefined) parseFilters(filters, model);
    const key = `${organizationId} ${groupId} ${model.name}`;
    if (seen.has(key)) {
      throw new LockstepError(
        "invalid_value",
        `The group ${groupId} of the organization ${organizationId} and ${model.name} are named twice.`,
        { errors: [{ field: `items.${index}`, message: "Named twice. Name each cell once." }] },
      );
    }
    seen.add(key);
  }
  const rows = JSON.stringify(cells.map((cell, index) => ({
    index,
    organization_id: cell.organizationId,
    group_id: cell.groupId,
    model_name: cell.model.name,
    can_push: cell.push,
    can_pull: cell.pull,
    keeps: cell.filters === undefined,
    filters: cell.filters ?? null,
    checked: cell.version !== undefined && cell.version !== "*",
    version: cell.version ?? null,
  })));
  await refuseStale(tx, rows);
  const { count } = await tx.execute(setStatement, [rows]);
  return count;
}

const cellRows = `jsonb_to_recordset($1::text::jsonb) AS r (index int, organization_id int,
      group_id int, model_name text, can_push boolean, can_pull boolean, keeps boolean, filters jsonb,
      checked boolean, version text)`;

const setStatement = `
  INSERT INTO lockstep.model_permission AS p
    (organization_id, group_id, model_name, can_push, can_pull, filters)
  SELECT r.organization_id, r.group_id, r.model_name, r.can_push, r.can_pull,
    CASE WHEN r.keeps THEN stored.filters ELSE nullif(r.filters, 'null') END
  FROM ${cellRows}
  LEFT JOIN lockstep.model_permission stored USING (organization_id, group_id, model_name)
  ORDER BY r.organization_id, r.group_id, r.model_name
  ON CONFLICT (organization_id, group_id, model_name) DO UPDATE
    SET can_push = excluded.can_push, can_pull = excluded.can_pull, filters = excluded.filters,
      updated_at = now()
    WHERE (p.can_push, p.can_pull, p.filters)
      IS DISTINCT FROM (excluded.can_push, excluded.can_pull, excluded.filters)`;

/** Locks the cells, and refuses unknown organizations and groups and cells that have changed. */
async function refuseStale(tx: Transaction, rows: string): Promise<void> {
  await tx.query(
    `SELECT FROM lockstep.model_permission p JOIN ${cellRows} USING (organization_id, group_id, model_name)
    ORDER BY p.id FOR UPDATE OF p`,
    [rows],
  );
  const problems = await tx.query<
    { index: number; what: string | null; id: number; model_name: string }
  >(
    `SELECT r.index, r.model_name,
      CASE WHEN o.id IS NULL THEN 'organization' WHEN g.id IS NULL THEN 'group' END AS what,
      CASE WHEN o.id IS NULL THEN r.organization_id ELSE r.group_id END AS id
    FROM ${cellRows}
    LEFT JOIN lockstep.organization o ON o.id = r.organization_id
    LEFT JOIN lockstep.auth_group g ON g.id = r.group_id
    LEFT JOIN lockstep.model_permission p ON p.organization_id = r.organization_id
      AND p.group_id = r.group_id AND p.model_name = r.model_name
    WHERE o.id IS NULL OR g.id IS NULL
      OR r.checked AND p.xmin::text IS DISTINCT FROM r.version
    ORDER BY r.index`,
    [rows],
  );
  const missing = problems.find(({ what }) => what !== null);
  if (missing) throw notFound(missing.what!, missing.id);
  if (problems.length === 0) return;
  throw new LockstepError(
    "precondition_failed",
    "Permissions were changed since you read them. Read them again, and decide.",
    {
      errors: problems.map(({ index, id, model_name }) => ({
        field: `items.${index}`,
        message: `The permission of group ${id} on ${model_name} has changed.`,
        code: "precondition_failed",
      })),
    },
  );
}

/**
 * Changes one stored permission. Resolves to whether anything was written.
 *
 * @throws LockstepError `not_found`, `precondition_failed`, `invalid_value`
 */
export async function updatePermission(
  tx: Transaction,
  scope: AdminScope,
  catalog: Catalog,
  id: number,
  version: RowVersion,
  change: { push?: boolean; pull?: boolean; filters?: unknown },
): Promise<boolean> {
  const { model_name } = await lockRight(tx, scope, "model_permission", id, version);
  if (change.filters !== undefined && change.filters !== null) {
    parseFilters(change.filters, modelNamed(catalog, model_name));
  }
  return await updateRow(tx, "model_permission", id, {
    can_push: change.push,
    can_pull: change.pull,
    filters: change.filters,
  });
}

/** Withdraws a permission. @throws LockstepError `not_found`, `precondition_failed` */
export async function deletePermission(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  await lockRight(tx, scope, "model_permission", id, version);
  await deleteRow(tx, "model_permission", id);
}

/**
 * Sets rights by a template: that of the name for the groups given, or with `defaults` each of the
 * seven groups' own. Filters stay. Resolves to how many permissions were written.
 *
 * @param groups all of the template's when absent; for `defaults` those of the seven that exist
 * @throws LockstepError `not_found`, `required` when a named template is given no groups
 */
export async function applyTemplate(
  tx: Transaction,
  scope: AdminScope,
  request: {
    organizationId: number;
    groupIds?: number[];
    models: readonly Model[];
    template: PermissionTemplate | "defaults";
  },
): Promise<number> {
  const { organizationId, groupIds, models, template } = request;
  requireOrganization(scope, organizationId);
  const groups = await tx.query<{ id: number; name: string }>(
    "SELECT id, name FROM lockstep.auth_group WHERE $1::int[] IS NULL OR id = ANY ($1::int[])",
    [groupIds ?? null],
  );
  const missing = groupIds?.find((id) => !groups.some((group) => group.id === id));
  if (missing !== undefined) throw notFound("group", missing);
  if (template !== "defaults" && groupIds === undefined) {
    throw new LockstepError("required", "group_ids: Name the groups that get the template.", {
      errors: [{ field: "group_ids", message: "Name the groups.", code: "required" }],
    });
  }
  const cells = groups.flatMap(({ id, name }): RightsCell[] => {
    const chosen = template === "defaults"
      ? defaultGroups.find((group) => group.name === name)?.template
      : template;
    if (chosen === undefined) return [];
    const { push, pull } = permissionTemplates[chosen];
    return models.map((model) => ({
      organizationId,
      groupId: id,
      model,
      push: push && model.writable,
      pull,
    }));
  });
  return await setRights(tx, scope, cells);
}

/** One side of a copy: a group of an organization, or all groups. */
export interface RightsPlace {
  organizationId: number;
  groupId?: number;
}

/**
 * Makes the permissions and data filters of one place those of another. Resolves to how many rows
 * were written or removed. Values in filters are copied as they are.
 *
 * @param replace also removes what the source does not have
 * @throws LockstepError `not_found`, `invalid_value`
 */
export async function copyRights(
  tx: Transaction,
  scope: AdminScope,
  from: RightsPlace,
  to: RightsPlace,
  replace: boolean,
): Promise<number> {
  requireOrganization(scope, from.organizationId);
  requireOrganization(scope, to.organizationId);
  if ((from.groupId === undefined) !== (to.groupId === undefined)) {
    throw new LockstepError(
      "invalid_value",
      "to.group_id: Name a group on both sides, or on neither to copy all groups.",
      { errors: [{ field: "to.group_id", message: "Name a group on both sides or on neither." }] },
    );
  }
  if (from.organizationId === to.organizationId && from.groupId === to.groupId) {
    throw new LockstepError("invalid_value", "to: The source and the target are the same.", {
      errors: [{ field: "to", message: "Must differ from the source." }],
    });
  }
  for (const { organizationId, groupId } of [from, to]) {
    const [found] = await tx.query<{ organization: boolean; group: boolean }>(
      `SELECT EXISTS (SELECT FROM lockstep.organization WHERE id = $1::int) AS organization,
        $2::int IS NULL OR EXISTS (SELECT FROM lockstep.auth_group WHERE id = $2::int) AS "group"`,
      [organizationId, groupId ?? null],
    );
    if (!found.organization) throw notFound("organization", organizationId);
    if (!found.group) throw notFound("group", groupId!);
  }
  const params = [from.organizationId, from.groupId ?? null, to.organizationId, to.groupId ?? null];
  let count = 0;
  for (const statements of [permissionCopy, filterCopy]) {
    if (replace) count += (await tx.execute(statements.remove, params)).count;
    count += (await tx.execute(statements.copy, params)).count;
  }
  return count;
}

const isSource = "s.organization_id = $1::int AND ($2::int IS NULL OR s.group_id = $2::int)";
const isTarget = "t.organization_id = $3::int AND ($4::int IS NULL OR t.group_id = $4::int)";
const target = "coalesce($4::int, s.group_id)";

const permissionCopy = {
  remove: `
    DELETE FROM lockstep.model_permission t
    WHERE ${isTarget} AND NOT EXISTS (
      SELECT FROM lockstep.model_permission s
      WHERE ${isSource} AND ${target} = t.group_id AND s.model_name = t.model_name)`,
  copy: `
    INSERT INTO lockstep.model_permission AS t
      (organization_id, group_id, model_name, can_push, can_pull, filters)
    SELECT $3::int, ${target}, s.model_name, s.can_push, s.can_pull, s.filters
    FROM lockstep.model_permission s WHERE ${isSource}
    ON CONFLICT (organization_id, group_id, model_name) DO UPDATE
      SET can_push = excluded.can_push, can_pull = excluded.can_pull, filters = excluded.filters,
        updated_at = now()
      WHERE (t.can_push, t.can_pull, t.filters)
        IS DISTINCT FROM (excluded.can_push, excluded.can_pull, excluded.filters)`,
};

const filterCopy = {
  remove: `
    DELETE FROM lockstep.data_filter t
    WHERE ${isTarget} AND NOT EXISTS (
      SELECT FROM lockstep.data_filter s
      WHERE ${isSource} AND ${target} = t.group_id AND s.model_name = t.model_name
        AND s.filter_name = t.filter_name)`,
  copy: `
    INSERT INTO lockstep.data_filter AS t
      (organization_id, group_id, model_name, filter_name, filter_condition, is_active)
    SELECT $3::int, ${target}, s.model_name, s.filter_name, s.filter_condition, s.is_active
    FROM lockstep.data_filter s WHERE ${isSource}
    ON CONFLICT (organization_id, group_id, model_name, filter_name) DO UPDATE
      SET filter_condition = excluded.filter_condition, is_active = excluded.is_active,
        updated_at = now()
      WHERE (t.filter_condition, t.is_active)
        IS DISTINCT FROM (excluded.filter_condition, excluded.is_active)`,
};

export interface StoredRight {
  organization_id: number;
  group_id: number;
  model_name: string;
}

/** Locks a permission or data filter of an administered organization. */
export async function lockRight<Row extends StoredRight>(
  tx: Transaction,
  scope: AdminScope,
  table: "model_permission" | "data_filter",
  id: number,
  version: RowVersion,
): Promise<Row> {
  const noun = table === "data_filter" ? "filter" : "permission";
  const [known] = await tx.query<{ organization_id: number }>(
    `SELECT organization_id FROM lockstep.${table} WHERE id = $1`,
    [id],
  );
  if (!known || !administers(scope, known.organization_id)) throw notFound(noun, id);
  return await lockRow<Row>(tx, table, id, version);
}

/** @throws LockstepError `unknown_model` */
export function modelNamed(catalog: Catalog, name: string): Model {
  const model = catalog.find(name);
  if (model) return model;
  throw new LockstepError(
    "unknown_model",
    `There is no model ${name.slice(0, 200)}. GET /api/admin/models/ lists those that there are.`,
    { errors: [{ field: "model", message: "Unknown.", code: "unknown_model" }] },
  );
}
