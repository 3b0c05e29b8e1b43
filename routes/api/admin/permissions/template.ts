import { z } from "zod";
import {
  applyTemplate,
  modelNamed,
  type PermissionTemplate,
  permissionTemplates,
} from "../../../../lib/access/mod.ts";
import { adminHandlers, define, operation, previewSchema, rowId } from "../../../../lib/web/mod.ts";

const templates = Object.keys(permissionTemplates) as PermissionTemplate[];

export const operations = {
  POST: operation({
    summary: "Set permissions by a template",
    description:
      "`defaults` gives each of the seven default groups its own. Filters stay. A model " +
      "that cannot be written gets no right to push.",
    tag: "Permissions",
    access: "administrators",
    body: z.strictObject({
      organization_id: rowId,
      template: z.enum([...templates, "defaults"]),
      group_ids: z.array(rowId).min(1).max(1000).optional().describe(
        "Required unless the template is defaults.",
      ),
      models: z.array(z.string().max(200)).min(1).max(10_000).optional().describe(
        "All enabled models when absent.",
      ),
    }),
    preview: true,
    answer: z.union([z.object({ written: z.int() }), previewSchema]),
    async run({ catalog, scope, body, change }) {
      const models = body.models?.map((name) => modelNamed(catalog, name)) ??
        catalog.models.filter(({ enabled }) => enabled);
      const request = {
        organizationId: body.organization_id,
        groupIds: body.group_ids && [...new Set(body.group_ids)],
        models: [...new Set(models)],
        template: body.template,
      };
      const written = await change(
        (tx) => applyTemplate(tx, scope, request),
        () => Promise.resolve([request.organizationId]),
      );
      return { written };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
