import { createHash } from "node:crypto";
import { decodeJwt, errors, type JWTPayload } from "jose";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { OutsideIssuer } from "./outside_issuer.ts";
import type { Principal } from "./principal.ts";
import type { Security } from "./security.ts";
import type { TokenKeys } from "./token_keys.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

/** Whose tokens are accepted. */
export interface TokenIssuers {
  keys: TokenKeys;
  outside?: OutsideIssuer;
}

const maxTokenLength = 8_192;

/**
 * Whose access token `bearer` is: one of ours, or of the outside issuer. The signature is verified,
 * and in one query that the user is active and the token not revoked, so that revocation holds from
 * the next request on, in every process.
 *
 * @throws LockstepError `unauthorized`, `token_expired` or `token_revoked`
 */
export async function authenticate(
  conn: Connection,
  issuers: TokenIssuers,
  bearer: string,
  security: Security,
): Promise<Principal> {
  if (bearer.length > maxTokenLength) throw invalid();
  const outside = issuers.outside && issuerOf(bearer) === issuers.outside.options.issuer
    ? issuers.outside
    : undefined;
  let claims: JWTPayload;
  try {
    claims = await (outside ?? issuers.keys).verify(bearer, security.CLOCK_SKEW_SECONDS);
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    if (cause instanceof errors.JWTExpired) throw expired();
    throw invalid(cause);
  }
  return outside
    ? await outsidePrincipal(conn, claims, bearer, outside)
    : await ownPrincipal(conn, claims);
}

/** Whether a principal that a socket or stream was opened with would still be let in. */
export async function isStillValid(conn: Connection, principal: Principal): Promise<boolean> {
  if (principal.expiresAt && principal.expiresAt.getTime() <= Date.now()) return false;
  const ids = [principal.tokenId, principal.tokenFamily].filter((id) => id !== undefined);
  const [row] = await conn.query<{ valid: boolean }>(
    `SELECT ${isNotRevoked("$2")}
      AND ($3::int IS NULL OR $4::text IS NOT NULL OR u.token_generation = $3::int)
      AND ($4::text IS NULL
        OR EXISTS (SELECT 1 FROM lockstep.session s WHERE s.user_id = u.id AND s.id::text = $4::text))
      AND u.is_staff = $5::boolean AND u.is_superuser = $6::boolean AS valid
    FROM lockstep.app_user u
    WHERE u.id = $1 AND u.is_active`,
    [
      principal.userId,
      arrayOf(ids),
      principal.tokenGeneration ?? null,
      principal.sessionId ?? null,
      principal.isStaff,
      principal.isSuperuser,
    ],
  );
  return row?.valid ?? false;
}

interface TokenUserRow extends UserRow {
  is_active: boolean;
  valid: boolean;
}

const byId = `
  SELECT ${userColumns}, u.is_active, ${isNotRevoked("$2")} AS valid
  FROM lockstep.app_user u
  WHERE u.id = $1`;

async function ownPrincipal(conn: Connection, claims: JWTPayload): Promise<Principal> {
  const { sub, jti, fam, gen, org, exp } = claims;
  if (!/^[1-9]\d{0,8}$/.test(sub!) || !isUuid(jti) || (fam !== undefined && !isUuid(fam))) {
    throw invalid();
  }
  const ids = fam === undefined ? [jti] : [jti, fam];
  const [user] = await conn.query<TokenUserRow>(byId, [Number(sub), arrayOf(ids)]);
  if (!user?.is_active || !user.valid || user.token_generation !== gen) throw revoked();
  return {
    ...principalOf(user),
    tokenId: jti,
    tokenFamily: fam,
    organizationId: typeof org === "number" ? org : undefined,
    expiresAt: new Date(exp! * 1000),
  };
}

async function outsidePrincipal(
  conn: Connection,
  claims: JWTPayload,
  bearer: string,
  { options }: OutsideIssuer,
): Promise<Principal> {
  const name = claims[options.claim];
  const byEmail = options.claim === "email";
  if (typeof name !== "string" || !name || (byEmail && claims.email_verified === false)) {
    throw invalid();
  }
  const tokenId = outsideTokenId(claims, bearer);
  const users = await conn.query<TokenUserRow>(
    `SELECT ${userColumns}, u.is_active, ${isNotRevoked("$2")} AS valid
    FROM lockstep.app_user u
    WHERE lower(u.${byEmail ? "email" : "username"}) = lower($1)
    LIMIT 2`,
    [name.toWellFormed().replaceAll("\0", ""), arrayOf([tokenId])],
  );
  // E-mail addresses need not be unique here: to guess between two users would be wrong.
  if (users.length !== 1) throw invalid();
  const [user] = users;
  if (!user.is_active || !user.valid) throw revoked();
  return {
    ...principalOf(user),
    tokenId,
    expiresAt: new Date(claims.exp! * 1000),
  };
}

/** A UUID for a token whose own identity may be any text, or absent. */
function outsideTokenId({ iss, jti }: JWTPayload, bearer: string): string {
  const hex = createHash("sha256").update(jti ? `${iss}\n${jti}` : bearer).digest("hex");
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function isNotRevoked(ids: string): string {
  return `NOT EXISTS (
    SELECT 1 FROM lockstep.revoked_token r WHERE r.token_id = ANY (${ids}::text::uuid[])
  )`;
}

function arrayOf(ids: string[]): string {
  return `{${ids.join(",")}}`;
}

/** The unverified `iss`, only to choose with whose keys to verify. */
function issuerOf(bearer: string): string | undefined {
  try {
    return decodeJwt(bearer).iss;
  } catch {
    return undefined;
  }
}

function isUuid(value: unknown): value is string {
  return typeof value === "string" &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

const challenge = { headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' } };

function invalid(cause?: unknown): LockstepError {
  return new LockstepError(
    "unauthorized",
    "The token is not one that this server accepts. Get a new one from /api/sync/auth/token/.",
    { ...challenge, cause },
  );
}

function expired(): LockstepError {
  return new LockstepError(
    "token_expired",
    "The token has expired. Get a new one with the refresh token or the password.",
    challenge,
  );
}

function revoked(): LockstepError {
  return new LockstepError(
    "token_revoked",
    "The token has been revoked, or its user is not active. Sign in again.",
    challenge,
  );
}
