import { z } from "zod";
import { type Settings } from "../../../../lib/config/mod.ts";
import { settingsOf, storedSettings } from "../../../../lib/db/mod.ts";
import { LockstepError } from "../../../../lib/errors/mod.ts";
import { discoverModels } from "../../../../lib/models/mod.ts";
import {
  adminHandlers,
  catalogSchema,
  checkSettings,
  define,
  modelView,
  operation,
  settingsDocument,
} from "../../../../lib/web/mod.ts";

const sections: (keyof Settings)[] = ["MODEL_DISCOVERY", "MODELS", "TENANT"];

export const operations = {
  POST: operation({
    summary: "What discovery would find with other settings",
    description: "Nothing is saved. What is not named is as it is stored.",
    tag: "Discovery",
    access: "staff",
    body: z.strictObject({
      settings: settingsDocument.describe(`Of the sections ${sections.join(", ")}.`),
    }),
    answer: catalogSchema.extend({
      added: z.array(z.string()).describe("Models that would be enabled."),
      removed: z.array(z.string()).describe("Models that would be no longer."),
    }),
    async run({ ctx, catalog, body }) {
      const { db } = ctx.state.services;
      const stored = await storedSettings(db);
      const { values, problems } = checkSettings(stored, body.settings);
      for (const section of Object.keys(body.settings)) {
        if ((sections as string[]).includes(section)) continue;
        problems.push({
          field: `settings.${section.slice(0, 100)}`,
          message: "Has no part in discovery. Leave it out.",
        });
      }
      if (problems.length > 0) {
        throw new LockstepError("invalid_value", `${problems[0].field}: ${problems[0].message}`, {
          errors: problems,
        });
      }
      const merged = { ...stored };
      for (const [section, members] of Object.entries(values)) {
        merged[section] = { ...stored[section], ...members };
      }
      const found = await discoverModels(db, settingsOf(merged));
      const enabled = (models: typeof found.models) =>
        new Set(models.filter((model) => model.enabled).map(({ name }) => name));
      const [before, after] = [enabled(catalog.models), enabled(found.models)];
      return {
        fingerprint: found.fingerprint,
        items: found.models.map((model) => modelView(model, true)),
        warnings: found.warnings,
        added: [...after.difference(before)],
        removed: [...before.difference(after)],
      };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
