import { csvHeaders, define, userCsv, userFilter } from "../../../lib/web/mod.ts";

/** The users that the filters in the address ask for, as CSV. */
export const handler = define.handlers({
  GET(ctx) {
    const { services, admin } = ctx.state;
    const filter = userFilter(ctx.url.searchParams);
    return ctx.stream(userCsv(services.db, admin!, filter), { headers: csvHeaders("users") });
  },
});
