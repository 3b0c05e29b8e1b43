import { z } from "zod";
import { createDataFilter, modelNamed } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  filterList,
  itemOf,
  itemSchema,
  listOperation,
  operation,
  previewSchema,
  rowId,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(filterList, {
    summary: "List data filters",
    description: "Named conditions on the rows that a group may push and pull.",
    tag: "Filters",
  }),
  POST: operation({
    summary: "Create a data filter",
    tag: "Filters",
    access: "administrators",
    body: z.strictObject({
      organization_id: rowId,
      group_id: rowId,
      model: z.string().max(200),
      name: z.string().max(100),
      condition: z.unknown().describe(
        'Conditions {field, operator, value, negate}, a list of them, or Django\'s form {"age__gte": 18}.',
      ),
      is_active: z.boolean().optional(),
    }),
    preview: true,
    status: 201,
    answer: z.union([itemSchema(filterList), previewSchema]),
    async run(call) {
      const { organization_id: organizationId, group_id: groupId, ...body } = call.body;
      const filter = {
        organizationId,
        groupId,
        model: modelNamed(call.catalog, body.model),
        name: body.name,
        condition: body.condition,
        isActive: body.is_active,
      };
      const id = await call.change(
        (tx) => createDataFilter(tx, call.scope, filter),
        () => Promise.resolve([organizationId]),
      );
      return await itemOf(call, filterList, "filter", id);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
