import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deleteUser, updateUser } from "../../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  idParams,
  itemOf,
  itemSchema,
  operation,
  readOperation,
  userList,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(userList, "user", { summary: "Read a user", tag: "Users" }),
  PATCH: operation({
    summary: "Change or disable a user",
    description: "A user who is disabled is signed out everywhere at once. Who is not staff can " +
      "change neither staff nor users who also belong to organizations of others.",
    tag: "Users",
    access: "administrators",
    params: idParams,
    body: z.strictObject({
      username: z.string().max(150).optional(),
      email: z.string().max(254).optional(),
      first_name: z.string().max(150).optional(),
      last_name: z.string().max(150).optional(),
      avatar_url: z.string().max(10_000).nullable().optional(),
      is_active: z.boolean().optional(),
      is_staff: z.boolean().optional().describe("Staff only."),
      is_superuser: z.boolean().optional().describe("Staff only."),
    }),
    ifMatch: true,
    answer: itemSchema(userList),
    async run(call) {
      const { id } = call.params;
      const { username, email, ...rest } = call.body;
      await call.change((tx) =>
        updateUser(tx, call.scope, call.principal.userId, id, call.version, {
          username,
          email,
          firstName: rest.first_name,
          lastName: rest.last_name,
          avatarUrl: rest.avatar_url,
          isActive: rest.is_active,
          isStaff: rest.is_staff,
          isSuperuser: rest.is_superuser,
        })
      );
      return await itemOf(call, userList, "user", id);
    },
  }),
  DELETE: operation({
    summary: "Delete a user",
    description: "With their memberships, tokens and devices. To disable the user keeps the trace.",
    tag: "Users",
    access: "staff",
    params: idParams,
    ifMatch: true,
    status: 204,
    run: ({ change, scope, principal, params, version }) =>
      change((tx) => deleteUser(tx, scope, principal.userId, params.id, version)),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/users/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
