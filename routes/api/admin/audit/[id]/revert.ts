import type { RouteConfig } from "fresh";
import { z } from "zod";
import { revert } from "../../../../../lib/audit/mod.ts";
import {
  adminHandlers,
  define,
  eventParams,
  operation,
  revertVisibility,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Revert a change",
    description:
      "As a new change, with its own event; refused with the reason where it no longer " +
      "applies. Who is not staff can revert changes of memberships, permissions, filters and devices.",
    tag: "Audit",
    access: "administrators",
    params: eventParams,
    answer: z.object({ event_id: z.int().describe("The event of the revert.") }),
    async run({ ctx, principal, scope, catalog, actor, change, params: { id } }) {
      const { db } = ctx.state.services;
      const visibility = await revertVisibility(db, principal, scope, catalog, id);
      return { event_id: await change((tx) => revert(tx, id, actor, visibility)) };
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/audit/:id/revert{/}?" };

export const handler = define.handlers(adminHandlers(operations));
