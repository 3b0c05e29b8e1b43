import { z } from "zod";
import { storedSettings } from "../../../../lib/db/mod.ts";
import { adminHandlers, define, operation, settingsDocument } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Export settings",
    description:
      "Those that are stored, or with `all` the defaults too. The import takes the answer.",
    tag: "Settings",
    access: "staff",
    query: z.strictObject({ all: z.enum(["true", "false"]).default("false") }),
    answer: z.object({ settings: settingsDocument }),
    async run({ ctx, settings, query }) {
      return {
        settings: query.all === "true" ? settings : await storedSettings(ctx.state.services.db),
      };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
