import { csvHeaders, define, rowFilterCsv, rowFilterQuery } from "../../../lib/web/mod.ts";

/** The row filters that are asked for in the address, as CSV. */
export const handler = define.handlers({
  GET(ctx) {
    const { services, admin } = ctx.state;
    const asked = rowFilterQuery(ctx.url.searchParams);
    return ctx.stream(rowFilterCsv(services.db, admin!, asked), {
      headers: csvHeaders("row-filters"),
    });
  },
});
