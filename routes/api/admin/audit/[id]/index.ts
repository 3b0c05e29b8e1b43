import type { RouteConfig } from "fresh";
import { notFound } from "../../../../../lib/access/mod.ts";
import { searchAudit } from "../../../../../lib/audit/mod.ts";
import {
  adminHandlers,
  auditEvent,
  auditEventJson,
  auditVisibility,
  define,
  eventParams,
  operation,
  rawJson,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Read an audit event",
    tag: "Audit",
    access: "administrators",
    params: eventParams,
    answer: auditEvent,
    async run({ ctx, principal, scope, catalog, params: { id } }) {
      const { db } = ctx.state.services;
      const visibility = await auditVisibility(db, principal, scope, catalog);
      const { events: [event] } = await searchAudit(db, visibility, { id }, { limit: 1 });
      if (!event) throw notFound("audit event", id);
      return rawJson(auditEventJson(event));
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/audit/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
