import { membershipsOf, modelAccess } from "../../../lib/access/mod.ts";
import { columnSchema } from "../../../lib/models/mod.ts";
import { bearer, define } from "../../../lib/web/mod.ts";

/** Where the caller may sync what, and what the models look like. */
export const handler = define.handlers({
  async GET(ctx) {
    const { db, catalog: models } = ctx.state.services;
    const { principal } = await bearer(ctx);
    const catalog = await models.current();
    const memberships = await membershipsOf(db, principal);
    const organizations = await Promise.all(memberships.map(async (membership) => {
      const access = await modelAccess(db, principal, membership, catalog);
      const allowed = catalog.models.filter(({ name, enabled }) => {
        const rights = access.get(name);
        return enabled && (rights?.push || rights?.pull);
      });
      return {
        id: membership.organization.id,
        slug: membership.organization.slug,
        name: membership.organization.name,
        groups: membership.groups.map(({ name }) => name),
        models: Object.fromEntries(allowed.map((model) => {
          const { push, pull } = access.get(model.name)!;
          return [model.name, {
            push: push !== null && model.writable,
            pull: pull !== null,
            filtered: [push, pull].some((scope) => scope !== null && !("all" in scope)),
            key: model.key,
            columns: Object.fromEntries(
              model.columns.map((column) => [column.name, columnSchema(model, column, catalog)]),
            ),
          }];
        })),
      };
    }));
    const { userId: id, username, email } = principal;
    return Response.json({ user: { id, username, email }, organizations }, {
      headers: { "Cache-Control": "no-store" },
    });
  },
});
