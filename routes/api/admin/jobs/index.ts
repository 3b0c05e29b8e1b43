import { z } from "zod";
import { adminHandlers, define, jobSchema, operation } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "List the recurring jobs",
    description: "With their schedules, their last runs and their last failures.",
    tag: "Jobs",
    access: "staff",
    answer: z.object({ items: z.array(jobSchema) }),
    run: async ({ ctx }) => ({ items: await ctx.state.services.jobs.list() }),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
