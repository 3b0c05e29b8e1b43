import type { RouteConfig } from "fresh";
import { recordCsv } from "../../../../../lib/sync/mod.ts";
import { define, recordsAsked, recordsVisit } from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/export{/}?" };

/** All columns of the records that the filters in the address ask for, as CSV. */
export const handler = define.handlers({
  async GET(ctx) {
    const { model, reach } = await recordsVisit(ctx);
    const { query } = recordsAsked(model, ctx.url.searchParams);
    const name = `${model.table.replaceAll(/[^\w-]+/g, "_")}-${
      new Date().toISOString().slice(0, 10)
    }.csv`;
    return ctx.stream(recordCsv(ctx.state.services.db, model, reach, query), {
      headers: {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": `attachment; filename="${name}"`,
      },
    });
  },
});
