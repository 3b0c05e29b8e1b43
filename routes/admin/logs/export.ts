import { define, syncLogCsv, syncLogFilter } from "../../../lib/web/mod.ts";

/** The lines of the sync log that the filters in the address ask for, as CSV. */
export const handler = define.handlers({
  GET(ctx) {
    const filter = syncLogFilter(ctx.url.searchParams);
    const name = `sync-log-${new Date().toISOString().slice(0, 10)}.csv`;
    return ctx.stream(syncLogCsv(ctx.state.services.db, ctx.state.admin!, filter), {
      headers: {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": `attachment; filename="${name}"`,
      },
    });
  },
});
