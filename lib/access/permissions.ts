import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { textField } from "./fields.ts";
import { parseFilters } from "./filters.ts";

/** Rights of a group of an organization on a model. */
export interface Permission {
  organizationId: number;
  groupId: number;
  model: Model;
  push: boolean;
  pull: boolean;
  /** See `parseFilters`. Null for every row. */
  filters: unknown;
}

/**
 * Grants or changes rights, all in one statement. Rights that are the same already are not written.
 * Each organization, group and model may be named once.
 *
 * @throws LockstepError `invalid_value` when a filter does not fit its model
 */
export async function setPermissions(conn: Connection, permissions: Permission[]): Promise<void> {
  for (const { filters, model } of permissions) parseFilters(filters, model);
  await conn.execute(
    `INSERT INTO lockstep.model_permission
      (organization_id, group_id, model_name, can_push, can_pull, filters)
    SELECT organization_id, group_id, model_name, can_push, can_pull, nullif(filters, 'null')
    FROM jsonb_to_recordset($1::text::jsonb) AS r (
      organization_id int, group_id int, model_name text, can_push boolean, can_pull boolean,
      filters jsonb
    )
    ON CONFLICT (organization_id, group_id, model_name) DO UPDATE
      SET can_push = excluded.can_push, can_pull = excluded.can_pull,
        filters = excluded.filters, updated_at = now()
      WHERE (model_permission.can_push, model_permission.can_pull, model_permission.filters)
        IS DISTINCT FROM (excluded.can_push, excluded.can_pull, excluded.filters)`,
    [
      JSON.stringify(permissions.map((permission) => ({
        organization_id: permission.organizationId,
        group_id: permission.groupId,
        model_name: permission.model.name,
        can_push: permission.push,
        can_pull: permission.pull,
        filters: permission.filters ?? null,
      }))),
    ],
  );
}

/** A named condition on the rows of a model that a group of an organization may see. */
export interface DataFilter {
  organizationId: number;
  groupId: number;
  model: Model;
  name: string;
  /** See `parseFilters`. */
  condition: unknown;
  isActive?: boolean;
}

/**
 * Creates the data filter or replaces the one of that name. Resolves to its id.
 *
 * @throws LockstepError `invalid_value` when the condition is empty or does not fit the model
 */
export async function setDataFilter(conn: Connection, filter: DataFilter): Promise<number> {
  const name = textField("filter_name", filter.name, { max: 100 });
  if (parseFilters(filter.condition, filter.model, name).length === 0) {
    throw new LockstepError(
      "invalid_value",
      `The filter "${name}" has no condition. Give it one, or remove it to show every row.`,
      { errors: [{ field: "filter_condition", message: "Give at least one condition." }] },
    );
  }
  const [{ id }] = await conn.query<{ id: number }>(
    `INSERT INTO lockstep.data_filter
      (organization_id, group_id, model_name, filter_name, filter_condition, is_active)
    VALUES ($1, $2, $3, $4, $5::text::jsonb, $6)
    ON CONFLICT (organization_id, group_id, model_name, filter_name) DO UPDATE
      SET filter_condition = excluded.filter_condition, is_active = excluded.is_active,
        updated_at = now()
    RETURNING id`,
    [
      filter.organizationId,
      filter.groupId,
      filter.model.name,
      name,
      JSON.stringify(filter.condition),
      filter.isActive ?? true,
    ],
  );
  return id;
}
