import type { RouteConfig } from "fresh";
import { pageRoom } from "../../../../lib/protocol/mod.ts";
import { collabSocket, define } from "../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/collaboration/chat/:path{/}?" };

/** The chat of a page between the people who have it open. */
export const handler = define.handlers({
  async GET(ctx) {
    const { socket, response, identity } = await collabSocket(ctx);
    ctx.state.services.collab.attachChat(socket, identity, pageRoom(ctx.params.path));
    return response;
  },
});
