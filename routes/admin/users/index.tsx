import { page } from "fresh";
import {
  Alert,
  EmptyList,
  Icon,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
  RelativeTime,
  UserRank,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type ListedPage,
  listedPage,
  type ListedUser,
  type UserFilter,
  userPages,
} from "../../../lib/web/mod.ts";

interface Users extends ListedPage<ListedUser, UserFilter> {
  /** The organization whose members these are. */
  organization?: string;
  deleted?: string;
}

const path = "/admin/users";

export const handler = define.handlers({
  async GET(ctx) {
    const { admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Users";
    const listed = await listedPage(ctx, userPages);
    return page<Users>({
      ...listed,
      organization: admin!.organization?.name,
      deleted: searchParams.get("deleted") ?? undefined,
    });
  },
});

const states = { active: "Active", disabled: "Disabled" };
const ranks = { staff: "Staff", superuser: "Superuser" };

export default define.page<typeof handler>(function UsersPage({ data }) {
  const { rows, filter, organization, deleted } = data;
  const list = listState(path, filter, "username");
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Users"
        description={organization
          ? `Who is in a group of ${organization}.`
          : "Who may sign in or sync, and in which groups they are."}
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${list.query}`}>
          <Icon name="download" /> CSV
        </a>
        <a class="btn btn-primary" href={`${path}/new`}>
          <Icon name="person-plus" /> Create user
        </a>
      </PageHeader>
      {deleted && <Alert kind="success">The user {deleted.slice(0, 150)} is deleted.</Alert>}
      <ListFilters
        list={list}
        fields={{
          q: { label: "Text", type: "search", placeholder: "Name or e-mail" },
          state: { label: "State", options: states },
          rank: { label: "Rank", options: ranks },
        }}
      />
      <ListTable
        list={list}
        page={data}
        label="Users"
        head={[
          { words: "User", sort: "username" },
          { words: "Name", sort: "last_name" },
          { words: "E-mail", sort: "email" },
          "Groups",
          "State",
          { words: "Last sign-in", sort: "last_login" },
        ]}
        empty={
          <EmptyList
            list={list}
            icon="people"
            none="There is no user here yet"
            unmatched="No user matches the filters"
            all="Show all users"
          >
            A user appears here as soon as somebody creates them or puts them into a group.
          </EmptyList>
        }
      >
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
      </ListTable>
    </>
  );
});
