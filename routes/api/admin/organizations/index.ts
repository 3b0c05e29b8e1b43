import { z } from "zod";
import { createOrganization } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  itemOf,
  itemSchema,
  listOperation,
  operation,
  organizationList,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(organizationList, {
    summary: "List organizations",
    description: "Those that the caller administers.",
    tag: "Organizations",
  }),
  POST: operation({
    summary: "Create an organization",
    tag: "Organizations",
    access: "staff",
    body: z.strictObject({
      name: z.string().max(200),
      slug: z.string().max(50).optional().describe("Made of the name when absent."),
      description: z.string().max(10_000).optional(),
    }),
    status: 201,
    answer: itemSchema(organizationList),
    async run(call) {
      const id = await call.change((tx) => createOrganization(tx, call.body));
      return await itemOf(call, organizationList, "organization", id);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
