import { type AdminScope, requireOrganization, type Tenant } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";

/**
 * The reach of somebody who administers `scope` and looks at these organizations. Shared models are
 * for those who administer everything.
 *
 * @throws LockstepError `not_found` when one of them is not administered
 */
export function recordReach(scope: AdminScope, organizationIds: readonly number[]): Tenant {
  for (const id of organizationIds) requireOrganization(scope, id);
  return { organizationIds, shared: "all" in scope } as Tenant;
}

/** The reach of somebody over everything that `scope` administers, of staff also what is inactive. */
export async function scopeReach(
  conn: Connection,
  scope: AdminScope,
  { inactive }: { inactive: boolean },
): Promise<Tenant> {
  if (!("all" in scope)) return recordReach(scope, scope.organizationIds);
  const rows = await conn.query<{ id: number }>(
    "SELECT id FROM lockstep.organization WHERE is_active OR $1",
    [inactive],
  );
  return recordReach(scope, rows.map(({ id }) => id));
}

/**
 * The part of `reach` that is one organization's, or for null, shared rows alone.
 *
 * @throws LockstepError `not_found` when the organization is not within it
 */
export function reachOfOne(reach: Tenant, organizationId: number | null): Tenant {
  if (organizationId === null) return { ...reach, organizationIds: [] };
  if (reach.organizationIds.includes(organizationId)) {
    return { ...reach, organizationIds: [organizationId] };
  }
  throw new LockstepError("not_found", `There is no organization ${organizationId}.`);
}
