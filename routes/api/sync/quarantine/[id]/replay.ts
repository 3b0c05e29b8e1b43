import type { RouteConfig } from "fresh";
import { push, readQuarantine, resolveQuarantine } from "../../../../../lib/sync/mod.ts";
import {
  define,
  pushAnswer,
  pushContext,
  quarantineCaller,
  quarantineId,
  readText,
  replayRecord,
} from "../../../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/sync/quarantine/:id/replay{/}?" };

/**
 * Pushes a refused record again, as it is or as `{"record": …}` repairs it, with the caller's rights.
 * Accepted, it is resolved in the same transaction; refused, it stays open and the answer says why.
 */
export const handler = define.handlers({
  async POST(ctx) {
    const started = performance.now();
    const { caller, view } = await quarantineCaller(ctx);
    const { SYNC } = caller.settings;
    const id = quarantineId(ctx);
    const { record } = await readQuarantine(ctx.state.services.db, view, id);
    const text = await readText(ctx.req, SYNC.MAX_BODY_BYTES);
    const { status, body } = await push(
      pushContext(ctx.state, caller, await ctx.state.services.catalog.current()),
      [replayRecord(text, record, SYNC)],
      // All or nothing, so that what is refused again is not quarantined twice.
      { atomic: true, returns: "ids" },
      async (tx, outcome) => {
        if (outcome.errors.length === 0) {
          await resolveQuarantine(tx, id, "replayed", caller.principal);
        }
        return pushAnswer(outcome, true, performance.now() - started);
      },
    );
    return new Response(body, {
      status,
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
    });
  },
});
