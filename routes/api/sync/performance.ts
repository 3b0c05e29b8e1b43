import { membershipsOf } from "../../../lib/access/mod.ts";
import { measurePerformance } from "../../../lib/observe/mod.ts";
import { bearer, define } from "../../../lib/web/mod.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const { db } = ctx.state.services;
    const { principal } = await bearer(ctx);
    const organizations = principal.isStaff || principal.isSuperuser
      ? null
      : (await membershipsOf(db, principal)).map(({ organization }) => organization.id);
    const measured = await measurePerformance(db, organizations);
    return Response.json(measured, { headers: { "Cache-Control": "no-store" } });
  },
});
