import { z } from "zod";
import { createMember } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  itemOf,
  itemSchema,
  listOperation,
  operation,
  rowId,
  userList,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(userList, {
    summary: "List users",
    description: "Staff see all, others the members of the organizations that they administer.",
    tag: "Users",
  }),
  POST: operation({
    summary: "Create a user",
    description: "Who is not staff has to give the user a membership, and cannot give a rank.",
    tag: "Users",
    access: "administrators",
    body: z.strictObject({
      username: z.string().max(150),
      password: z.string().max(1000).nullable().describe(
        "Null for a user who signs in through an outside issuer only.",
      ),
      email: z.string().max(254).optional(),
      first_name: z.string().max(150).optional(),
      last_name: z.string().max(150).optional(),
      is_staff: z.boolean().optional(),
      is_superuser: z.boolean().optional(),
      memberships: z.array(
        z.strictObject({ organization_id: rowId, group_id: rowId }),
      ).max(100).default([]),
    }),
    status: 201,
    answer: itemSchema(userList),
    async run(call) {
      const { username, password, email, memberships, ...rest } = call.body;
      const user = {
        username,
        password,
        email,
        firstName: rest.first_name,
        lastName: rest.last_name,
        isStaff: rest.is_staff,
        isSuperuser: rest.is_superuser,
      };
      const places = memberships.map(({ organization_id, group_id }) => ({
        organizationId: organization_id,
        groupId: group_id,
      }));
      const id = await call.change((tx) =>
        createMember(tx, call.scope, user, places, call.settings.SECURITY)
      );
      return await itemOf(call, userList, "user", id);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
