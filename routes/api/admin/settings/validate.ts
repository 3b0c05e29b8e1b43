import { z } from "zod";
import { checkSettings } from "../../../../lib/config/mod.ts";
import { storedSettings } from "../../../../lib/db/mod.ts";
import { adminHandlers, define, operation, settingsDocument } from "../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Check settings without saving them",
    tag: "Settings",
    access: "staff",
    body: z.strictObject({
      settings: settingsDocument,
      replace: z.boolean().default(false).describe("Check them alone, not beside the stored ones."),
    }),
    answer: z.object({
      valid: z.boolean(),
      errors: z.array(
        z.object({ field: z.string(), message: z.string(), code: z.string().optional() }),
      ),
    }),
    async run({ ctx, body }) {
      const stored = body.replace ? {} : await storedSettings(ctx.state.services.db);
      const { problems } = checkSettings(stored, body.settings);
      return { valid: problems.length === 0, errors: problems };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
