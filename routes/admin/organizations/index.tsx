import { page } from "fresh";
import {
  Alert,
  Badge,
  EmptyList,
  Icon,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type ListedPage,
  listedPage,
  type OrganizationFilter,
  organizationPages,
  type OrganizationRow,
} from "../../../lib/web/mod.ts";

interface Organizations extends ListedPage<OrganizationRow, OrganizationFilter> {
  mayCreate: boolean;
  deleted?: string;
}

const path = "/admin/organizations";

export const handler = define.handlers({
  async GET(ctx) {
    const { admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Organizations";
    const listed = await listedPage(ctx, organizationPages);
    return page<Organizations>({
      ...listed,
      mayCreate: "all" in admin!.scope,
      deleted: searchParams.get("deleted") ?? undefined,
    });
  },
});

const states = { active: "Active", inactive: "Not active" };

export default define.page<typeof handler>(function OrganizationsPage({ data }) {
  const { rows, filter, mayCreate, deleted } = data;
  const list = listState(path, filter, "name");
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Organizations"
        description="Each sees its own rows only, with groups' permissions of its own."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${list.query}`}>
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
      <ListFilters
        list={list}
        fields={{
          q: { label: "Text", type: "search", placeholder: "Name, slug or description" },
          state: { label: "State", options: states },
        }}
      />
      <ListTable
        list={list}
        page={data}
        label="Organizations"
        head={[
          { words: "Name", sort: "name" },
          { words: "Slug", sort: "slug" },
          "State",
          { words: "Members", number: true },
          { words: "Created", sort: "created_at" },
        ]}
        empty={
          <EmptyList
            list={list}
            icon="building"
            none="There is no organization yet"
            unmatched="No organization matches the filters"
            all="Show all organizations"
          >
            An organization appears here as soon as somebody creates it.
          </EmptyList>
        }
      >
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
      </ListTable>
    </>
  );
});
