import type { RouteConfig } from "fresh";
import { notFound, revokeFamily } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  operation,
  readItem,
  tokenList,
  uuidParams,
} from "../../../../lib/web/mod.ts";

export const operations = {
  DELETE: operation({
    summary: "Revoke the tokens of one login",
    description: "Access and refresh tokens, at once.",
    tag: "Tokens",
    access: "administrators",
    params: uuidParams,
    status: 204,
    run: ({ change, scope, settings, params: { id } }) =>
      change(async (tx) => {
        const item = await readItem(tx, scope, tokenList, id);
        if (!item) throw notFound("token", id);
        await revokeFamily(tx, item.user_id as number, id, settings.SECURITY);
      }),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/tokens/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
