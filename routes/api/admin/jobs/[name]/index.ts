import type { RouteConfig } from "fresh";
import { z } from "zod";
import {
  adminHandlers,
  define,
  jobName,
  jobRunSchema,
  operation,
  pageSchema,
  runsQuery,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "List the runs of a job",
    description: "Newest first.",
    tag: "Jobs",
    access: "staff",
    params: z.object({ name: jobName }),
    query: runsQuery,
    answer: pageSchema(jobRunSchema),
    async run({ ctx, params: { name }, query: { limit, cursor } }) {
      const { jobs } = ctx.state.services;
      const runs = await jobs.history(name, { before: cursor ?? null, limit: limit + 1 });
      const items = runs.slice(0, limit);
      return { items, next: runs.length > limit ? String(items.at(-1)!.id) : null };
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/jobs/:name{/}?" };

export const handler = define.handlers(adminHandlers(operations));
