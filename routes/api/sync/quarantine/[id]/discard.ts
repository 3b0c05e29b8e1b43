import type { RouteConfig } from "fresh";
import { readQuarantine, resolveQuarantine } from "../../../../../lib/sync/mod.ts";
import { define, quarantineCaller, quarantineId } from "../../../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/sync/quarantine/:id/discard{/}?" };

/** Gives a refused record up. It stays readable. */
export const handler = define.handlers({
  async POST(ctx) {
    const { caller, view } = await quarantineCaller(ctx);
    const { db } = ctx.state.services;
    const id = quarantineId(ctx);
    await readQuarantine(db, view, id);
    await resolveQuarantine(db, id, "discarded", caller.principal);
    const { entry } = await readQuarantine(db, view, id);
    return Response.json(entry, { headers: { "Cache-Control": "no-store" } });
  },
});
