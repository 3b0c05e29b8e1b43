import { measurePerformance } from "../../../lib/observe/mod.ts";
import { bearer, define } from "../../../lib/web/mod.ts";

export const handler = define.handlers({
  async GET(ctx) {
    await bearer(ctx);
    const measured = await measurePerformance(ctx.state.services.db);
    return Response.json(measured, { headers: { "Cache-Control": "no-store" } });
  },
});
