import { z } from "zod";
import { resetSettings } from "../../../../lib/db/mod.ts";
import { adminHandlers, define, operation, settingsChanged } from "../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Reset all settings to their defaults",
    tag: "Settings",
    access: "staff",
    answer: z.object({ reset: z.int().describe("Settings that were stored.") }),
    async run({ ctx, change, actor }) {
      const reset = await change((tx) => resetSettings(tx));
      await settingsChanged(ctx.state.services, actor);
      return { reset };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
