import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deleteMembership, updateMembership } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  idParams,
  itemOf,
  itemSchema,
  membershipList,
  operation,
  organizationOf,
  previewSchema,
  readOperation,
  rowId,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(membershipList, "membership", {
    summary: "Read a membership",
    tag: "Memberships",
  }),
  PATCH: operation({
    summary: "Change a membership",
    tag: "Memberships",
    access: "administrators",
    params: idParams,
    body: z.strictObject({
      group_id: rowId.optional(),
      is_active: z.boolean().optional(),
    }),
    ifMatch: true,
    preview: true,
    answer: z.union([itemSchema(membershipList), previewSchema]),
    async run(call) {
      const { id } = call.params;
      const { group_id: groupId, is_active: isActive } = call.body;
      await call.change(
        (tx) => updateMembership(tx, call.scope, id, call.version, { groupId, isActive }),
        organizationOf(call, membershipList, "membership"),
      );
      return await itemOf(call, membershipList, "membership", id);
    },
  }),
  DELETE: operation({
    summary: "End a membership",
    tag: "Memberships",
    access: "administrators",
    params: idParams,
    ifMatch: true,
    preview: true,
    status: 204,
    run: (call) =>
      call.change(
        (tx) => deleteMembership(tx, call.scope, call.params.id, call.version),
        organizationOf(call, membershipList, "membership"),
      ),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/memberships/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
