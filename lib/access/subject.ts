import type { Connection } from "../db/mod.ts";
import { type AdminScope, notFound, organizationIn, userVisibleIn } from "./admin_scope.ts";
import type { Membership, Principal } from "./principal.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

/** Somebody whose rights an administrator looks at. */
export interface Subject {
  principal: Principal;
  membership: Membership;
  /** Sentences on why the rights may not count at present. */
  notes: string[];
}

/**
 * The user in the organization, each by id or by name (username, slug), active or not.
 *
 * @throws LockstepError `not_found` for those that `scope` does not hold
 */
export async function findSubject(
  conn: Connection,
  scope: AdminScope,
  user: string,
  organization: string,
): Promise<Subject> {
  const userParams: unknown[] = [user];
  const [userRow] = await conn.query<UserRow & { is_active: boolean }>(
    `SELECT ${userColumns}, u.is_active FROM lockstep.app_user u
    WHERE (u.id::text = $1::text OR lower(u.username) = lower($1::text))
      AND ${userVisibleIn(scope, "u.id", (value) => `$${userParams.push(value)}`)}
    ORDER BY u.id::text = $1::text DESC LIMIT 1`,
    userParams,
  );
  if (!userRow) throw notFound("user", user);
  const organizationParams: unknown[] = [organization, userRow.id];
  const [place] = await conn.query<Membership & { is_active: boolean }>(
    `SELECT json_build_object('id', o.id, 'name', o.name, 'slug', o.slug) AS organization,
      o.is_active,
      coalesce((SELECT json_agg(json_build_object('id', g.id, 'name', g.name) ORDER BY m.id)
        FROM lockstep.user_organization m JOIN lockstep.auth_group g ON g.id = m.group_id
        WHERE m.user_id = $2::int AND m.organization_id = o.id AND m.is_active), '[]') AS groups
    FROM lockstep.organization o
    WHERE (o.id::text = $1::text OR o.slug = $1::text)
      AND ${organizationIn(scope, "o.id", (value) => `$${organizationParams.push(value)}`)}
    ORDER BY o.id::text = $1::text DESC LIMIT 1`,
    organizationParams,
  );
  if (!place) throw notFound("organization", organization);
  const notes = [];
  if (!userRow.is_active) notes.push(`${userRow.username} is disabled and cannot sign in.`);
  if (!place.is_active) {
    notes.push(`The organization ${place.organization.name} is not active: nobody can sync there.`);
  }
  const { organization: found, groups } = place;
  return {
    principal: principalOf(userRow),
    membership: { organization: found, groups },
    notes,
  };
}
