import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import {
  administers,
  type AdminScope,
  notFound,
  requireAll,
  requireOrganization,
  userVisibleIn,
} from "./admin_scope.ts";
import { duplicateAs } from "./fields.ts";
import { addMember } from "./groups.ts";
import type { Security } from "./security.ts";
import { deleteRow, lockRow, type RowVersion, updateRow } from "./stored_row.ts";
import { createUser, type NewUser } from "./users.ts";

export interface NewMembership {
  userId: number;
  organizationId: number;
  groupId: number;
  isActive?: boolean;
}

/**
 * Puts a user into a group of an organization. Resolves to the membership's id.
 *
 * Who administers organizations only may add users that are members there already; otherwise
 * numbers could be tried to learn who else there is.
 */
export async function createMembership(
  tx: Transaction,
  scope: AdminScope,
  { userId, organizationId, groupId, isActive = true }: NewMembership,
): Promise<number> {
  requireOrganization(scope, organizationId);
  const params: unknown[] = [userId, organizationId, groupId];
  const visible = userVisibleIn(scope, "$1::int", (value) => `$${params.push(value)}`);
  const [found] = await tx.query<{ user: boolean; organization: boolean; group: boolean }>(
    `SELECT EXISTS (SELECT FROM lockstep.app_user WHERE id = $1::int) AND ${visible} AS user,
      EXISTS (SELECT FROM lockstep.organization WHERE id = $2::int) AS organization,
      EXISTS (SELECT FROM lockstep.auth_group WHERE id = $3::int) AS "group"`,
    params,
  );
  if (!found.user) throw notFound("user", userId);
  if (!found.organization) throw notFound("organization", organizationId);
  if (!found.group) throw notFound("group", groupId);
  const [{ id }] = await duplicateAs(
    "The user is in this group of the organization already.",
    tx.query<{ id: number }>(
      `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id, is_active)
      VALUES ($1, $2, $3, $4) RETURNING id`,
      [userId, organizationId, groupId, isActive],
    ),
  );
  return id;
}

/**
 * Creates a user with memberships. Who administers organizations only has to give the user one of
 * them, and no rank. Resolves to the id.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `required`, `invalid_value`, `duplicate`
 */
export async function createMember(
  tx: Transaction,
  scope: AdminScope,
  user: NewUser,
  memberships: { organizationId: number; groupId: number }[],
  security: Security,
): Promise<number> {
  if (user.isStaff || user.isSuperuser) requireAll(scope);
  for (const { organizationId } of memberships) requireOrganization(scope, organizationId);
  if (memberships.length === 0 && !("all" in scope)) {
    throw new LockstepError(
      "required",
      "memberships: Name an organization that you administer, and a group.",
      { errors: [{ field: "memberships", message: "Name at least one.", code: "required" }] },
    );
  }
  const id = await createUser(tx, user, security);
  for (const { organizationId, groupId } of memberships) {
    await addMember(tx, { userId: id, organizationId, groupId });
  }
  return id;
}

/**
 * Changes the group of a membership, or whether it counts. Resolves to whether anything was written.
 */
export async function updateMembership(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
  change: { groupId?: number; isActive?: boolean },
): Promise<boolean> {
  await lockMembership(tx, scope, id, version);
  if (change.groupId !== undefined) {
    const groups = await tx.query("SELECT FROM lockstep.auth_group WHERE id = $1", [
      change.groupId,
    ]);
    if (groups.length === 0) throw notFound("group", change.groupId);
  }
  return await duplicateAs(
    "The user is in this group of the organization already.",
    updateRow(tx, "user_organization", id, {
      group_id: change.groupId,
      is_active: change.isActive,
    }),
  );
}

export async function deleteMembership(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  await lockMembership(tx, scope, id, version);
  await deleteRow(tx, "user_organization", id);
}

async function lockMembership(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  // What is another's is not found, whatever version is given.
  const [row] = await tx.query<{ organization_id: number }>(
    "SELECT organization_id FROM lockstep.user_organization WHERE id = $1",
    [id],
  );
  if (!row || !administers(scope, row.organization_id)) throw notFound("membership", id);
  await lockRow(tx, "user_organization", id, version);
}
