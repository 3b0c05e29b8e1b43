import type { Context } from "fresh";
import { type CollabIdentity, upgradeCollabSocket } from "../collab/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { pageRoom } from "../protocol/mod.ts";
import { type NamedRecord, recordAt } from "./collab_records.ts";
import type { State } from "./define.ts";
import { recordsPath } from "./page_records.ts";
import { requestOrigin } from "./request_origin.ts";

interface Upgraded {
  socket: WebSocket;
  response: Response;
  identity: CollabIdentity;
}

/**
 * Upgrades a request for the room of a record that the visitor may see.
 *
 * @throws LockstepError `unauthorized`, `permission_denied`, `not_found`
 */
export async function recordSocket(ctx: Context<State>): Promise<Upgraded & NamedRecord> {
  const named = await recordAt(ctx, ctx.url.pathname);
  if (!named) throw new LockstepError("not_found", "There is no such record to edit together.");
  return { ...named, ...await upgraded(ctx, named) };
}

/**
 * Upgrades a request for the chat of a page. Who is not staff says in `?page=` which record's page it
 * is: the room's name does not tell.
 *
 * @throws LockstepError `unauthorized`, `permission_denied`, `not_found`
 */
export async function chatSocket(ctx: Context<State>): Promise<Upgraded & { room: string }> {
  const room = pageRoom(ctx.params.path);
  if ("all" in ctx.state.admin!.scope) return { room, ...await upgraded(ctx) };
  const page = ctx.url.searchParams.get("page") ?? "";
  const named = page.startsWith(`${recordsPath}/`) && pageRoom(page) === room
    ? await recordAt(ctx, page)
    : undefined;
  if (!named) throw new LockstepError("not_found", "There is no such page to chat on.");
  return { room, ...await upgraded(ctx, named) };
}

async function upgraded(ctx: Context<State>, record?: NamedRecord): Promise<Upgraded> {
  const { services, admin } = ctx.state;
  const { user, scope } = admin!;
  const { COLLABORATION } = await services.settings.current();
  const [row] = await services.db.query<{ avatar_url: string | null }>(
    "SELECT avatar_url FROM lockstep.app_user WHERE id = $1",
    [user.userId],
  );
  const isStaff = "all" in scope;
  const identity: CollabIdentity = {
    userId: user.userId,
    username: user.username,
    email: user.email,
    avatarUrl: COLLABORATION.AVATAR_FIELD ? row?.avatar_url ?? null : null,
    canEdit: true,
    canForce: isStaff,
    sessionId: user.sessionId,
    record: isStaff || !record ? undefined : { model: record.model.name, key: record.stored.key },
  };
  return { ...upgradeCollabSocket(ctx.req, [requestOrigin(ctx)]), identity };
}
