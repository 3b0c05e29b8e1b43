import { page } from "fresh";
import {
  Alert,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  RelativeTime,
  SortHead,
  UserRank,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type ListedUser,
  type SortedPage,
  type UserFilter,
  userFilter,
  userPage,
} from "../../../lib/web/mod.ts";

interface Users extends SortedPage<ListedUser> {
  filter: UserFilter;
  /** The organization whose members these are. */
  organization?: string;
  deleted?: string;
}

const path = "/admin/users";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Users";
    const filter = userFilter(searchParams);
    const rows = await userPage(services.db, admin!, filter, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    return page<Users>({
      ...rows,
      filter,
      organization: admin!.organization?.name,
      deleted: searchParams.get("deleted") ?? undefined,
    });
  },
});

const labels: Record<string, string> = { q: "Text", state: "State", rank: "Rank" };
const words: Record<string, string> = {
  active: "Active",
  disabled: "Disabled",
  staff: "Staff",
  superuser: "Superuser",
};

export default define.page<typeof handler>(function UsersPage({ data }) {
  const { rows, previous, next, filter, organization, deleted } = data;
  const { sort = "username", ...filters } = filter;
  const given = Object.entries(filter) as [string, string][];
  const at = (name: string, value: string) =>
    `${path}?${new URLSearchParams([...given.filter(([other]) => other !== name), [name, value]])}`;
  const head = (name: string, label: string) => (
    <SortHead
      name={name}
      label={label}
      sort={sort}
      href={(sort) => at("sort", sort)}
    />
  );
  const inForce = Object.entries(filters) as [string, string][];
  const choice = (name: "state" | "rank", values: string[]) => (
    <Field name={name} label={labels[name]}>
      {(control) => (
        <select {...control} class="form-select">
          <option value="" selected={!filter[name]}>Any</option>
          {values.map((value) => (
            <option key={value} value={value} selected={filter[name] === value}>
              {words[value]}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Users"
        description={organization
          ? `Who is in a group of ${organization}.`
          : "Who may sign in or sync, and in which groups they are."}
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${new URLSearchParams(given)}`}>
          <Icon name="download" /> CSV
        </a>
        <a class="btn btn-primary" href={`${path}/new`}>
          <Icon name="person-plus" /> Create user
        </a>
      </PageHeader>
      {deleted && <Alert kind="success">The user {deleted.slice(0, 150)} is deleted.</Alert>}
      <form class="filter-form" method="get" action={path}>
        {filter.sort && <input type="hidden" name="sort" value={filter.sort} />}
        <Field name="q" label="Text" type="search" placeholder="Name or e-mail" value={filter.q} />
        {choice("state", ["active", "disabled"])}
        {choice("rank", ["staff", "superuser"])}
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
          shown: words[value],
        }))}
      />
      {rows.length === 0
        ? (
          <EmptyState
            icon="people"
            title={inForce.length > 0 ? "No user matches the filters" : "There is no user here yet"}
            action={inForce.length > 0
              ? <a class="btn btn-outline-secondary" href={path}>Show all users</a>
              : undefined}
          >
            A user appears here as soon as somebody creates them or puts them into a group.
          </EmptyState>
        )
        : (
          <>
            <div class="table-responsive" tabIndex={0} role="region" aria-label="Users">
              <table class="table sort-table">
                <thead>
                  <tr>
                    {head("username", "User")}
                    {head("last_name", "Name")}
                    {head("email", "E-mail")}
                    <th>Groups</th>
                    <th>State</th>
                    {head("last_login", "Last sign-in")}
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={row.id}>
                      <td>
                        <a href={`${path}/${row.id}`}>{row.username}</a>
                      </td>
                      <td class="text-nowrap">
                        {`${row.first_name} ${row.last_name}`.trim() || "—"}
                      </td>
                      <td class="cell-short" title={row.email}>{row.email || "—"}</td>
                      <td class="cell-text">{row.groups || "None"}</td>
                      <td class="text-nowrap">
                        <UserRank user={row} />
                      </td>
                      <td>{row.last_login ? <RelativeTime value={row.last_login} /> : "Never"}</td>
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
