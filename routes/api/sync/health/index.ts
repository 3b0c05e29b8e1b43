import { define } from "../../../../lib/web/mod.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const health = await ctx.state.services.health();
    return Response.json(health, {
      status: health.status === "healthy" ? 200 : 503,
      headers: { "Cache-Control": "no-store" },
    });
  },
});
