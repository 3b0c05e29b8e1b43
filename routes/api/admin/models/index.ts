import { z } from "zod";
import {
  adminHandlers,
  define,
  modelSchema,
  modelView,
  operation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "List models",
    description: "Parents before those that refer to them, enabled or not.",
    tag: "Models",
    access: "administrators",
    query: z.strictObject({
      enabled: z.enum(["true", "false"]).optional(),
      q: z.string().max(200).optional().describe("Occurs, in any case of letters, in the name."),
    }),
    answer: z.object({ items: z.array(modelSchema), next: z.null() }),
    run({ scope, catalog, query: { enabled, q = "" } }) {
      const items = catalog.models
        .filter((model) => enabled === undefined || String(model.enabled) === enabled)
        .filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()))
        .map((model) => modelView(model, "all" in scope));
      return Promise.resolve({ items, next: null });
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
