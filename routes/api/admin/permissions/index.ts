import { z } from "zod";
import { modelNamed, setRights } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  listOperation,
  operation,
  permissionList,
  previewSchema,
  rowId,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(permissionList, {
    summary: "List permissions",
    description: "What groups may push and pull, with the filters of each permission.",
    tag: "Permissions",
  }),
  PUT: operation({
    summary: "Set cells of the permission matrix",
    description:
      "All of them or none. A cell with `version` is only set if it still is as it was " +
      "read; null says that there was none.",
    tag: "Permissions",
    access: "administrators",
    body: z.strictObject({
      items: z.array(z.strictObject({
        organization_id: rowId,
        group_id: rowId,
        model: z.string().max(200),
        push: z.boolean(),
        pull: z.boolean(),
        filters: z.unknown().optional().describe(
          "Row filters: conditions {field, operator, value, negate} or Django's form; null for every " +
            "row. Absent: they stay.",
        ),
        version: z.string().max(100).nullable().optional(),
      })).min(1).max(10_000),
    }),
    preview: true,
    answer: z.union([
      z.object({ written: z.int().describe("Cells that were not so already.") }),
      previewSchema,
    ]),
    async run({ catalog, scope, body, change }) {
      const cells = body.items.map(({ organization_id, group_id, model, ...rest }) => ({
        ...rest,
        organizationId: organization_id,
        groupId: group_id,
        model: modelNamed(catalog, model),
      }));
      const organizations = [...new Set(cells.map(({ organizationId }) => organizationId))];
      const written = await change(
        (tx) => setRights(tx, scope, cells),
        () => Promise.resolve(organizations),
      );
      return { written };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
