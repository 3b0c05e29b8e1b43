import {
  adminHandlers,
  bulkPushes,
  bulkPushSchema,
  bulkQuery,
  define,
  operation,
  pageSchema,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "List the bulk pushes",
    description: "Newest first. Those with the state `failed` were given up and can be retried.",
    tag: "Jobs",
    access: "administrators",
    query: bulkQuery,
    answer: pageSchema(bulkPushSchema),
    run: ({ ctx, scope, query: { organization_id, cursor, ...asked } }) =>
      bulkPushes(ctx.state.services.db, scope, organization_id, { ...asked, before: cursor }),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
