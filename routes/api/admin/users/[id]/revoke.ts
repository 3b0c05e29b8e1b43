import type { RouteConfig } from "fresh";
import {
  lockEditableUser,
  revokeAllTokens,
  revokeSessions,
} from "../../../../../lib/access/mod.ts";
import { adminHandlers, define, idParams, operation } from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Revoke all tokens and sessions of a user",
    tag: "Users",
    access: "administrators",
    params: idParams,
    status: 204,
    run: ({ change, scope, params: { id } }) =>
      change(async (tx) => {
        await lockEditableUser(tx, scope, id, "*");
        await revokeAllTokens(tx, id);
        await revokeSessions(tx, id);
      }),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/users/:id/revoke{/}?" };

export const handler = define.handlers(adminHandlers(operations));
