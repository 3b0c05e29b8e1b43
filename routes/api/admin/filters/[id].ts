import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deleteDataFilter, updateDataFilter } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  filterList,
  idParams,
  itemOf,
  itemSchema,
  operation,
  organizationOf,
  previewSchema,
  readOperation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(filterList, "filter", { summary: "Read a data filter", tag: "Filters" }),
  PATCH: operation({
    summary: "Change a data filter",
    tag: "Filters",
    access: "administrators",
    params: idParams,
    body: z.strictObject({
      name: z.string().max(100).optional(),
      condition: z.unknown().optional(),
      is_active: z.boolean().optional(),
    }),
    ifMatch: true,
    preview: true,
    answer: z.union([itemSchema(filterList), previewSchema]),
    async run(call) {
      const { scope, catalog, version, body, params: { id } } = call;
      const { name, condition, is_active: isActive } = body;
      await call.change(
        (tx) => updateDataFilter(tx, scope, catalog, id, version, { name, condition, isActive }),
        organizationOf(call, filterList, "filter"),
      );
      return await itemOf(call, filterList, "filter", id);
    },
  }),
  DELETE: operation({
    summary: "Delete a data filter",
    tag: "Filters",
    access: "administrators",
    params: idParams,
    ifMatch: true,
    preview: true,
    status: 204,
    async run(call) {
      const { scope, version, params: { id } } = call;
      await call.change(
        (tx) => deleteDataFilter(tx, scope, id, version),
        organizationOf(call, filterList, "filter"),
      );
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/filters/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
