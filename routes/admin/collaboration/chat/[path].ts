import type { RouteConfig } from "fresh";
import { chatSocket, define } from "../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/collaboration/chat/:path{/}?" };

/** The chat of a page between the people who have it open. */
export const handler = define.handlers({
  async GET(ctx) {
    const { socket, response, identity, room } = await chatSocket(ctx);
    ctx.state.services.collab.attachChat(socket, identity, room);
    return response;
  },
});
