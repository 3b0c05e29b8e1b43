import {
  adminHandlers,
  define,
  operation,
  reportQuery,
  syncReport,
  syncReportSchema,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Report the syncs of a day",
    description: "By organization, model, operation and status. Without a day, of yesterday.",
    tag: "Jobs",
    access: "administrators",
    query: reportQuery,
    answer: syncReportSchema,
    run: ({ ctx, scope, query: { day } }) =>
      syncReport(
        ctx.state.services.db,
        day ?? null,
        "all" in scope ? null : scope.organizationIds,
      ),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
