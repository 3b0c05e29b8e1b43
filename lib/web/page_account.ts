import { mayAdminister, type Membership, type Principal } from "../access/mod.ts";

/** Where somebody starts after signing in: the admin for those who may enter it. */
export function startPage(principal: Principal, memberships: Membership[]): string {
  return mayEnterAdmin(principal, memberships) ? "/admin" : "/";
}

/** Staff administer everything, members of Administrators their own organizations. */
export function mayEnterAdmin(principal: Principal, memberships: Membership[]): boolean {
  return principal.isStaff || principal.isSuperuser ||
    memberships.some((membership) => mayAdminister(principal, membership));
}
