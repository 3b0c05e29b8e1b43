import type { Database, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { AdminScope } from "./admin_scope.ts";
import { checkNewPassword } from "./password_policy.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";
import { revokeAllTokens } from "./revocation.ts";
import type { Security } from "./security.ts";
import { revokeSessions } from "./sessions.ts";
import { updateRow } from "./stored_row.ts";
import { lockEditableUser } from "./users.ts";

/**
 * Sets a new password and ends everything that was opened with the old one: all tokens, and all
 * sessions but `keepSession`.
 *
 * @param change `current` is the old password where the user changes it themselves; absent where
 *   an administrator sets a new one
 * @throws LockstepError `not_found`, `invalid_credentials` for a wrong `current`, `invalid_value`
 *   for a new one that the policy refuses, `conflict` when it was changed at the same time
 */
export async function changePassword(
  db: Database,
  userId: number,
  change: { current?: string; password: string; keepSession?: string },
  security: Security,
): Promise<void> {
  const [user] = await db.query<{ username: string; email: string; password: string }>(
    "SELECT username, email, password FROM lockstep.app_user WHERE id = $1",
    [userId],
  );
  if (!user) throw new LockstepError("not_found", `There is no user ${userId}.`);
  if (change.current !== undefined && !await verifyPassword(change.current, user.password)) {
    throw new LockstepError("invalid_credentials", "The current password is not right.", {
      errors: [{ field: "current", message: "The current password is not right." }],
    });
  }
  checkNewPassword(change.password, user, security.PASSWORD_MIN_LENGTH);
  const hash = await hashPassword(change.password);
  await db.transaction({}, async (tx) => {
    const { count } = await tx.execute(
      `UPDATE lockstep.app_user SET password = $2, updated_at = now()
      WHERE id = $1 AND password = $3`,
      [userId, hash, user.password],
    );
    if (count === 0) {
      throw new LockstepError(
        "conflict",
        "The password was changed by somebody else at the same time. Sign in and try again.",
      );
    }
    await revokeAllTokens(tx, userId);
    await revokeSessions(tx, userId, change.keepSession);
  });
}

/**
 * Sets the password of a user whom `scope` may edit, and ends everything that was opened with the old
 * one: all tokens, and all sessions but `keepSession`.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `invalid_value` for one that the policy
 *   refuses
 */
export async function resetPassword(
  tx: Transaction,
  scope: AdminScope,
  userId: number,
  change: { password: string; keepSession?: string },
  security: Security,
): Promise<void> {
  const user = await lockEditableUser(tx, scope, userId, "*");
  checkNewPassword(change.password, user, security.PASSWORD_MIN_LENGTH);
  await updateRow(tx, "app_user", userId, { password: await hashPassword(change.password) });
  await revokeAllTokens(tx, userId);
  await revokeSessions(tx, userId, change.keepSession);
}
