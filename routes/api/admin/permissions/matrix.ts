import { z } from "zod";
import { adminHandlers, define, operation, permissionMatrix } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Read the permission matrix of an organization",
    description:
      "Every enabled model and every group; a group and model without a cell has no right.",
    tag: "Permissions",
    access: "administrators",
    query: z.strictObject({
      organization_id: z.string().regex(/^[1-9]\d{0,8}$/, "Must be a positive whole number")
        .transform(Number).pipe(z.int()),
    }),
    answer: z.object({
      organization_id: z.int(),
      models: z.array(z.object({
        name: z.string(),
        writable: z.boolean(),
        shared: z.boolean().describe("Its rows belong to no organization."),
      })),
      groups: z.array(z.object({ id: z.int(), name: z.string(), members: z.int() })),
      cells: z.array(z.object({
        id: z.int(),
        group_id: z.int(),
        model: z.string(),
        push: z.boolean(),
        pull: z.boolean(),
        filtered: z.boolean().describe("The permission has filters, or active data filters apply."),
        version: z.string(),
      })),
    }),
    run: ({ ctx, scope, catalog, query }) =>
      permissionMatrix(ctx.state.services.db, scope, catalog, query.organization_id),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
