import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { administrators, membershipsOf, resolveMembership } from "./membership.ts";
import type { Membership, Principal } from "./principal.ts";
import { randomSecret, secretHash } from "./secrets.ts";
import type { Security } from "./security.ts";
import type { TokenKeys } from "./token_keys.ts";

/** The answer of the token and refresh endpoints, as it goes over the wire. */
export interface TokenAnswer {
  token: string;
  user: { id: number; username: string; email: string };
  organizations: { id: number; name: string; slug: string; group: string; groups: string[] }[];
  refresh_token: string;
  /** When `token` expires, ISO 8601 in UTC. */
  expires_at: string;
}

/** What a new pair of tokens is for. */
export interface TokenRequest {
  /** The refresh tokens that this one continues. */
  family: string;
  organizationId: number | null;
  device: string;
}

/**
 * Gives somebody who has proved who they are a first pair of tokens.
 *
 * @param request `organization` is the slug of the one that requests with this token mean when they
 *   name none
 * @throws LockstepError `permission_denied` when the organization is none of the user's
 */
export async function tokenResponse(
  conn: Connection,
  keys: TokenKeys,
  principal: Principal,
  request: { organization?: string; device?: string },
  security: Security,
): Promise<TokenAnswer> {
  const organizationId = request.organization === undefined
    ? null
    : (await resolveMembership(conn, principal, request.organization)).organization.id;
  const device = (request.device ?? "").slice(0, 200);
  return await issueTokens(
    conn,
    keys,
    principal,
    { family: crypto.randomUUID(), organizationId, device },
    security,
  );
}

/**
 * Signs an access token and stores a refresh token of the family, unless all of the user's tokens
 * were revoked since `principal` was proved.
 */
export async function issueTokens(
  conn: Connection,
  keys: TokenKeys,
  principal: Principal,
  { family, organizationId, device }: TokenRequest,
  security: Security,
): Promise<TokenAnswer> {
  const refreshToken = randomSecret();
  const [stored] = await conn.query<{ token_generation: number }>(
    `WITH active AS (
      SELECT id, token_generation
      FROM lockstep.app_user
      WHERE id = $1 AND is_active AND ($7::int IS NULL OR token_generation = $7::int)
      FOR SHARE
    ), stored AS (
      INSERT INTO lockstep.refresh_token
        (family, user_id, organization_id, token_hash, device, created_at, expires_at)
      SELECT $2::uuid, id, $3::int, $4, $5, clock_timestamp(),
        clock_timestamp() + make_interval(days => $6::int)
      FROM active
      RETURNING user_id
    )
    SELECT token_generation FROM active JOIN stored ON user_id = id`,
    [
      principal.userId,
      family,
      organizationId,
      secretHash(refreshToken),
      device,
      security.REFRESH_TOKEN_DAYS,
      principal.tokenGeneration ?? null,
    ],
  );
  if (!stored) {
    throw new LockstepError(
      "unauthorized",
      "The user is not active, or the password was changed meanwhile. Sign in again.",
    );
  }
  const expires = new Date(Date.now() + security.ACCESS_TOKEN_MINUTES * 60_000);
  expires.setUTCMilliseconds(0);
  const token = await keys.sign({
    sub: String(principal.userId),
    jti: crypto.randomUUID(),
    gen: stored.token_generation,
    fam: family,
    username: principal.username,
    ...organizationId === null ? {} : { org: organizationId },
  }, expires);
  const memberships = await membershipsOf(conn, principal);
  return {
    token,
    user: { id: principal.userId, username: principal.username, email: principal.email },
    organizations: memberships.map((membership) => organizationOf(principal, membership)),
    refresh_token: refreshToken,
    expires_at: expires.toISOString(),
  };
}

function organizationOf(
  { isSuperuser }: Principal,
  { organization, groups }: Membership,
): TokenAnswer["organizations"][number] {
  const names = groups.map(({ name }) => name);
  // A superuser may what an administrator may, without being a member.
  if (names.length === 0 && isSuperuser) names.push(administrators);
  return { ...organization, group: names[0] ?? "", groups: names };
}
