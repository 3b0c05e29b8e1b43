import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Principal } from "./principal.ts";
import { randomSecret, secretHash } from "./secrets.ts";
import type { Security } from "./security.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

/** A browser session as its owner sees it in a list. */
export interface Session {
  id: string;
  address: string;
  userAgent: string;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
}

/**
 * Starts a session of somebody who has just signed in. `token` is the cookie's value and is not
 * kept; only its hash is.
 *
 * @throws LockstepError `unauthorized` when the user was disabled or changed the password meanwhile
 */
export async function createSession(
  conn: Connection,
  principal: Principal,
  client: { address: string; userAgent: string },
  security: Security,
): Promise<{ token: string; expiresAt: Date }> {
  const token = randomSecret();
  const [session] = await conn.query<{ expires_at: Date }>(
    `INSERT INTO lockstep.session (token_hash, user_id, address, user_agent, expires_at)
    SELECT $1, id, $3, $4, now() + make_interval(hours => $5::int)
    FROM lockstep.app_user
    WHERE id = $2 AND is_active AND ($6::int IS NULL OR token_generation = $6::int)
    FOR SHARE
    RETURNING expires_at`,
    [
      secretHash(token),
      principal.userId,
      client.address,
      client.userAgent.toWellFormed().replaceAll("\0", "").slice(0, 500),
      security.SESSION_ABSOLUTE_HOURS,
      principal.tokenGeneration ?? null,
    ],
  );
  if (!session) {
    throw new LockstepError(
      "unauthorized",
      "The user is not active, or the password was changed meanwhile. Sign in again.",
    );
  }
  return { token, expiresAt: session.expires_at };
}

/**
 * Whose session the cookie's value is, or undefined when it has ended. Notes that the session was
 * seen, at most once a minute.
 */
export async function sessionPrincipal(
  conn: Connection,
  token: string,
  security: Security,
): Promise<Principal | undefined> {
  const [row] = await conn.query<
    UserRow & { session_id: string; expires_at: Date; stale: boolean }
  >(
    `SELECT ${userColumns}, s.id AS session_id, s.expires_at,
      s.last_seen_at < now() - interval '1 minute' AS stale
    FROM lockstep.session s
    JOIN lockstep.app_user u ON u.id = s.user_id
    WHERE s.token_hash = $1 AND u.is_active AND s.expires_at > now()
      AND s.last_seen_at > now() - make_interval(mins => $2::int)`,
    [secretHash(token), security.SESSION_IDLE_MINUTES],
  );
  if (!row) return;
  if (row.stale) {
    await conn.execute("UPDATE lockstep.session SET last_seen_at = now() WHERE id = $1", [
      row.session_id,
    ]);
  }
  return { ...principalOf(row), sessionId: row.session_id, expiresAt: row.expires_at };
}

/** The user's sessions that have not ended, the last seen first. */
export async function listSessions(
  conn: Connection,
  userId: number,
  security: Security,
): Promise<Session[]> {
  return await conn.query<Session>(
    `SELECT id, address, user_agent AS "userAgent", created_at AS "createdAt",
      last_seen_at AS "lastSeenAt", expires_at AS "expiresAt"
    FROM lockstep.session
    WHERE user_id = $1 AND expires_at > now()
      AND last_seen_at > now() - make_interval(mins => $2::int)
    ORDER BY last_seen_at DESC, id`,
    [userId, security.SESSION_IDLE_MINUTES],
  );
}

/** Ends one session of the user. Resolves to whether there was such a one. */
export async function revokeSession(
  conn: Connection,
  userId: number,
  sessionId: string,
): Promise<boolean> {
  const { count } = await conn.execute(
    "DELETE FROM lockstep.session WHERE user_id = $1 AND id::text = $2",
    [userId, sessionId],
  );
  return count > 0;
}

/** Ends all sessions of the user, except one if given. */
export async function revokeSessions(
  conn: Connection,
  userId: number,
  exceptId?: string,
): Promise<void> {
  await conn.execute(
    "DELETE FROM lockstep.session WHERE user_id = $1 AND id::text IS DISTINCT FROM $2::text",
    [userId, exceptId ?? null],
  );
}

/** Deletes sessions that have ended. Resolves to how many. */
export async function purgeSessions(conn: Connection, security: Security): Promise<number> {
  const { count } = await conn.execute(
    `DELETE FROM lockstep.session
    WHERE expires_at <= now() OR last_seen_at <= now() - make_interval(mins => $1::int)`,
    [security.SESSION_IDLE_MINUTES],
  );
  return count;
}
