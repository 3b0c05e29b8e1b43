import type { RouteConfig } from "fresh";
import { z } from "zod";
import { resetPassword } from "../../../../../lib/access/mod.ts";
import { adminHandlers, define, idParams, operation } from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Set a user's password",
    description: "By the password policy. Ends all tokens and sessions of the user, except the " +
      "session that the request comes from.",
    tag: "Users",
    access: "administrators",
    params: idParams,
    body: z.strictObject({ password: z.string().max(1000) }),
    status: 204,
    run: ({ change, scope, principal, params, body, settings }) =>
      change((tx) =>
        resetPassword(tx, scope, params.id, {
          password: body.password,
          keepSession: principal.sessionId,
        }, settings.SECURITY)
      ),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/users/:id/password{/}?" };

export const handler = define.handlers(adminHandlers(operations));
