import { membershipsOf } from "../../../lib/access/mod.ts";
import { measurePerformance } from "../../../lib/observe/mod.ts";
import { bearer, define } from "../../../lib/web/mod.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const { db } = ctx.state.services;
    const { principal } = await bearer(ctx);
    const organizations = (await membershipsOf(db, principal)).map(({ organization }) =>
      organization
    );
    const measured = await measurePerformance(db, organizations.map(({ id }) => id));
    return Response.json(measured, { headers: { "Cache-Control": "no-store" } });
  },
});
