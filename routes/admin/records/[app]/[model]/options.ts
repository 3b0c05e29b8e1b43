import type { RouteConfig } from "fresh";
import { LockstepError } from "../../../../../lib/errors/mod.ts";
import { findReferenced, reachOfOne, referencesOf } from "../../../../../lib/sync/mod.ts";
import { define, recordPath, recordsVisit } from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/options{/}?" };

/**
 * At most 20 records that the foreign key in `column` may point to from a row of the organization `for`,
 * whose names contain `q`.
 */
export const handler = define.handlers({
  async GET(ctx) {
    const { model, catalog, reach } = await recordsVisit(ctx);
    const { searchParams } = ctx.url;
    const reference = referencesOf(model, catalog)
      .find(({ column }) => column === searchParams.get("column"));
    if (!reference) {
      throw new LockstepError("not_found", `${model.name} has no such foreign key.`);
    }
    const organization = searchParams.get("for") ?? "";
    const own = reachOfOne(reach, /^\d{1,9}$/.test(organization) ? Number(organization) : null);
    const q = (searchParams.get("q") ?? "").slice(0, 100).replaceAll("\0", "");
    const rows = await findReferenced(ctx.state.services.db, reference, own, q);
    return ctx.json(rows.map(({ value, label, key }) => ({
      value,
      label,
      href: recordPath(reference.target, key),
    })));
  },
});
