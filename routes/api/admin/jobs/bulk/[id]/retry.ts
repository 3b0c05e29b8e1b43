import type { RouteConfig } from "fresh";
import { adminHandlers, bulkOperation, define } from "../../../../../../lib/web/mod.ts";

export const operations = {
  POST: bulkOperation("retry", {
    summary: "Try a failed bulk push again",
    description: "It goes on after the last part that was written.",
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/jobs/bulk/:id/retry{/}?" };

export const handler = define.handlers(adminHandlers(operations));
