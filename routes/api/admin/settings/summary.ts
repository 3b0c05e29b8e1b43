import { z } from "zod";
import { adminHandlers, define, operation, readSections } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Summarize settings and models",
    tag: "Settings",
    access: "staff",
    answer: z.object({
      sections: z.array(
        z.object({ section: z.string(), settings: z.int(), stored: z.array(z.string()) }),
      ),
      models: z.object({ total: z.int(), enabled: z.int(), writable: z.int(), audited: z.int() }),
      warnings: z.array(z.string()),
    }),
    async run({ ctx, settings, catalog }) {
      const sections = await readSections(ctx.state.services.db, settings);
      const enabled = catalog.models.filter((model) => model.enabled);
      return {
        sections: sections.map(({ section, defaults, stored }) => ({
          section,
          settings: Object.keys(defaults as object).length,
          stored,
        })),
        models: {
          total: catalog.models.length,
          enabled: enabled.length,
          writable: enabled.filter(({ writable }) => writable).length,
          audited: enabled.filter(({ audit }) => audit).length,
        },
        warnings: catalog.warnings,
      };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
