import type { RouteConfig } from "fresh";
import { z } from "zod";
import { deleteOrganization, updateOrganization } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  define,
  idParams,
  itemOf,
  itemSchema,
  operation,
  organizationList,
  readOperation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(organizationList, "organization", {
    summary: "Read an organization",
    tag: "Organizations",
  }),
  PATCH: operation({
    summary: "Change an organization",
    description: "The slug, and whether it is active, are changed by staff only.",
    tag: "Organizations",
    access: "administrators",
    params: idParams,
    body: z.strictObject({
      name: z.string().max(200).optional(),
      slug: z.string().max(50).optional(),
      description: z.string().max(10_000).optional(),
      is_active: z.boolean().optional(),
    }),
    ifMatch: true,
    answer: itemSchema(organizationList),
    async run(call) {
      const { is_active: isActive, ...rest } = call.body;
      const { id } = call.params;
      await call.change((tx) =>
        updateOrganization(tx, call.scope, id, call.version, { ...rest, isActive })
      );
      return await itemOf(call, organizationList, "organization", id);
    },
  }),
  DELETE: operation({
    summary: "Delete an organization",
    description: "Refused while models have rows of it. Its users stay.",
    tag: "Organizations",
    access: "staff",
    params: idParams,
    ifMatch: true,
    status: 204,
    run: ({ change, scope, params, version }) =>
      change((tx) => deleteOrganization(tx, scope, params.id, version)),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/organizations/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
