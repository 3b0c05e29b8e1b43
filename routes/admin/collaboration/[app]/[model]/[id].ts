import type { RouteConfig } from "fresh";
import { recordRoom } from "../../../../../lib/protocol/mod.ts";
import { collabSocket, define } from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = {
  routeOverride: "/admin/collaboration/:app/:model/:id{/}?",
};

/** The room of a record: lock, presence and attention, in django-admin-collaborator's messages and ours. */
export const handler = define.handlers({
  async GET(ctx) {
    const { app, model, id } = ctx.params;
    const { socket, response, identity } = await collabSocket(ctx);
    ctx.state.services.collab.attachRecord(socket, identity, { room: recordRoom(app, model, id) });
    return response;
  },
});
