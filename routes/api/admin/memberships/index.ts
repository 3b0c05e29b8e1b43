import { z } from "zod";
import { createMembership } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  itemOf,
  itemSchema,
  listOperation,
  membershipList,
  operation,
  previewSchema,
  rowId,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(membershipList, {
    summary: "List memberships",
    description: "Who is in which group of which organization.",
    tag: "Memberships",
  }),
  POST: operation({
    summary: "Put a user into a group of an organization",
    description:
      "Who is not staff can add users that are members of their organizations already, " +
      "and create others.",
    tag: "Memberships",
    access: "administrators",
    body: z.strictObject({
      user_id: rowId,
      organization_id: rowId,
      group_id: rowId,
      is_active: z.boolean().optional(),
    }),
    preview: true,
    status: 201,
    answer: z.union([itemSchema(membershipList), previewSchema]),
    async run(call) {
      const { user_id, organization_id, group_id, is_active } = call.body;
      const membership = {
        userId: user_id,
        organizationId: organization_id,
        groupId: group_id,
        isActive: is_active,
      };
      const id = await call.change(
        (tx) => createMembership(tx, call.scope, membership),
        () => Promise.resolve([organization_id]),
      );
      return await itemOf(call, membershipList, "membership", id);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
