import { z } from "zod";
import { auditExport, auditPageFilter, define, parse } from "../../../lib/web/mod.ts";

const formats = z.enum(["csv", "ndjson"]).default("csv");
const types = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" };

/** The events that the filters in the address ask for, as CSV or NDJSON. */
export const handler = define.handlers({
  async GET(ctx) {
    const { searchParams } = ctx.url;
    const { format } = parse(
      z.object({ format: formats }),
      { format: searchParams.get("format") ?? undefined },
    );
    const parts = await auditExport(ctx, auditPageFilter(searchParams), format);
    const name = `audit-trail-${new Date().toISOString().slice(0, 10)}.${format}`;
    return ctx.stream(parts, {
      headers: {
        "Content-Type": types[format],
        "Content-Disposition": `attachment; filename="${name}"`,
      },
    });
  },
});
