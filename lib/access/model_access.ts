import type { Connection } from "../db/mod.ts";
import type { Catalog, ModelName } from "../models/mod.ts";
import {
  accessOf,
  type Grant,
  type GrantRow,
  grantsOf,
  type ModelAccess,
  variableValues,
} from "./grants.ts";
import type { Membership, Principal } from "./principal.ts";
import { everything } from "./scope.ts";

/**
 * What `principal` may push and pull in the organization of `membership`: the union over their
 * groups there, each group's rows limited by its permission's filters and its active data filters.
 * A superuser may everything. It says nothing of whether a model takes part in the sync.
 */
export async function modelAccess(
  conn: Connection,
  principal: Principal,
  membership: Membership,
  catalog: Catalog,
): Promise<Map<ModelName, ModelAccess>> {
  if (principal.isSuperuser) {
    return new Map(
      catalog.models.map(({ name }) => [name, { push: everything, pull: everything }]),
    );
  }
  const access = new Map<ModelName, ModelAccess>();
  for (const [name, grants] of await modelGrants(conn, principal, membership, catalog)) {
    access.set(name, accessOf(grants));
  }
  return access;
}

/** Permissions, and the active data filters of the same groups, in one statement. */
const grantsStatement = `
  WITH member AS (
    SELECT g.id, g.name
    FROM lockstep.user_organization m
    JOIN lockstep.auth_group g ON g.id = m.group_id
    JOIN lockstep.app_user u ON u.id = m.user_id
    JOIN lockstep.organization o ON o.id = m.organization_id
    WHERE m.user_id = $1 AND m.organization_id = $2
      AND m.is_active AND u.is_active AND o.is_active
  )
  SELECT member.id AS group_id, member.name AS group_name, p.model_name, p.can_push, p.can_pull,
    p.filters, NULL AS filter_name
  FROM member
  JOIN lockstep.model_permission p ON p.group_id = member.id AND p.organization_id = $2
  WHERE p.can_push OR p.can_pull
  UNION ALL
  SELECT member.id, member.name, f.model_name, false, false, f.filter_condition, f.filter_name
  FROM member
  JOIN lockstep.data_filter f ON f.group_id = member.id AND f.organization_id = $2
  WHERE f.is_active
  ORDER BY group_id, filter_name`;

/** The grants behind `modelAccess`, group by group, for those who ask why. */
export async function modelGrants(
  conn: Connection,
  principal: Principal,
  membership: Membership,
  catalog: Catalog,
): Promise<Map<ModelName, Grant[]>> {
  const rows = await conn.query<GrantRow>(grantsStatement, [
    principal.userId,
    membership.organization.id,
  ]);
  return grantsOf(rows, variableValues(principal, membership), catalog);
}
