import { page } from "fresh";
import { defaultGroups, ensureGroups, requireAll } from "../../../lib/access/mod.ts";
import {
  Alert,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  SortHead,
} from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  type GroupFilter,
  groupFilter,
  groupPage,
  type GroupRow,
  type SortedPage,
} from "../../../lib/web/mod.ts";

interface Groups extends SortedPage<GroupRow> {
  filter: GroupFilter;
  organization?: string;
  mayCreate: boolean;
  /** Some of the seven default groups are not there. */
  lacksDefaults: boolean;
  said?: string;
}

const path = "/admin/groups";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Groups";
    const filter = groupFilter(searchParams);
    const rows = await groupPage(services.db, admin!, filter, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    const deleted = searchParams.get("deleted");
    return page<Groups>({
      ...rows,
      filter,
      organization: admin!.organization?.name,
      mayCreate: "all" in admin!.scope,
      lacksDefaults: !filter.q && !rows.next && !rows.previous &&
        defaultGroups.some(({ name }) => !rows.rows.some((row) => row.name === name)),
      said: deleted
        ? `The group ${deleted.slice(0, 150)} is deleted.`
        : searchParams.has("defaults")
        ? "The default groups are there. A template gives them permissions."
        : undefined,
    });
  },
  async POST(ctx) {
    requireAll(ctx.state.admin!.scope);
    await changeByForm(ctx.state, (tx) => ensureGroups(tx, defaultGroups));
    return ctx.redirect(`${path}?defaults=yes`, 303);
  },
});

export default define.page<typeof handler>(function GroupsPage({ data }) {
  const { rows, previous, next, filter, organization, mayCreate, lacksDefaults, said } = data;
  const { sort = "name", q } = filter;
  const given = Object.entries(filter) as [string, string][];
  const at = (name: string, value: string) =>
    `${path}?${new URLSearchParams([...given.filter(([other]) => other !== name), [name, value]])}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Groups"
        description="Groups are the same in every organization; what they may do is set in each."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${new URLSearchParams(given)}`}>
          <Icon name="download" /> CSV
        </a>
        {mayCreate && lacksDefaults && (
          <form method="post" action={path}>
            <button type="submit" class="btn btn-outline-secondary">
              Create the default groups
            </button>
          </form>
        )}
        {mayCreate && (
          <a class="btn btn-primary" href={`${path}/new`}>
            <Icon name="plus-lg" /> Create group
          </a>
        )}
      </PageHeader>
      {said && <Alert kind="success">{said}</Alert>}
      <form class="filter-form" method="get" action={path}>
        {filter.sort && <input type="hidden" name="sort" value={filter.sort} />}
        <Field name="q" label="Text" type="search" placeholder="Name or description" value={q} />
        <button type="submit" class="btn btn-primary">
          <Icon name="funnel" /> Filter
        </button>
      </form>
      <FilterChips path={path} filters={q ? [{ name: "q", value: q, label: "Text" }] : []} />
      {rows.length === 0
        ? (
          <EmptyState
            icon="people"
            title={q ? "No group matches the filter" : "There are no groups yet"}
            action={q
              ? <a class="btn btn-outline-secondary" href={path}>Show all groups</a>
              : undefined}
          >
            A group appears here as soon as somebody creates it.
          </EmptyState>
        )
        : (
          <>
            <div class="table-responsive" tabIndex={0} role="region" aria-label="Groups">
              <table class="table sort-table">
                <thead>
                  <tr>
                    <SortHead
                      name="name"
                      label="Group"
                      sort={sort}
                      href={(sort) => at("sort", sort)}
                    />
                    <th class="text-end">
                      {organization ? `Members in ${organization}` : "Members"}
                    </th>
                    <th class="text-end">Models granted</th>
                    <th class="text-end">Data filters</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={row.id}>
                      <td class="cell-text">
                        <a href={`${path}/${row.id}`}>{row.name}</a>
                        {row.description && <small class="d-block">{row.description}</small>}
                      </td>
                      <td class="text-end">{row.members.toLocaleString("en")}</td>
                      <td class="text-end">{row.permissions.toLocaleString("en")}</td>
                      <td class="text-end">{row.filters.toLocaleString("en")}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pagination
              newer={previous && at("before", previous)}
              older={next && at("after", next)}
              words={{ newer: "Previous", older: "Next" }}
            />
          </>
        )}
    </>
  );
});
