import type { Context } from "fresh";
import { parse, serialize } from "hono/utils/cookie";
import {
  type AdminScope,
  adminScope,
  mayAdminister,
  type Membership,
  membershipIn,
  membershipsOf,
  type Principal,
} from "../access/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { define, type State } from "./define.ts";
import { isSecure } from "./request_origin.ts";

/** Who administers what, for the pages of the admin. */
export interface AdminVisit {
  user: Principal;
  scope: AdminScope;
  /** The organizations to choose from, by name. */
  organizations: Membership["organization"][];
  /** There are others, too many to list. */
  hasMore: boolean;
  /** The one that is chosen; undefined for all of them. */
  organization?: Membership["organization"];
}

/** What there is to choose from in a form. */
export type OrganizationChoices = Pick<AdminVisit, "organizations" | "hasMore">;

export function organizationChoices(
  { organizations, hasMore }: AdminVisit,
): OrganizationChoices {
  return { organizations, hasMore };
}

/**
 * The organization that everything on the pages is of: the one that is chosen, or the only one;
 * undefined where rows of several are shown together.
 */
export function onlyOrganization(
  { organization, organizations }: AdminVisit,
): AdminVisit["organization"] {
  return organization ?? (organizations.length === 1 ? organizations[0] : undefined);
}

/** More organizations than these are not listed, but searched. */
const mostListed = 100;

const organizationCookie = "lockstep_organization";

/**
 * Lets those in who administer something: `ctx.state.admin`. Others are sent to sign in, or are told
 * why not. `?organization=slug` chooses the organization that the pages are about, until another is
 * chosen; without a slug, all.
 *
 * @throws LockstepError `permission_denied`; `unauthorized` for a socket
 */
export const adminVisit = define.middleware(async (ctx) => {
  const { user } = ctx.state;
  if (!user) {
    // A socket cannot follow a redirect.
    if (ctx.req.headers.has("Upgrade")) throw new LockstepError("unauthorized", "Sign in first.");
    const { pathname, search } = ctx.url;
    const reading = ctx.req.method === "GET" || ctx.req.method === "HEAD";
    const next = reading ? `?next=${encodeURIComponent(pathname + search)}` : "";
    return ctx.redirect(`/login${next}`, 303);
  }
  const { db } = ctx.state.services;
  const scope = await adminScope(db, user);
  const organizations = (await membershipsOf(db, user, mostListed + 1))
    .filter((membership) => mayAdminister(user, membership))
    .map(({ organization }) => organization);
  const hasMore = "all" in scope && organizations.length > mostListed;
  const chosen = ctx.url.searchParams.get("organization");
  ctx.state.admin = { user, scope, organizations, hasMore };
  ctx.state.admin.organization = await choose(ctx);

  const response = await ctx.next();
  if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
  if (chosen !== null) response.headers.append("Set-Cookie", remember(ctx, chosen));
  return response;
});

/** The organization with that slug, if it is active and the visitor administers it. */
export async function administeredOrganization(
  { services: { db }, admin }: State,
  slug: string,
): Promise<AdminVisit["organization"]> {
  const { user, organizations, hasMore } = admin!;
  const listed = organizations.find((organization) => organization.slug === slug);
  if (listed || !hasMore) return listed;
  return (await membershipIn(db, user, slug))?.organization;
}

async function choose(ctx: Context<State>): Promise<AdminVisit["organization"]> {
  const named = ctx.url.searchParams.get("organization");
  const slug = named ??
    parse(ctx.req.headers.get("Cookie") ?? "", organizationCookie)[organizationCookie];
  if (!slug) return;
  const found = await administeredOrganization(ctx.state, slug);
  // What a cookie remembers may be gone; what an address names should be there.
  if (found || named === null) return found;
  throw new LockstepError(
    "permission_denied",
    `You do not administer an organization ${JSON.stringify(slug.slice(0, 50))}.`,
  );
}

function remember(ctx: Context<State>, slug: string): string {
  return serialize(organizationCookie, slug, {
    httpOnly: true,
    sameSite: "Lax",
    path: "/admin",
    secure: isSecure(ctx),
    maxAge: slug === "" ? 0 : 365 * 86_400,
  });
}
