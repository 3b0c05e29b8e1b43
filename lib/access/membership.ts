import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Membership, Principal } from "./principal.ts";

/** The group whose members administer their organization. */
export const administrators = "Administrators";

interface MembershipRow extends Membership {
  is_active: boolean;
  is_member: boolean;
}

/** Staff see every organization, others those that they are a member of. */
const membershipsStatement = `
  SELECT json_build_object('id', o.id, 'name', o.name, 'slug', o.slug) AS organization,
    o.is_active,
    count(g.id) > 0 AS is_member,
    coalesce(
      json_agg(json_build_object('id', g.id, 'name', g.name) ORDER BY m.id)
        FILTER (WHERE g.id IS NOT NULL),
      '[]'
    ) AS groups
  FROM lockstep.organization o
  JOIN lockstep.app_user u ON u.id = $1 AND u.is_active
  LEFT JOIN lockstep.user_organization m
    ON m.organization_id = o.id AND m.user_id = u.id AND m.is_active
  LEFT JOIN lockstep.auth_group g ON g.id = m.group_id
  GROUP BY o.id, u.id
  HAVING count(g.id) > 0 OR u.is_staff OR u.is_superuser
  ORDER BY o.name, o.id`;

/** The active organizations that `principal` may work in; for staff and superusers all. */
export async function membershipsOf(conn: Connection, principal: Principal): Promise<Membership[]> {
  return (await readMemberships(conn, principal)).filter((row) => row.is_active).map(membership);
}

/**
 * The organization that a request works in: the one named by `slug`, or else the one that the token
 * was asked for, or else the only one that the user is a member of.
 *
 * @throws LockstepError `permission_denied` when the user has nothing to do there or it is not
 *   active, `organization_required` with the slugs in `organizations` when there are several
 */
export async function resolveMembership(
  conn: Connection,
  principal: Principal,
  slug: string | undefined,
): Promise<Membership> {
  const rows = await readMemberships(conn, principal);
  if (slug !== undefined) return membership(named(rows, slug));
  const active = rows.filter((row) => row.is_active);
  const ofToken = active.find(({ organization }) => organization.id === principal.organizationId);
  if (ofToken) return membership(ofToken);
  const own = active.filter((row) => row.is_member);
  if (own.length === 1) return membership(own[0]);
  if (own.length === 0 && active.length === 1) return membership(active[0]);
  if (active.length === 0) {
    throw new LockstepError(
      "permission_denied",
      "You are not a member of any active organization. Ask an administrator to add you to one.",
    );
  }
  const organizations = active.map(({ organization }) => organization.slug);
  throw new LockstepError(
    "organization_required",
    "You may work in several organizations. Name one by its slug in the header X-Organization or " +
      `in the member "organization": ${organizations.join(", ")}.`,
    { extra: { organizations } },
  );
}

/** Whether `principal` may administer the organization of `membership`. */
export function mayAdminister(principal: Principal, { groups }: Membership): boolean {
  return principal.isStaff || principal.isSuperuser ||
    groups.some(({ name }) => name === administrators);
}

async function readMemberships(conn: Connection, { userId }: Principal): Promise<MembershipRow[]> {
  return await conn.query<MembershipRow>(membershipsStatement, [userId]);
}

/** An unknown organization and another's are told in the same words, so that slugs cannot be probed. */
function named(rows: MembershipRow[], slug: string): MembershipRow {
  const found = rows.find(({ organization }) => organization.slug === slug);
  if (found?.is_active) return found;
  const shown = JSON.stringify(slug.slice(0, 50).toWellFormed());
  throw new LockstepError(
    "permission_denied",
    found
      ? `The organization ${shown} is not active. Ask an administrator to activate it.`
      : `You are not a member of the organization ${shown}. Name one of yours by its slug.`,
  );
}

function membership({ organization, groups }: MembershipRow): Membership {
  return { organization, groups };
}
