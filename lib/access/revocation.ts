import type { Connection, Transaction } from "../db/mod.ts";
import type { Principal } from "./principal.ts";
import { revokeFamily } from "./refresh_tokens.ts";
import type { Security } from "./security.ts";

/** Revokes the access token that `principal` came with, and the refresh tokens that belong to it. */
export async function revokeToken(
  conn: Connection,
  principal: Principal,
  security: Security,
): Promise<void> {
  const { userId, tokenId, tokenFamily, expiresAt } = principal;
  if (tokenFamily) await revokeFamily(conn, userId, tokenFamily, security);
  if (!tokenId || !expiresAt) return;
  await conn.execute(
    `INSERT INTO lockstep.revoked_token (token_id, user_id, expires_at)
    VALUES ($1, $2, $3::timestamptz + make_interval(secs => $4::int))
    ON CONFLICT (token_id) DO NOTHING`,
    [tokenId, userId, expiresAt.toISOString(), security.CLOCK_SKEW_SECONDS],
  );
}

/** Revokes every access and refresh token of a user. Sessions are ended by `revokeSessions`. */
export async function revokeAllTokens(tx: Transaction, userId: number): Promise<void> {
  // The user first: whoever is refreshing holds a lock there, and the new token is seen after it.
  await tx.execute(
    "UPDATE lockstep.app_user SET token_generation = token_generation + 1 WHERE id = $1",
    [userId],
  );
  await tx.execute(
    `UPDATE lockstep.refresh_token SET revoked_at = clock_timestamp()
    WHERE user_id = $1 AND revoked_at IS NULL`,
    [userId],
  );
}

/**
 * Deletes refresh tokens and revocations whose time is over. A used or revoked refresh token stays
 * until then, so that its reuse is noticed. Resolves to how many.
 */
export async function purgeTokens(conn: Connection, security: Security): Promise<number> {
  const [{ count }] = await conn.query<{ count: number }>(
    `WITH refresh AS (
      DELETE FROM lockstep.refresh_token WHERE expires_at < now() RETURNING 1
    ), revoked AS (
      DELETE FROM lockstep.revoked_token
      WHERE expires_at < now() - make_interval(secs => $1::int) RETURNING 1
    )
    SELECT ((SELECT count(*) FROM refresh) + (SELECT count(*) FROM revoked))::int AS count`,
    [security.CLOCK_SKEW_SECONDS],
  );
  return count;
}
