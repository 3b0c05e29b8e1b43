import * as access from "../lib/access/mod.ts";
import { defaultSettings } from "../lib/config/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import type { LockstepError } from "../lib/errors/mod.ts";

export const security = defaultSettings().SECURITY;
// Long enough for HS512 too, so that only the pinned algorithm refuses it.
export const secret = "a secret of at least thirty-two characters".repeat(2);
export const keys = new access.TokenKeys([{ kid: "a", secret }]);
export const password = "lockstep-demo";
export const address = "192.0.2.1";

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => "none", (error: LockstepError) => error.code ?? String(error));
}

/** Ann, in Managers of Acme, and her user id. */
export async function example(db: Database) {
  const organizations = await access.ensureOrganizations(db, [
    { name: "Acme Corporation", slug: "acme-corp" },
    { name: "Global Retail" },
    { name: "Closed" },
  ]);
  await db.execute("UPDATE lockstep.organization SET is_active = false WHERE slug = 'closed'");
  const groups = await access.ensureGroups(db, access.defaultGroups);
  const userId = await access.ensureUser(
    db,
    { username: "Ann", password, email: "a@x.org" },
    security,
  );
  const member = { userId, organizationId: organizations.get("acme-corp")! };
  await access.addMember(db, { ...member, groupId: groups.get("Managers")! });
  return { organizations, groups, userId };
}

export function login(db: Database, username = "Ann", given = password, from = address) {
  return access.login(db, { username, password: given, address: from }, security);
}

export async function tokensOf(db: Database) {
  return await access.tokenResponse(db, keys, await login(db), {}, security);
}

export function authenticate(db: Database, token: string, issuers: access.TokenIssuers = { keys }) {
  return access.authenticate(db, issuers, token, security);
}
