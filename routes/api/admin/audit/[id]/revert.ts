import type { RouteConfig } from "fresh";
import { z } from "zod";
import { revert } from "../../../../../lib/audit/mod.ts";
import {
  adminHandlers,
  define,
  eventParams,
  operation,
  revertRight,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Revert a change",
    description:
      "As a new change, with its own event; refused with the reason where it no longer " +
      "applies, and while somebody else edits the record. Who is not staff can revert changes of memberships, permissions, filters and devices.",
    tag: "Audit",
    access: "administrators",
    params: eventParams,
    answer: z.object({ event_id: z.int().describe("The event of the revert.") }),
    async run({ ctx, principal, scope, catalog, actor, change, params: { id } }) {
      const { services } = ctx.state;
      const { visibility, guard } = await revertRight(services, principal, scope, catalog, id);
      const event = await change(async (tx) => {
        await guard(tx);
        return await revert(tx, id, actor, visibility);
      });
      return { event_id: event };
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/audit/:id/revert{/}?" };

export const handler = define.handlers(adminHandlers(operations));
