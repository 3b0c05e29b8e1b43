import type { RouteConfig } from "fresh";
import { z } from "zod";
import {
  adminHandlers,
  define,
  jobName,
  jobRunSchema,
  operation,
  runJob,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Run a job now",
    description: "Answers the run when it has ended, or after three seconds as it is then. " +
      "A job that is running is not begun again.",
    tag: "Jobs",
    access: "staff",
    params: z.object({ name: jobName }),
    answer: jobRunSchema,
    run: ({ ctx, params: { name }, change }) => runJob(ctx.state.services, name, change),
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/jobs/:name/run{/}?" };

export const handler = define.handlers(adminHandlers(operations));
