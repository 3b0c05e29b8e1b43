import { page } from "fresh";
import type { ComponentChildren } from "preact";
import { describeCondition, parseFilters } from "../../../lib/access/mod.ts";
import {
  Badge,
  EmptyList,
  Icon,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type GroupChoice,
  groupChoices,
  type ListedFilter,
  type ListedPage,
  listedPage,
  listPage,
  modelNames,
  onlyOrganization,
  type OrganizationChoices,
  organizationChoices,
  permissionList,
  rowFilterPages,
  type RowFilterQuery,
} from "../../../lib/web/mod.ts";
import { OrganizationChoice } from "../(_form)/organization_choice.tsx";

interface Filters
  extends ListedPage<ListedFilter & { words: string; isBroken: boolean }, RowFilterQuery> {
  groups: GroupChoice[];
  models: string[];
  choices: OrganizationChoices;
  organization?: { slug: string; name: string };
  /** Address of the permission's own filter, where the list is about one group and model. */
  permission?: string;
}

const path = "/admin/filters";

export const handler = define.handlers({
  async GET(ctx) {
    const { services: { db, catalog: models }, admin } = ctx.state;
    ctx.state.title = "Filters";
    const asked = rowFilterPages.filter(ctx.url.searchParams);
    const catalog = await models.current();
    // As stored, whichever of its names the address has.
    if (asked.model) asked.model = catalog.find(asked.model)?.name ?? asked.model;
    const listed = await listedPage(ctx, rowFilterPages, asked);
    const { organization } = admin!;
    return page<Filters>({
      ...listed,
      rows: listed.rows.map((row) => ({ ...row, ...wordsOf(row) })),
      groups: await groupChoices(db, admin!.scope),
      models: modelNames(catalog).sort(),
      choices: organizationChoices(admin!),
      organization: onlyOrganization(admin!),
      permission: await permissionOf(),
    });

    async function permissionOf(): Promise<string | undefined> {
      const { group_id, model } = asked;
      const organization_id = organization?.id;
      if (!organization_id || !group_id || !model) return;
      const { items: [item] } = await listPage(db, admin!.scope, permissionList, {
        organization_id,
        group_id,
        model,
        limit: 1,
      });
      return item && `${path}/permission-${item.id}`;
    }

    function wordsOf({ model, name, condition }: ListedFilter) {
      const found = catalog.find(model);
      try {
        if (!found) throw new Error("There is no such model any more");
        const words = parseFilters(condition, found, name || "filters").map(describeCondition);
        return { words: words.join(" and "), isBroken: false };
      } catch {
        return { words: JSON.stringify(condition), isBroken: true };
      }
    }
  },
});

const states = { active: "Active", inactive: "Not active" };

export default define.page<typeof handler>(function FiltersPage({ data }) {
  const { rows, filter: asked, groups, models, choices, organization } = data;
  const list = listState(path, asked, "model");
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Filters"
        description="Which rows of a model a group may push and pull. A permission's own filter and every active data filter of the group must hold."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${list.query}`}>
          <Icon name="download" /> CSV
        </a>
        {data.permission && (
          <a class="btn btn-outline-secondary" href={data.permission}>
            <Icon name="shield-check" /> Filter of the permission
          </a>
        )}
      </PageHeader>
      <ListFilters
        list={list}
        fields={{
          group_id: { label: "Group", options: groups },
          model: { label: "Model", options: models },
          state: { label: "State", options: states },
          q: { label: "Text", type: "search", placeholder: "Name, model, group" },
        }}
      />
      <ListTable
        list={list}
        page={data}
        label="Filters"
        head={[
          { words: "Filter", sort: "name" },
          { words: "Model", sort: "model" },
          { words: "Group", sort: "group_name" },
          !organization && "Organization",
          "Rows for which",
          "State",
        ]}
        empty={
          <EmptyList
            list={list}
            icon="funnel"
            none="There is no row filter yet"
            unmatched="No filter matches"
            all="Show all filters"
          >
            Without a filter, a group that may pull a model pulls every row of its organization.
          </EmptyList>
        }
      >
        {rows.map((row) => (
          <tr key={row.id}>
            <td class="cell-text">
              <a href={`${path}/${row.id}`}>{row.name || "Of the permission"}</a>
            </td>
            <td>{row.model}</td>
            <td>{row.group_name}</td>
            {!organization && <td>{row.organization_slug}</td>}
            <td class="cell-text">{row.words}</td>
            <td>
              {row.isBroken
                ? <Badge kind="danger">No longer fits</Badge>
                : row.is_active
                ? <Badge kind="success">Active</Badge>
                : <Badge kind="warning">Not active</Badge>}
            </td>
          </tr>
        ))}
      </ListTable>
      <section>
        <h2>Add a data filter</h2>
        <form class="filter-form" method="get" action={`${path}/new`}>
          <OrganizationChoice
            name="organization"
            required
            chosen={organization?.slug}
            choices={choices}
          />
          <NewChoice name="group_id" label="Group">
            {groups.map(({ id, name }) => (
              <option key={id} value={id} selected={id === asked.group_id}>{name}</option>
            ))}
          </NewChoice>
          <NewChoice name="model" label="Model">
            {models.map((name) => (
              <option key={name} value={name} selected={name === asked.model}>{name}</option>
            ))}
          </NewChoice>
          <button type="submit" class="btn btn-primary">
            <Icon name="plus-lg" /> Build the filter
          </button>
        </form>
      </section>
    </>
  );
});

/** A choice of the form for a new filter; the list's own form has fields of the same names. */
function NewChoice(
  { name, label, children }: { name: string; label: string; children: ComponentChildren },
) {
  const id = `new-${name}`;
  return (
    <div>
      <label class="form-label" for={id}>{label}</label>
      <select id={id} name={name} class="form-select">{children}</select>
    </div>
  );
}
