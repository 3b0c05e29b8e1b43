import type { RouteConfig } from "fresh";
import { notFound, revokeSession } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  operation,
  readItem,
  sessionList,
  uuidParams,
} from "../../../../lib/web/mod.ts";

export const operations = {
  DELETE: operation({
    summary: "End a browser session",
    tag: "Sessions",
    access: "administrators",
    params: uuidParams,
    status: 204,
    run: ({ change, scope, params: { id } }) =>
      change(async (tx) => {
        const item = await readItem(tx, scope, sessionList, id);
        if (!item) throw notFound("session", id);
        await revokeSession(tx, item.user_id as number, id);
      }),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/sessions/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
