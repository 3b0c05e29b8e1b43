import { LockstepError } from "../errors/mod.ts";

/**
 * Upgrades a request of the collaboration sockets. A page of another site cannot open one with the
 * visitor's cookie: browsers always name the page's origin.
 *
 * @param origins Origins that are ours besides the request's own host, such as the public one
 *   behind a proxy.
 * @param idleTimeout Seconds without a sign of life, answered pings included, after which the
 *   socket is closed: a half-open one keeps its lock no longer.
 * @throws LockstepError `bad_request` without an upgrade, `permission_denied` for a foreign origin.
 */
export function upgradeCollabSocket(
  request: Request,
  origins: readonly string[] = [],
  idleTimeout = 30,
): { socket: WebSocket; response: Response } {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new LockstepError(
      "bad_request",
      "This address takes WebSocket connections alone; send the header Upgrade: websocket.",
    );
  }
  const origin = request.headers.get("origin");
  if (origin === null || !(origins.includes(origin) || hostOf(origin) === requestHost(request))) {
    throw new LockstepError(
      "permission_denied",
      "The Origin header must name the site that this server serves.",
    );
  }
  return Deno.upgradeWebSocket(request, { idleTimeout });
}

function requestHost(request: Request): string {
  return request.headers.get("host") ?? new URL(request.url).host;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
