import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Membership, Principal } from "./principal.ts";

/** The group whose members administer their organization. */
export const administrators = "Administrators";

interface MembershipRow extends Membership {
  is_active: boolean;
  is_member: boolean;
}

/** Whether the user `$1` works in all organizations. */
const everywhere = `
  (SELECT u.is_staff OR u.is_superuser FROM lockstep.app_user u WHERE u.id = $1 AND u.is_active)`;

/**
 * The memberships of the user `$1` in the organizations whose ids `ids` gives. `OFFSET 0`: they are
 * few, and PostgreSQL, which cannot know that, would read all organizations instead.
 */
function membershipsStatement(ids: string): string {
  return `
  SELECT json_build_object('id', o.id, 'name', o.name, 'slug', o.slug) AS organization,
    o.is_active, own.groups, own.is_member
  FROM (${ids}) picked
  JOIN lockstep.app_user u ON u.id = $1 AND u.is_active
  CROSS JOIN LATERAL (
    SELECT * FROM lockstep.organization o WHERE o.id = picked.id OFFSET 0) o
  CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS is_member, coalesce(
      json_agg(json_build_object('id', g.id, 'name', g.name) ORDER BY m.id), '[]') AS groups
    FROM lockstep.user_organization m JOIN lockstep.auth_group g ON g.id = m.group_id
    WHERE m.user_id = u.id AND m.organization_id = o.id AND m.is_active) own
  WHERE own.is_member OR u.is_staff OR u.is_superuser
  ORDER BY o.name, o.id`;
}

const severalStatement = membershipsStatement(`
  SELECT m.organization_id AS id FROM lockstep.user_organization m
  WHERE m.user_id = $1 AND m.is_active
  UNION (
    SELECT o.id FROM lockstep.organization o WHERE o.is_active AND ${everywhere}
    ORDER BY o.name LIMIT $2::int)`);
const namedStatement = membershipsStatement("SELECT id FROM lockstep.organization WHERE slug = $2");
const numberedStatement = membershipsStatement("SELECT $2::int AS id");

/** Other organizations than one's own that are listed: there may be thousands. */
const mostOthers = 100;

/**
 * The active organizations that `principal` may work in, by name: those of which they are a member,
 * and for staff and superusers the first `others` of all.
 */
export async function membershipsOf(
  conn: Connection,
  principal: Principal,
  others = mostOthers,
): Promise<Membership[]> {
  return (await readMemberships(conn, principal, others)).map(membership);
}

/** The same of one organization, by its id or slug; undefined where `principal` may not work. */
export async function membershipIn(
  conn: Connection,
  principal: Principal,
  organization: number | string,
): Promise<Membership | undefined> {
  const row = await readMembership(conn, principal, organization);
  return row?.is_active ? membership(row) : undefined;
}

/**
 * The organization that a request works in: the one named by `slug`, or else the one that the token
 * was asked for, or else the only one that the user is a member of.
 *
 * @throws LockstepError `permission_denied` when the user has nothing to do there or it is not
 *   active, `organization_required` with slugs in `organizations` when there are several
 */
export async function resolveMembership(
  conn: Connection,
  principal: Principal,
  slug: string | undefined,
): Promise<Membership> {
  if (slug !== undefined) return named(await readMembership(conn, principal, slug), slug);
  if (principal.organizationId !== undefined) {
    const ofToken = await membershipIn(conn, principal, principal.organizationId);
    if (ofToken) return ofToken;
  }
  const active = await readMemberships(conn, principal, mostOthers);
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
      `in the member "organization": ${organizations.slice(0, 20).join(", ")}${
        organizations.length > 20 ? " and others" : ""
      }.`,
    { extra: { organizations } },
  );
}

/** Whether `principal` may administer the organization of `membership`. */
export function mayAdminister(principal: Principal, { groups }: Membership): boolean {
  return principal.isStaff || principal.isSuperuser ||
    groups.some(({ name }) => name === administrators);
}

/** Of the active organizations. */
async function readMemberships(
  conn: Connection,
  { userId }: Principal,
  others: number,
): Promise<MembershipRow[]> {
  const rows = await conn.query<MembershipRow>(severalStatement, [userId, others]);
  return rows.filter((row) => row.is_active);
}

async function readMembership(
  conn: Connection,
  { userId }: Principal,
  organization: number | string,
): Promise<MembershipRow | undefined> {
  // PostgreSQL's texts hold no NUL, so no slug does.
  if (typeof organization === "string" && organization.includes("\0")) return;
  const statement = typeof organization === "number" ? numberedStatement : namedStatement;
  const [row] = await conn.query<MembershipRow>(statement, [userId, organization]);
  return row;
}

/** An unknown organization and another's are told in the same words, so that slugs cannot be probed. */
function named(found: MembershipRow | undefined, slug: string): Membership {
  if (found?.is_active) return membership(found);
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
