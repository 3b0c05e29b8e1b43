import type { Context } from "fresh";
import { authenticate, type Membership, type Principal, resolveMembership } from "../access/mod.ts";
import type { Settings } from "../config/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { State } from "./define.ts";

/** Who makes a request to the sync API, where, and with which device. */
export interface SyncCaller {
  principal: Principal;
  membership: Membership;
  /** Empty when the client names none. */
  device: string;
  clientVersion: string;
  settings: Settings;
}

/** Who the bearer token belongs to. */
export async function bearer(
  ctx: Context<State>,
): Promise<{ principal: Principal; settings: Settings }> {
  const { services } = ctx.state;
  const [, token] = /^Bearer +([^\s]+)$/i.exec(ctx.req.headers.get("Authorization") ?? "") ?? [];
  if (!token) {
    throw new LockstepError(
      "unauthorized",
      "Send an access token as Authorization: Bearer …; POST /api/sync/auth/token/ gives one.",
    );
  }
  const settings = await services.settings.current();
  const principal = await authenticate(services.db, services, token, settings.SECURITY);
  return { principal, settings };
}

/**
 * The caller of a sync request. The organization is the one in the body, in `X-Organization`, of the
 * token, or the only one.
 */
export async function syncCaller(
  ctx: Context<State>,
  known: { principal: Principal; settings: Settings },
  organization: string | undefined,
): Promise<SyncCaller> {
  const { db } = ctx.state.services;
  const { principal, settings } = known;
  const header = ctx.req.headers.get("X-Organization") ?? undefined;
  if (organization !== undefined && header !== undefined && organization !== header) {
    throw new LockstepError(
      "invalid_value",
      `The body names the organization ${
        JSON.stringify(organization.slice(0, 50))
      } and the header ` +
        "X-Organization another one. Name it once.",
      { errors: [{ field: "organization", message: "Differs from X-Organization." }] },
    );
  }
  const membership = await resolveMembership(db, principal, organization ?? header);
  const device = deviceName(ctx.req);
  if (device !== "") {
    const [row] = await db.query<{ revoked: boolean }>(
      `
      SELECT revoked_at IS NOT NULL AS revoked
      FROM lockstep.device
      WHERE user_id = $1 AND organization_id = $2 AND name = $3`,
      [principal.userId, membership.organization.id, device],
    );
    if (row?.revoked) {
      throw new LockstepError(
        "permission_denied",
        "This device was revoked. Ask an administrator to allow it again.",
      );
    }
  }
  const clientVersion = (ctx.req.headers.get("X-Client-Version") ??
    ctx.req.headers.get("User-Agent") ?? "").slice(0, 200);
  return { principal, membership, device, clientVersion, settings };
}

function deviceName(req: Request): string {
  const name = req.headers.get("X-Device") ?? "";
  if (name.length <= 200 && /^[\x20-\x7e]*$/.test(name)) return name.trim();
  throw new LockstepError(
    "invalid_value",
    "X-Device must be at most 200 printable ASCII characters.",
    { errors: [{ field: "X-Device", message: "Too long, or with other characters." }] },
  );
}
