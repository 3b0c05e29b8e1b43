import { z } from "zod";
import {
  adminHandlers,
  catalogSchema,
  define,
  discoverySections,
  modelView,
  operation,
  previewDiscovery,
  settingsDocument,
} from "../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "What discovery would find with other settings",
    description: "Nothing is saved. What is not named is as it is stored.",
    tag: "Discovery",
    access: "staff",
    body: z.strictObject({
      settings: settingsDocument.describe(`Of the sections ${discoverySections.join(", ")}.`),
    }),
    answer: catalogSchema.extend({
      added: z.array(z.string()).describe("Models that would be enabled."),
      removed: z.array(z.string()).describe("Models that would be no longer."),
    }),
    async run({ ctx, catalog, body }) {
      const { db } = ctx.state.services;
      const { found, added, removed } = await previewDiscovery(db, catalog, body.settings);
      return {
        fingerprint: found.fingerprint,
        items: found.models.map((model) => modelView(model, true)),
        warnings: found.warnings,
        added,
        removed,
      };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
