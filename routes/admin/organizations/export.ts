import { csvHeaders, define, organizationCsv, organizationFilter } from "../../../lib/web/mod.ts";

/** The organizations that the filters in the address ask for, as CSV. */
export const handler = define.handlers({
  GET(ctx) {
    const { services, admin } = ctx.state;
    const filter = organizationFilter(ctx.url.searchParams);
    return ctx.stream(organizationCsv(services.db, admin!.scope, filter), {
      headers: csvHeaders("organizations"),
    });
  },
});
