import type { Database } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { attemptSucceeded, forgetAttempt, reserveAttempt } from "./login_limits.ts";
import { hashPassword, needsRehash, verifyPassword } from "./passwords.ts";
import type { Principal } from "./principal.ts";
import type { Security } from "./security.ts";
import { normalizeUsername } from "./username.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

interface CandidateRow extends UserRow {
  password: string;
  is_active: boolean;
}

/**
 * Proves who somebody is by password. An unknown user, a wrong password and an inactive user are
 * told apart neither by the text nor by the time of the answer. A hash of another scheme is
 * replaced by one of ours.
 *
 * @param credentials `address` is the client's IP address, for the limits
 * @throws LockstepError `invalid_credentials`, or `too_many_requests` with `Retry-After`
 */
export async function login(
  db: Database,
  credentials: { username: string; password: string; address: string },
  security: Security,
): Promise<Principal> {
  const username = normalizeUsername(credentials.username);
  const attempt = await reserveAttempt(db, { ...credentials, username }, security);
  try {
    const principal = await verify(db, username, credentials.password, attempt);
    if (principal) return principal;
  } catch (error) {
    await forgetAttempt(db, attempt);
    throw error;
  }
  throw new LockstepError(
    "invalid_credentials",
    "No active user has this username and password. Check both and try again.",
  );
}

async function verify(
  db: Database,
  username: string,
  password: string,
  attempt: number,
): Promise<Principal | undefined> {
  const [user] = await db.query<CandidateRow>(
    `SELECT ${userColumns}, u.password, u.is_active
    FROM lockstep.app_user u
    WHERE lower(u.username) = lower($1)`,
    [username],
  );
  const matches = await verifyPassword(password, user?.password);
  if (!user || !matches || !user.is_active) return;
  const upgraded = needsRehash(user.password) ? await hashPassword(password) : user.password;
  const current = await db.transaction({}, async (tx) => {
    // The hash is compared again, so that a login does not undo a password change at the same time.
    const { count } = await tx.execute(
      `UPDATE lockstep.app_user SET password = $3, last_login = now()
      WHERE id = $1 AND password = $2 AND is_active`,
      [user.id, user.password, upgraded],
    );
    if (count > 0) await attemptSucceeded(tx, attempt);
    return count > 0;
  });
  return current ? principalOf(user) : undefined;
}
