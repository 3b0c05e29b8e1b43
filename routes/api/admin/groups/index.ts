import { z } from "zod";
import { createGroup } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  groupList,
  itemOf,
  itemSchema,
  listOperation,
  operation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(groupList, {
    summary: "List groups",
    description: "Groups are the same in every organization; what they may do is set in each.",
    tag: "Groups",
  }),
  POST: operation({
    summary: "Create a group",
    tag: "Groups",
    access: "staff",
    body: z.strictObject({
      name: z.string().max(150),
      description: z.string().max(10_000).optional(),
    }),
    status: 201,
    answer: itemSchema(groupList),
    async run(call) {
      const id = await call.change((tx) => createGroup(tx, call.body));
      return await itemOf(call, groupList, "group", id);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
