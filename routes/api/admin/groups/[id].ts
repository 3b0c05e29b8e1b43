import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deleteGroup, updateGroup } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  groupList,
  idParams,
  itemOf,
  itemSchema,
  operation,
  readOperation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(groupList, "group", { summary: "Read a group", tag: "Groups" }),
  PATCH: operation({
    summary: "Change a group",
    tag: "Groups",
    access: "staff",
    params: idParams,
    body: z.strictObject({
      name: z.string().max(150).optional(),
      description: z.string().max(10_000).optional(),
    }),
    ifMatch: true,
    answer: itemSchema(groupList),
    async run(call) {
      const { id } = call.params;
      await call.change((tx) => updateGroup(tx, call.scope, id, call.version, call.body));
      return await itemOf(call, groupList, "group", id);
    },
  }),
  DELETE: operation({
    summary: "Delete a group",
    description: "With its memberships, permissions and filters in every organization.",
    tag: "Groups",
    access: "staff",
    params: idParams,
    ifMatch: true,
    status: 204,
    run: ({ change, scope, params, version }) =>
      change((tx) => deleteGroup(tx, scope, params.id, version)),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/groups/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
