import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type AdminScope, requireAll } from "./admin_scope.ts";
import { defined, duplicateAs, textField } from "./fields.ts";
import { administrators } from "./membership.ts";
import { deleteRow, lockRow, type RowVersion, updateRow } from "./stored_row.ts";

export interface NewGroup {
  name: string;
  description?: string;
}

/**
 * Creates a group. Resolves to its id.
 *
 * @throws LockstepError `invalid_value`, or `duplicate` when the name is taken
 */
export async function createGroup(conn: Connection, group: NewGroup): Promise<number> {
  const { name, description } = checked(group);
  const [{ id }] = await duplicateAs(
    `There is a group "${name}" already. Choose another name.`,
    conn.query<{ id: number }>(
      "INSERT INTO lockstep.auth_group (name, description) VALUES ($1, $2) RETURNING id",
      [name, description],
    ),
  );
  return id;
}

/** Creates groups whose names are not there yet. Resolves to the ids of all by name. */
export async function ensureGroups(
  conn: Connection,
  groups: readonly NewGroup[],
): Promise<Map<string, number>> {
  const rows = groups.map(checked);
  await conn.execute(
    `INSERT INTO lockstep.auth_group (name, description)
    SELECT name, description
    FROM json_to_recordset($1::text::json) AS r (name text, description text)
    ON CONFLICT (name) DO NOTHING`,
    [JSON.stringify(rows)],
  );
  const found = await conn.query<{ id: number; name: string }>(
    `SELECT id, name FROM lockstep.auth_group
    WHERE name IN (SELECT json_array_elements_text($1::text::json))`,
    [JSON.stringify(rows.map(({ name }) => name))],
  );
  return new Map(found.map(({ id, name }) => [name, id]));
}

/**
 * Changes a group. Resolves to whether anything was written.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `invalid_value`,
 *   `duplicate`, `conflict` for another name of the administrators
 */
export async function updateGroup(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
  change: Partial<NewGroup>,
): Promise<boolean> {
  requireAll(scope);
  const row = await lockRow<{ name: string; description: string }>(tx, "auth_group", id, version);
  const values = checked({ ...row, ...defined(change) });
  if (row.name === administrators && values.name !== administrators) throw administratorsStay();
  return await duplicateAs(
    `There is a group "${values.name}" already. Choose another name.`,
    updateRow(tx, "auth_group", id, values),
  );
}

/**
 * Deletes a group with its memberships, rights and filters in every organization.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `conflict` for the
 *   administrators
 */
export async function deleteGroup(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  requireAll(scope);
  const { name } = await lockRow<{ name: string }>(tx, "auth_group", id, version);
  if (name === administrators) throw administratorsStay();
  await deleteRow(tx, "auth_group", id);
}

/** The organizations whose members' rights a group decides on. */
export async function organizationsOfGroup(conn: Connection, id: number): Promise<number[]> {
  const rows = await conn.query<{ organization_id: number }>(
    "SELECT DISTINCT organization_id FROM lockstep.user_organization WHERE group_id = $1",
    [id],
  );
  return rows.map(({ organization_id }) => organization_id);
}

function administratorsStay(): LockstepError {
  return new LockstepError(
    "conflict",
    `The group ${administrators} decides who administers an organization. It keeps its name and ` +
      "cannot be deleted.",
  );
}

/**
 * Puts a user into a group of an organization, or makes that membership active again.
 *
 * @throws LockstepError `not_found` when there is no such user, organization or group
 */
export async function addMember(
  conn: Connection,
  member: { userId: number; organizationId: number; groupId: number },
): Promise<void> {
  const { count } = await conn.execute(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
    SELECT u.id, o.id, g.id
    FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
    WHERE u.id = $1 AND o.id = $2 AND g.id = $3
    ON CONFLICT (user_id, organization_id, group_id) DO UPDATE SET is_active = true`,
    [member.userId, member.organizationId, member.groupId],
  );
  if (count > 0) return;
  throw new LockstepError(
    "not_found",
    `There is no user ${member.userId}, organization ${member.organizationId} or group ` +
      `${member.groupId}. Create what is missing first.`,
  );
}

function checked({ name, description = "" }: NewGroup) {
  return {
    name: textField("name", name, { max: 150 }),
    description: textField("description", description, { max: 10_000, empty: true }),
  };
}
