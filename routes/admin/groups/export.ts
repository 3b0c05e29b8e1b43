import { csvHeaders, define, groupCsv, groupFilter } from "../../../lib/web/mod.ts";

/** The groups that the filters in the address ask for, as CSV. */
export const handler = define.handlers({
  GET(ctx) {
    const { services, admin } = ctx.state;
    const filter = groupFilter(ctx.url.searchParams);
    return ctx.stream(groupCsv(services.db, admin!, filter), { headers: csvHeaders("groups") });
  },
});
