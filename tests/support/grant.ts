import type { Database } from "../../lib/db/mod.ts";

export interface Rights {
  push?: boolean;
  pull?: boolean;
  filters?: unknown;
}

/** Gives a group rights on a model of an organization, in place of those that it had. */
export async function grant(
  db: Database,
  organization: string,
  group: string,
  model: string,
  { push = false, pull = false, filters = null }: Rights,
): Promise<void> {
  await db.query(
    `INSERT INTO lockstep.model_permission
       (organization_id, group_id, model_name, can_push, can_pull, filters)
     SELECT o.id, g.id, $3, $4, $5, $6::text::jsonb
     FROM lockstep.organization o, lockstep.auth_group g
     WHERE o.slug = $1 AND g.name = $2
     ON CONFLICT (organization_id, group_id, model_name)
       DO UPDATE SET can_push = $4, can_pull = $5, filters = $6::text::jsonb`,
    [organization, group, model, push, pull, filters && JSON.stringify(filters)],
  );
}
