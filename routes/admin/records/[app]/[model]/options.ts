import type { RouteConfig } from "fresh";
import { LockstepError } from "../../../../../lib/errors/mod.ts";
import {
  findReferenced,
  reachOfOne,
  referencedRows,
  referencesOf,
} from "../../../../../lib/sync/mod.ts";
import {
  define,
  recordPath,
  recordsVisit,
  safely,
  visitReach,
} from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/options{/}?" };

/**
 * At most 20 records that the foreign key in `column` may point to from a row of the organization `for`,
 * whose names contain `q`, or the one that has the `value`.
 */
export const handler = define.handlers({
  async GET(ctx) {
    const { model, catalog, reach: visited } = await recordsVisit(ctx);
    const { services: { db }, admin } = ctx.state;
    const { searchParams } = ctx.url;
    const reference = referencesOf(model, catalog)
      .find(({ column }) => column === searchParams.get("column"));
    if (!reference) {
      throw new LockstepError("not_found", `${model.name} has no such foreign key.`);
    }
    const given = searchParams.get("for") ?? "";
    const organization = /^\d{1,9}$/.test(given) ? Number(given) : null;
    const { scope } = admin!;
    // A record that staff have open may be another organization's than the one they have chosen.
    const isElsewhere = organization !== null && !visited.organizationIds.includes(organization);
    const reach = isElsewhere && "all" in scope ? await visitReach(db, { scope }) : visited;
    const own = reachOfOne(reach, organization);
    const q = (searchParams.get("q") ?? "").slice(0, 100).replaceAll("\0", "");
    const value = searchParams.get("value");
    const rows = value === null
      ? await findReferenced(db, reference, own, q)
      : await safely(referencedRows(db, reference, own, [value.slice(0, 100)]));
    return ctx.json(rows.map(({ value, label, key }) => ({
      value,
      label,
      href: recordPath(reference.target, key),
    })));
  },
});
