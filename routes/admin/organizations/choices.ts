import { define, listPage, organizationList } from "../../../lib/web/mod.ts";

/** At most 20 active organizations that are administered, whose names or slugs contain `q`. */
export const handler = define.handlers({
  async GET(ctx) {
    const { services: { db }, admin } = ctx.state;
    const q = (ctx.url.searchParams.get("q") ?? "").slice(0, 100).replaceAll("\0", "");
    const { items } = await listPage(db, admin!.scope, organizationList, {
      q: q.toWellFormed(),
      is_active: true,
      limit: 20,
    });
    return ctx.json(items.map(({ id, name, slug }) => ({
      value: slug,
      label: name,
      href: `/admin/organizations/${id}`,
    })));
  },
});
