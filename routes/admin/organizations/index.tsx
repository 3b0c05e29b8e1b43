import { page } from "fresh";
import {
  Alert,
  Badge,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  RelativeTime,
  SortHead,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type OrganizationFilter,
  organizationFilter,
  organizationPage,
  type OrganizationRow,
  type SortedPage,
} from "../../../lib/web/mod.ts";

interface Organizations extends SortedPage<OrganizationRow> {
  filter: OrganizationFilter;
  mayCreate: boolean;
  deleted?: string;
}

const path = "/admin/organizations";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Organizations";
    const filter = organizationFilter(searchParams);
    const rows = await organizationPage(services.db, admin!.scope, filter, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    return page<Organizations>({
      ...rows,
      filter,
      mayCreate: "all" in admin!.scope,
      deleted: searchParams.get("deleted") ?? undefined,
    });
  },
});

const labels: Record<string, string> = { q: "Text", state: "State" };
const states: Record<string, string> = { active: "Active", inactive: "Not active" };

export default define.page<typeof handler>(function OrganizationsPage({ data }) {
  const { rows, previous, next, filter, mayCreate, deleted } = data;
  const { sort = "name", ...filters } = filter;
  const given = Object.entries(filter) as [string, string][];
  const at = (more: [string, string][]) => {
    const names = more.map(([name]) => name);
    return `${path}?${new URLSearchParams([
      ...given.filter(([name]) => !names.includes(name)),
      ...more,
    ])}`;
  };
  const inForce = Object.entries(filters) as [string, string][];
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Organizations"
        description="Each sees its own rows only, with groups' permissions of its own."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${new URLSearchParams(given)}`}>
          <Icon name="download" /> CSV
        </a>
        {mayCreate && (
          <a class="btn btn-primary" href={`${path}/new`}>
            <Icon name="plus-lg" /> Create organization
          </a>
        )}
      </PageHeader>
      {deleted && (
        <Alert kind="success">The organization {deleted.slice(0, 200)} is deleted.</Alert>
      )}
      <form class="filter-form" method="get" action={path}>
        {filter.sort && <input type="hidden" name="sort" value={filter.sort} />}
        <Field
          name="q"
          label="Text"
          type="search"
          placeholder="Name, slug or description"
          value={filter.q}
        />
        <Field name="state" label="State">
          {(control) => (
            <select {...control} class="form-select">
              <option value="" selected={!filter.state}>Any</option>
              {Object.entries(states).map(([value, words]) => (
                <option key={value} value={value} selected={filter.state === value}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        <button type="submit" class="btn btn-primary">
          <Icon name="funnel" /> Filter
        </button>
      </form>
      <FilterChips
        path={path}
        filters={inForce.map(([name, value]) => ({
          name,
          value,
          label: labels[name],
          shown: states[value],
        }))}
      />
      {rows.length === 0
        ? (
          <EmptyState
            icon="building"
            title={inForce.length > 0
              ? "No organization matches the filters"
              : "There is no organization yet"}
            action={inForce.length > 0
              ? <a class="btn btn-outline-secondary" href={path}>Show all organizations</a>
              : undefined}
          >
            An organization appears here as soon as somebody creates it.
          </EmptyState>
        )
        : (
          <>
            <div class="table-responsive" tabIndex={0} role="region" aria-label="Organizations">
              <table class="table sort-table">
                <thead>
                  <tr>
                    <SortHead
                      name="name"
                      label="Name"
                      sort={sort}
                      href={(sort) => at([["sort", sort]])}
                    />
                    <SortHead
                      name="slug"
                      label="Slug"
                      sort={sort}
                      href={(sort) => at([["sort", sort]])}
                    />
                    <th>State</th>
                    <th class="text-end">Members</th>
                    <SortHead
                      name="created_at"
                      label="Created"
                      sort={sort}
                      href={(sort) => at([["sort", sort]])}
                    />
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={row.id}>
                      <td class="cell-text">
                        <a href={`${path}/${row.id}`}>{row.name}</a>
                        {row.description && <small class="d-block">{row.description}</small>}
                      </td>
                      <td>
                        <code>{row.slug}</code>
                      </td>
                      <td>
                        {row.is_active
                          ? <Badge kind="success">Active</Badge>
                          : <Badge kind="warning">Not active</Badge>}
                      </td>
                      <td class="text-end">{row.members.toLocaleString("en")}</td>
                      <td>
                        <RelativeTime value={row.created_at} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pagination
              newer={previous && at([["before", previous]])}
              older={next && at([["after", next]])}
              words={{ newer: "Previous", older: "Next" }}
            />
          </>
        )}
    </>
  );
});
