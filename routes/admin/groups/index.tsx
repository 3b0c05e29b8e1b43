import { page } from "fresh";
import { defaultGroups, ensureGroups, requireAll } from "../../../lib/access/mod.ts";
import {
  Alert,
  EmptyList,
  Icon,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
} from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  type GroupFilter,
  groupPages,
  type GroupRow,
  type ListedPage,
  listedPage,
} from "../../../lib/web/mod.ts";

interface Groups extends ListedPage<GroupRow, GroupFilter> {
  organization?: string;
  mayCreate: boolean;
  /** Some of the seven default groups are not there. */
  lacksDefaults: boolean;
  said?: string;
}

const path = "/admin/groups";

export const handler = define.handlers({
  async GET(ctx) {
    const { admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Groups";
    const listed = await listedPage(ctx, groupPages);
    const deleted = searchParams.get("deleted");
    return page<Groups>({
      ...listed,
      organization: admin!.organization?.name,
      mayCreate: "all" in admin!.scope,
      lacksDefaults: !listed.filter.q && !listed.next && !listed.previous &&
        defaultGroups.some(({ name }) => !listed.rows.some((row) => row.name === name)),
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
  const { rows, filter, organization, mayCreate, lacksDefaults, said } = data;
  const list = listState(path, filter, "name");
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Groups"
        description="Groups are the same in every organization; what they may do is set in each."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${list.query}`}>
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
      <ListFilters
        list={list}
        fields={{ q: { label: "Text", type: "search", placeholder: "Name or description" } }}
      />
      <ListTable
        list={list}
        page={data}
        label="Groups"
        head={[
          { words: "Group", sort: "name" },
          { words: organization ? `Members in ${organization}` : "Members", number: true },
          { words: "Models granted", number: true },
          { words: "Data filters", number: true },
        ]}
        empty={
          <EmptyList
            list={list}
            icon="people"
            none="There are no groups yet"
            unmatched="No group matches the filter"
            all="Show all groups"
          >
            A group appears here as soon as somebody creates it.
          </EmptyList>
        }
      >
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
      </ListTable>
    </>
  );
});
