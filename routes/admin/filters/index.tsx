import { page } from "fresh";
import type { ComponentChildren } from "preact";
import { describeCondition, parseFilters } from "../../../lib/access/mod.ts";
import {
  Badge,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  SortHead,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type GroupChoice,
  groupChoices,
  type ListedFilter,
  listPage,
  permissionList,
  rowFilterPage,
  type RowFilterQuery,
  rowFilterQuery,
  type SortedPage,
} from "../../../lib/web/mod.ts";

interface Filters extends SortedPage<ListedFilter & { words: string; isBroken: boolean }> {
  asked: RowFilterQuery;
  groups: GroupChoice[];
  models: string[];
  organizations: { slug: string; name: string }[];
  organization?: { slug: string; name: string };
  /** Address of the permission's own filter, where the list is about one group and model. */
  permission?: string;
}

const path = "/admin/filters";

export const handler = define.handlers({
  async GET(ctx) {
    const { services: { db, catalog: models }, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Filters";
    const asked = rowFilterQuery(searchParams);
    const catalog = await models.current();
    // As stored, whichever of its names the address has.
    if (asked.model) asked.model = catalog.find(asked.model)?.name ?? asked.model;
    const found = await rowFilterPage(db, admin!, asked, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    const { organization, organizations } = admin!;
    return page<Filters>({
      ...found,
      rows: found.rows.map((row) => ({ ...row, ...wordsOf(row) })),
      asked,
      groups: await groupChoices(db, admin!.scope),
      models: catalog.models.filter(({ enabled }) => enabled).map(({ name }) => name).sort(),
      organizations,
      organization: organization ?? (organizations.length === 1 ? organizations[0] : undefined),
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

const labels: Record<string, string> = {
  q: "Text",
  model: "Model",
  group_id: "Group",
  state: "State",
};
const states: Record<string, string> = { active: "Active", inactive: "Not active" };

export default define.page<typeof handler>(function FiltersPage({ data }) {
  const { rows, previous, next, asked, groups, models, organizations, organization } = data;
  const { sort = "model", ...filters } = asked;
  const given = Object.entries(asked).map(([name, value]) => [name, String(value)]);
  const at = (name: string, value: string) =>
    `${path}?${new URLSearchParams([...given.filter(([other]) => other !== name), [name, value]])}`;
  const inForce = Object.entries(filters).map(([name, value]) => [name, String(value)]);
  const group = groups.find(({ id }) => id === asked.group_id);
  const head = (name: string, label: string) => (
    <SortHead
      name={name}
      label={label}
      sort={sort}
      href={(sort) => at("sort", sort)}
    />
  );
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }]}
        title="Filters"
        description="Which rows of a model a group may push and pull. A permission's own filter and every active data filter of the group must hold."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${new URLSearchParams(given)}`}>
          <Icon name="download" /> CSV
        </a>
        {data.permission && (
          <a class="btn btn-outline-secondary" href={data.permission}>
            <Icon name="shield-check" /> Filter of the permission
          </a>
        )}
      </PageHeader>
      <form class="filter-form" method="get" action={path}>
        {asked.sort && <input type="hidden" name="sort" value={asked.sort} />}
        <Field name="group_id" label="Group">
          {(control) => (
            <select {...control} class="form-select">
              <option value="" selected={!asked.group_id}>Any</option>
              {groups.map(({ id, name }) => (
                <option key={id} value={id} selected={id === asked.group_id}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field name="model" label="Model">
          {(control) => (
            <select {...control} class="form-select">
              <option value="" selected={!asked.model}>Any</option>
              {models.map((name) => (
                <option key={name} value={name} selected={name === asked.model}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field name="state" label="State">
          {(control) => (
            <select {...control} class="form-select">
              <option value="" selected={!asked.state}>Any</option>
              {Object.entries(states).map(([value, words]) => (
                <option key={value} value={value} selected={asked.state === value}>{words}</option>
              ))}
            </select>
          )}
        </Field>
        <Field
          name="q"
          label="Text"
          type="search"
          placeholder="Name, model, group"
          value={asked.q}
        />
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
          shown: name === "group_id" ? group?.name ?? value : states[value],
        }))}
      />
      {rows.length === 0
        ? (
          <EmptyState
            icon="funnel"
            title={inForce.length > 0 ? "No filter matches" : "There is no row filter yet"}
            action={inForce.length > 0
              ? <a class="btn btn-outline-secondary" href={path}>Show all filters</a>
              : undefined}
          >
            Without a filter, a group that may pull a model pulls every row of its organization.
          </EmptyState>
        )
        : (
          <>
            <div class="table-responsive" tabIndex={0} role="region" aria-label="Filters">
              <table class="table sort-table">
                <thead>
                  <tr>
                    {head("name", "Filter")}
                    {head("model", "Model")}
                    {head("group_name", "Group")}
                    {!organization && <th>Organization</th>}
                    <th>Rows for which</th>
                    <th>State</th>
                  </tr>
                </thead>
                <tbody>
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
      <section>
        <h2>Add a data filter</h2>
        <form class="filter-form" method="get" action={`${path}/new`}>
          <NewChoice name="organization" label="Organization">
            {organizations.map(({ slug, name }) => (
              <option key={slug} value={slug} selected={slug === organization?.slug}>{name}</option>
            ))}
          </NewChoice>
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
