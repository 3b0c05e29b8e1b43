import type { Connection, Database, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { secretHash } from "./secrets.ts";
import type { Security } from "./security.ts";
import type { TokenKeys } from "./token_keys.ts";
import { issueTokens, type TokenAnswer } from "./tokens.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

/** Seconds in which a refresh token may be sent again by a client that did not get the answer. */
const grace = 10;

/** First key of the advisory lock on a family; the second is its hash. */
const familyLock = 0x10c5c;

interface RefreshRow extends UserRow {
  family: string;
  organization_id: number | null;
  device: string;
  is_active: boolean;
  is_expired: boolean;
  is_revoked: boolean;
  is_used: boolean;
  may_retry: boolean;
}

/**
 * Exchanges a refresh token for a new pair. Each is good for one exchange; one that comes back
 * later was copied, and since nobody knows who holds the copy, all tokens of its family are revoked,
 * access tokens included (RFC 9700, section 4.14.2).
 *
 * A phone that loses the answer sends the same token again. Within 10 seconds, and while nothing
 * that came of it was used, it gets another pair, and the pair that was lost is revoked: there is
 * never more than one living token in a family, so that a copy is still found out.
 *
 * @throws LockstepError `unauthorized`, `token_expired` or `token_revoked`
 */
export async function refreshTokens(
  db: Database,
  keys: TokenKeys,
  refreshToken: string,
  security: Security,
): Promise<TokenAnswer> {
  // A revocation has to stay, so it is no error inside of the transaction.
  const answer = await db.transaction({}, (tx) => exchange(tx, keys, refreshToken, security));
  if (answer instanceof LockstepError) throw answer;
  return answer;
}

async function exchange(
  tx: Transaction,
  keys: TokenKeys,
  refreshToken: string,
  security: Security,
): Promise<TokenAnswer | LockstepError> {
  const hash = secretHash(refreshToken);
  // The lock on the user makes this wait for a revocation of all tokens, and that for this.
  const [known] = await tx.query<{ family: string }>(
    `SELECT r.family
    FROM lockstep.refresh_token r
    JOIN lockstep.app_user u ON u.id = r.user_id
    WHERE r.token_hash = $1
    FOR SHARE OF u`,
    [hash],
  );
  if (!known) {
    return new LockstepError(
      "unauthorized",
      "The refresh token is not one that this server gave out. Sign in again.",
    );
  }
  await tx.query("SELECT pg_advisory_xact_lock($1::int, hashtext($2))", [familyLock, known.family]);
  const [row] = await tx.query<RefreshRow>(
    `SELECT ${userColumns}, u.is_active, r.family, r.organization_id, r.device,
      r.expires_at <= clock_timestamp() AS is_expired,
      r.revoked_at IS NOT NULL AS is_revoked,
      r.used_at IS NOT NULL AS is_used,
      coalesce(r.used_at > clock_timestamp() - make_interval(secs => ${grace}), false)
        AND NOT EXISTS (
          SELECT 1 FROM lockstep.refresh_token later
          WHERE later.family = r.family AND later.used_at > r.used_at
        ) AS may_retry
    FROM lockstep.refresh_token r
    JOIN lockstep.app_user u ON u.id = r.user_id
    WHERE r.token_hash = $1`,
    [hash],
  );
  if (!row) return revokedError();
  if (row.is_revoked || (row.is_used && !row.may_retry)) {
    await revokeFamily(tx, row.id, row.family, security);
    return revokedError();
  }
  if (!row.is_active) return revokedError();
  if (row.is_expired) {
    return new LockstepError("token_expired", "The refresh token has expired. Sign in again.");
  }
  await tx.execute(
    row.is_used
      ? `UPDATE lockstep.refresh_token SET revoked_at = clock_timestamp()
        WHERE family = $1 AND used_at IS NULL AND revoked_at IS NULL`
      : `UPDATE lockstep.refresh_token SET used_at = clock_timestamp()
        WHERE family = $1 AND used_at IS NULL AND revoked_at IS NULL`,
    [row.family],
  );
  return await issueTokens(tx, keys, principalOf(row), {
    family: row.family,
    organizationId: row.organization_id,
    device: row.device,
  }, security);
}

function revokedError(): LockstepError {
  return new LockstepError(
    "token_revoked",
    "The refresh token was used before or revoked. Sign in again.",
  );
}

/** Revokes a refresh token with all of its family. One that is not known is as good as revoked. */
export async function revokeRefreshToken(
  conn: Connection,
  refreshToken: string,
  security: Security,
): Promise<void> {
  const [known] = await conn.query<{ family: string; user_id: number }>(
    "SELECT family, user_id FROM lockstep.refresh_token WHERE token_hash = $1",
    [secretHash(refreshToken)],
  );
  if (known) await revokeFamily(conn, known.user_id, known.family, security);
}

/** Revokes the refresh tokens of a family, and the access tokens that were given out with them. */
export async function revokeFamily(
  conn: Connection,
  userId: number,
  family: string,
  security: Security,
): Promise<void> {
  await conn.execute(
    `WITH revoked AS (
      UPDATE lockstep.refresh_token SET revoked_at = clock_timestamp()
      WHERE family = $1::uuid AND user_id = $2 AND revoked_at IS NULL
    )
    INSERT INTO lockstep.revoked_token (token_id, user_id, expires_at)
    VALUES ($1::uuid, $2,
      clock_timestamp() + make_interval(mins => $3::int, secs => $4::int))
    ON CONFLICT (token_id) DO UPDATE
      SET expires_at = greatest(revoked_token.expires_at, excluded.expires_at)`,
    [family, userId, security.ACCESS_TOKEN_MINUTES, security.CLOCK_SKEW_SECONDS],
  );
}

/** One login's tokens, as their owner sees them in a list. */
export interface TokenFamily {
  family: string;
  device: string;
  /** Slug of the organization that the tokens were asked for. */
  organization: string | null;
  createdAt: Date;
  refreshedAt: Date;
  expiresAt: Date;
}

/** The user's families of tokens that can still be refreshed, the last refreshed first. */
export async function listTokens(conn: Connection, userId: number): Promise<TokenFamily[]> {
  return await conn.query<TokenFamily>(
    `SELECT r.family, max(r.device) AS device, max(o.slug) AS organization,
      min(r.created_at) AS "createdAt", max(r.created_at) AS "refreshedAt",
      max(r.expires_at) AS "expiresAt"
    FROM lockstep.refresh_token r
    LEFT JOIN lockstep.organization o ON o.id = r.organization_id
    WHERE r.user_id = $1
    GROUP BY r.family
    HAVING bool_or(r.used_at IS NULL AND r.revoked_at IS NULL AND r.expires_at > now())
    ORDER BY max(r.created_at) DESC, r.family`,
    [userId],
  );
}
