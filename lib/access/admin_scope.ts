import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { administrators } from "./membership.ts";
import type { Principal } from "./principal.ts";

declare const granted: unique symbol;

/**
 * What somebody administers: everything, or some organizations. Every function that reads or changes
 * what is administered takes one, and only `adminScope` makes one.
 */
export type AdminScope =
  & ({ all: true } | { organizationIds: readonly number[] })
  & { readonly [granted]: true };

/**
 * Staff and superusers administer everything, members of *Administrators* their own active
 * organizations.
 *
 * @throws LockstepError `permission_denied` for everybody else
 */
export async function adminScope(conn: Connection, principal: Principal): Promise<AdminScope> {
  if (principal.isStaff || principal.isSuperuser) return { all: true } as AdminScope;
  const rows = await conn.query<{ id: number }>(
    `SELECT DISTINCT o.id
    FROM lockstep.user_organization m
    JOIN lockstep.auth_group g ON g.id = m.group_id
    JOIN lockstep.organization o ON o.id = m.organization_id
    WHERE m.user_id = $1 AND m.is_active AND o.is_active AND g.name = $2
    ORDER BY o.id`,
    [principal.userId, administrators],
  );
  if (rows.length > 0) {
    return { organizationIds: rows.map(({ id }) => id) } as unknown as AdminScope;
  }
  throw new LockstepError(
    "permission_denied",
    `Only staff and members of ${administrators} may do this. Ask one of them.`,
  );
}

/** @throws LockstepError `permission_denied` unless the scope is everything */
export function requireAll(scope: AdminScope): void {
  if ("all" in scope) return;
  throw new LockstepError("permission_denied", "Only staff may do this. Ask one of them.");
}

/** Whether the organization is administered. */
export function administers(scope: AdminScope, organizationId: number): boolean {
  return "all" in scope || scope.organizationIds.includes(organizationId);
}

/**
 * Another's organization and one that does not exist are told in the same words.
 *
 * @throws LockstepError `not_found`
 */
export function requireOrganization(scope: AdminScope, organizationId: number): void {
  if (!administers(scope, organizationId)) throw notFound("organization", organizationId);
}

/** A boolean SQL expression: the organization whose id `sql` gives is administered. Never NULL. */
export function organizationIn(
  scope: AdminScope,
  sql: string,
  addParam: (value: unknown) => string,
): string {
  if ("all" in scope) return "TRUE";
  return `coalesce(${sql} = ANY (${addParam(scope.organizationIds)}::int[]), FALSE)`;
}

/**
 * A boolean SQL expression: the user whose id `sql` gives may be seen, as a member of an
 * administered organization.
 */
export function userVisibleIn(
  scope: AdminScope,
  sql: string,
  addParam: (value: unknown) => string,
): string {
  if ("all" in scope) return "TRUE";
  return `EXISTS (
    SELECT FROM lockstep.user_organization visible
    WHERE visible.user_id = ${sql}
      AND visible.organization_id = ANY (${addParam(scope.organizationIds)}::int[]))`;
}

/**
 * A boolean SQL expression: the user whose id `sql` gives may be edited. That is one who is neither
 * staff nor superuser, and whose every membership is in an administered organization.
 */
export function userEditableIn(
  scope: AdminScope,
  sql: string,
  addParam: (value: unknown) => string,
): string {
  if ("all" in scope) return "TRUE";
  return `(${userVisibleIn(scope, sql, addParam)}
    AND NOT EXISTS (
      SELECT FROM lockstep.user_organization other
      WHERE other.user_id = ${sql}
        AND other.organization_id <> ALL (${addParam(scope.organizationIds)}::int[]))
    AND NOT EXISTS (
      SELECT FROM lockstep.app_user high
      WHERE high.id = ${sql} AND (high.is_staff OR high.is_superuser)))`;
}

/** The error for something that is not there, or not for the caller to know of. */
export function notFound(what: string, id: number | string): LockstepError {
  return new LockstepError("not_found", `There is no ${what} ${String(id).slice(0, 100)}.`);
}
