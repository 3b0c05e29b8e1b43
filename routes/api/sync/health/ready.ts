import { define } from "../../../../lib/web/mod.ts";

/** Whether requests should be sent here: the database answers, and the server isn't stopping. */
export const handler = define.handlers({
  async GET(ctx) {
    const { health, stopping } = ctx.state.services;
    const { checks } = await health();
    const ready = checks.database === "healthy" && !stopping.aborted;
    return Response.json({ status: ready ? "ready" : "not ready" }, {
      status: ready ? 200 : 503,
      headers: { "Cache-Control": "no-store" },
    });
  },
});
