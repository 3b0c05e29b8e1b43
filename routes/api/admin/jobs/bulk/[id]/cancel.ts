import type { RouteConfig } from "fresh";
import { adminHandlers, bulkOperation, define } from "../../../../../../lib/web/mod.ts";

export const operations = {
  POST: bulkOperation("cancel", {
    summary: "Cancel a bulk push",
    description: "Nothing of it is written any more; what is written stays.",
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/jobs/bulk/:id/cancel{/}?" };

export const handler = define.handlers(adminHandlers(operations));
