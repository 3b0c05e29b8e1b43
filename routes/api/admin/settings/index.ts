import { z } from "zod";
import {
  adminHandlers,
  define,
  operation,
  readSections,
  sectionSchema,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Read all settings",
    description: "Each section with its values, defaults and JSON Schema.",
    tag: "Settings",
    access: "staff",
    answer: z.object({ items: z.array(sectionSchema) }),
    async run({ ctx, settings }) {
      return { items: await readSections(ctx.state.services.db, settings) };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
