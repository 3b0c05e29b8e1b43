import { z } from "zod";
import { lockSettings, storeSettings } from "../../../../lib/db/mod.ts";
import {
  adminHandlers,
  define,
  operation,
  settingsChanged,
  settingsDocument,
} from "../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Import settings",
    description: "All or none, after they are checked together.",
    tag: "Settings",
    access: "staff",
    body: z.strictObject({
      settings: settingsDocument,
      replace: z.boolean().default(false).describe("Also resets every setting that is not named."),
    }),
    answer: z.object({
      changes: z.array(z.object({
        section: z.string(),
        key: z.string(),
        before: z.unknown().optional(),
        after: z.unknown().optional().describe("Absent when the default holds again."),
      })),
      warnings: z.array(z.string()),
    }),
    async run({ ctx, body, change, actor }) {
      const changes = await change(async (tx) =>
        storeSettings(tx, await lockSettings(tx), body.settings, body.replace)
      );
      return { changes, warnings: await settingsChanged(ctx.state.services, actor) };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
