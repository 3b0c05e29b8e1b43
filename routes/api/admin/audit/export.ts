import { z } from "zod";
import { exportAudit } from "../../../../lib/audit/mod.ts";
import {
  adminHandlers,
  auditFilter,
  auditQuery,
  auditVisibility,
  define,
  operation,
} from "../../../../lib/web/mod.ts";

const types = { csv: "text/csv; charset=utf-8; header=present", ndjson: "application/x-ndjson" };

export const operations = {
  GET: operation({
    summary: "Export the audit trail",
    description:
      "Every event that the search would find, streamed, with its place in the hash chain.",
    tag: "Audit",
    access: "administrators",
    query: auditQuery.extend({ format: z.enum(["csv", "ndjson"]).default("ndjson") }),
    media: ["text/csv", "application/x-ndjson"],
    async run({ ctx, principal, scope, catalog, query: { format, ...query } }) {
      const { db } = ctx.state.services;
      const visibility = await auditVisibility(db, principal, scope, catalog);
      const parts = exportAudit(db, visibility, auditFilter(query, catalog), format);
      return new Response(ReadableStream.from(parts).pipeThrough(new TextEncoderStream()), {
        headers: {
          "Content-Type": types[format],
          "Content-Disposition": `attachment; filename="audit.${format}"`,
          "Cache-Control": "no-store",
        },
      });
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
