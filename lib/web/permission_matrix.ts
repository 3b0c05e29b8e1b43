import { type AdminScope, requireOrganization } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import type { Catalog } from "../models/mod.ts";

interface Cell {
  id: number;
  group_id: number;
  model: string;
  push: boolean;
  pull: boolean;
  filtered: boolean;
  version: string;
}

/**
 * The rights of every group of an organization on every enabled model.
 *
 * @throws LockstepError `not_found`
 */
export async function permissionMatrix(
  conn: Connection,
  scope: AdminScope,
  catalog: Catalog,
  organizationId: number,
) {
  requireOrganization(scope, organizationId);
  const groups = await conn.query<{ id: number; name: string; members: number }>(
    `SELECT g.id, g.name, (
      SELECT count(*) FROM lockstep.user_organization m
      WHERE m.group_id = g.id AND m.organization_id = $1 AND m.is_active) AS members
    FROM lockstep.auth_group g ORDER BY g.id`,
    [organizationId],
  );
  const cells = await conn.query<Cell>(
    `SELECT p.id, p.group_id, p.model_name AS model, p.can_push AS push, p.can_pull AS pull,
      coalesce(p.filters NOT IN ('null', '{}', '[]'), false) OR EXISTS (
        SELECT FROM lockstep.data_filter f
        WHERE f.organization_id = p.organization_id AND f.group_id = p.group_id
          AND f.model_name = p.model_name AND f.is_active) AS filtered,
      p.xmin::text AS version
    FROM lockstep.model_permission p WHERE p.organization_id = $1 ORDER BY p.group_id, p.model_name`,
    [organizationId],
  );
  return {
    organization_id: organizationId,
    models: catalog.models.filter(({ enabled }) => enabled).map(
      ({ name, writable, tenantColumn }) => ({ name, writable, shared: tenantColumn === null }),
    ),
    groups,
    cells,
  };
}
