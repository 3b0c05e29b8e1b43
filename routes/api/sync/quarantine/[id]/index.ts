import type { RouteConfig } from "fresh";
import { readQuarantine } from "../../../../../lib/sync/mod.ts";
import { define, quarantineCaller, quarantineId } from "../../../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/sync/quarantine/:id{/}?" };

/** One refused record, with the record itself digit for digit. */
export const handler = define.handlers({
  async GET(ctx) {
    const { view } = await quarantineCaller(ctx);
    const { entry, record } = await readQuarantine(ctx.state.services.db, view, quarantineId(ctx));
    return new Response(`${JSON.stringify(entry).slice(0, -1)},"record":${record}}`, {
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
    });
  },
});
