import type { Context } from "fresh";
import { type CollabIdentity, upgradeCollabSocket } from "../collab/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { State } from "./define.ts";
import { requestOrigin } from "./request_origin.ts";

/**
 * Upgrades a request of a signed-in member of staff to a collaboration socket.
 *
 * @throws LockstepError `unauthorized` or `permission_denied`
 */
export async function collabSocket(
  ctx: Context<State>,
): Promise<{ socket: WebSocket; response: Response; identity: CollabIdentity }> {
  const { user, services } = ctx.state;
  if (!user) throw new LockstepError("unauthorized", "Sign in to edit together.");
  if (!user.isStaff && !user.isSuperuser) {
    throw new LockstepError("permission_denied", "Editing together is for staff.");
  }
  const { COLLABORATION } = await services.settings.current();
  const [row] = await services.db.query<{ avatar_url: string | null }>(
    "SELECT avatar_url FROM lockstep.app_user WHERE id = $1",
    [user.userId],
  );
  const identity: CollabIdentity = {
    userId: user.userId,
    username: user.username,
    email: user.email,
    avatarUrl: COLLABORATION.AVATAR_FIELD ? row?.avatar_url ?? null : null,
    canEdit: true,
    canForce: user.isSuperuser,
    sessionId: user.sessionId,
  };
  return { ...upgradeCollabSocket(ctx.req, [requestOrigin(ctx)]), identity };
}
