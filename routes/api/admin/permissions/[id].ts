import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deletePermission, updatePermission } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  idParams,
  itemOf,
  itemSchema,
  operation,
  organizationOf,
  permissionList,
  previewSchema,
  readOperation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(permissionList, "permission", {
    summary: "Read a permission",
    tag: "Permissions",
  }),
  PATCH: operation({
    summary: "Change a permission",
    tag: "Permissions",
    access: "administrators",
    params: idParams,
    body: z.strictObject({
      push: z.boolean().optional(),
      pull: z.boolean().optional(),
      filters: z.unknown().optional().describe("Null for every row."),
    }),
    ifMatch: true,
    preview: true,
    answer: z.union([itemSchema(permissionList), previewSchema]),
    async run(call) {
      const { scope, catalog, version, body, params: { id } } = call;
      await call.change(
        (tx) => updatePermission(tx, scope, catalog, id, version, body),
        organizationOf(call, permissionList, "permission"),
      );
      return await itemOf(call, permissionList, "permission", id);
    },
  }),
  DELETE: operation({
    summary: "Withdraw a permission",
    tag: "Permissions",
    access: "administrators",
    params: idParams,
    ifMatch: true,
    preview: true,
    status: 204,
    async run(call) {
      const { scope, version, params: { id } } = call;
      await call.change(
        (tx) => deletePermission(tx, scope, id, version),
        organizationOf(call, permissionList, "permission"),
      );
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/permissions/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
