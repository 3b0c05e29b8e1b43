import {
  adminHandlers,
  auditAnswer,
  auditFilter,
  auditPage,
  auditQuery,
  define,
  operation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Search the audit trail",
    description:
      "Newest first. Staff see every event; others those of the organizations that they " +
      "administer, of rows that they may pull. With a model and key it is the history of a row.",
    tag: "Audit",
    access: "administrators",
    query: auditQuery.extend(auditPage),
    answer: auditAnswer.schema,
    run: ({ ctx, principal, scope, catalog, query: { limit, cursor, ...query } }) =>
      auditAnswer.page(
        ctx.state.services.db,
        principal,
        scope,
        catalog,
        auditFilter(query, catalog),
        { limit, cursor },
      ),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
