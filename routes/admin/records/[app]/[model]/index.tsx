import { page, type RouteConfig } from "fresh";
import { organizationNames } from "../../../../../lib/access/mod.ts";
import type { Column, Model } from "../../../../../lib/models/mod.ts";
import {
  Alert,
  EmptyState,
  FilterChips,
  Icon,
  listState,
  PageHeader,
  Pagination,
  RecordCell,
  Table,
} from "../../../../../lib/ui/mod.ts";
import {
  define,
  emptyValue,
  filterName,
  filterOf,
  humanName,
  recordChips,
  recordPath,
  type RecordsAsked,
  recordsAsked,
  recordsPath,
  type RecordsView,
  recordsView,
  recordsVisit,
} from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model{/}?" };

interface List extends RecordsView {
  model: Model;
  path: string;
  asked: RecordsAsked;
  /** By id, where rows of several are shown. */
  organizations?: Map<number, { name: string }>;
  /** The record that was deleted just now, with the path of its history. */
  deleted?: { label: string; history?: string };
}

export const handler = define.handlers({
  async GET(ctx) {
    const visit = await recordsVisit(ctx);
    const { model, path, showsOrganization } = visit;
    ctx.state.title = model.name;
    const asked = recordsAsked(model, ctx.url.searchParams);
    const { db } = ctx.state.services;
    const view = await recordsView(db, visit, asked);
    return page<List>({
      ...view,
      model,
      path,
      asked,
      organizations: showsOrganization
        ? await organizationNames(db, view.rows.map(({ organizationId }) => organizationId))
        : undefined,
      deleted: deletedRecord(model, ctx.url.searchParams),
    });
  },
});

function deletedRecord(model: Model, params: URLSearchParams): List["deleted"] {
  const label = params.get("deleted")?.slice(0, 200);
  if (label === undefined) return;
  const key = params.getAll("key");
  return {
    label,
    history: key.length === model.key.length ? recordPath(model, key, "history") : undefined,
  };
}

export default define.page<typeof handler>(function RecordListPage({ data, url }) {
  const { model, path, asked, rows, columns, organizations, total, deleted } = data;
  const { sort, descending } = asked.query;
  const params = listParams(url.searchParams);
  const chips = recordChips(model, asked);
  const order = sort === null ? undefined : descending ? `-${sort}` : sort;
  const list = { ...listState(path, params), sort: order };
  return (
    <>
      <PageHeader
        place={[{ label: "Data" }, { label: "Records", href: recordsPath }]}
        title={model.name}
      >
        <a class="btn btn-outline-secondary" href={`${path}export/?${list.query}`}>
          <Icon name="download" /> Export as CSV
        </a>
        <a class="btn btn-primary" href={`${path}add/`}>
          <Icon name="plus-lg" /> Add record
        </a>
      </PageHeader>
      {deleted && (
        <Alert kind="success">
          {`Deleted ${deleted.label}. `}
          {deleted.history && <a href={deleted.history}>Bring it back from its history</a>}
        </Alert>
      )}
      <Filters data={data} params={params} />
      <FilterChips list={list} filters={chips} />
      {rows.length === 0 ? <Empty filtered={chips.length > 0} path={path} model={model} /> : (
        <>
          <Table
            class="record-table"
            label={model.name}
            list={list}
            head={[
              ...columns.map(({ name, label, look, sortable }) => ({
                words: label,
                number: look === "number",
                sort: sortable ? name : undefined,
              })),
              organizations && "Organization",
            ]}
          >
            {rows.map((row) => (
              <tr>
                {row.cells.map((cell, i) => {
                  const { look } = columns[i];
                  if (i === 0) {
                    return (
                      <td class="cell-text">
                        <a class="fw-semibold" href={row.href} dir="auto">{row.label}</a>
                      </td>
                    );
                  }
                  return (
                    <td class={look === "number" ? "text-end" : "cell-short"}>
                      <RecordCell {...cell} look={look} />
                    </td>
                  );
                })}
                {organizations && (
                  <td class="text-nowrap">
                    {row.organizationId !== null && organizations.get(row.organizationId)?.name}
                  </td>
                )}
              </tr>
            ))}
          </Table>
          <Pagination
            newer={data.previous && list.at("before", data.previous)}
            older={data.next && list.at("after", data.next)}
            total={total ? totalText(total) : ""}
            words={sort ? { newer: "Previous", older: "Next" } : undefined}
          />
        </>
      )}
    </>
  );
});

/** What of an address stays from page to page: filters, order and columns. */
function listParams(params: URLSearchParams): URLSearchParams {
  const kept = [...params].filter(([name, value]) =>
    value !== "" && (["q", "sort", "columns"].includes(name) || name.startsWith("f."))
  );
  return new URLSearchParams(kept);
}

function totalText({ count, kind }: NonNullable<RecordsView["total"]>): string {
  const rows = `${count.toLocaleString("en")} ${count === 1 ? "record" : "records"}`;
  return kind === "about" ? `About ${rows}` : kind === "more" ? `Over ${rows}` : rows;
}

function Empty({ filtered, path, model }: { filtered: boolean; path: string; model: Model }) {
  return (
    <EmptyState
      icon="inbox"
      title={filtered ? "No record matches the filters" : `There is no ${model.name} yet`}
      action={filtered
        ? <a class="btn btn-outline-secondary" href={path}>Show all records</a>
        : <a class="btn btn-outline-secondary" href={`${path}add/`}>Add the first</a>}
    >
      Records appear here when an application pushes them, or when somebody adds them.
    </EmptyState>
  );
}

function Filters({ data, params }: { data: List; params: URLSearchParams }) {
  const { model, path, asked } = data;
  const filters = model.columns.flatMap((column) => {
    const filter = filterOf(model, column);
    return filter ? [{ column, filter }] : [];
  });
  const inForce = asked.query.conditions.length;
  return (
    <form class="record-filters" method="get" action={path}>
      {params.has("sort") && <input type="hidden" name="sort" value={params.get("sort")!} />}
      <div class="record-search">
        <label class="visually-hidden" for="record-q">Text or key</label>
        <input
          id="record-q"
          class="form-control"
          type="search"
          name="q"
          placeholder="Text or key"
          value={asked.query.q}
        />
        <button type="submit" class="btn btn-primary">
          <Icon name="search" /> Search
        </button>
      </div>
      <details class="record-options">
        <summary>
          <Icon name="funnel" /> Filters{inForce > 0 && ` (${inForce})`}
        </summary>
        <div class="filter-form">
          {filters.map(({ column, filter }) => (
            <FilterField key={column.name} column={column} filter={filter!} params={params} />
          ))}
        </div>
        <button type="submit" class="btn btn-primary">
          <Icon name="funnel" /> Apply filters
        </button>
      </details>
      <details class="record-options">
        <summary>
          <Icon name="layout-three-columns" /> Columns
        </summary>
        <fieldset class="column-choice">
          <legend class="visually-hidden">Columns to show</legend>
          {model.columns.filter((column) => column !== asked.columns[0]).map((column) => (
            <label class="form-check">
              <input
                type="checkbox"
                class="form-check-input"
                name="columns"
                value={column.name}
                checked={asked.columns.includes(column)}
              />{" "}
              {humanName(column.name)}
            </label>
          ))}
        </fieldset>
        <button type="submit" class="btn btn-primary">Show these columns</button>
      </details>
    </form>
  );
}

interface FilterFieldProps {
  column: Column;
  filter: "choice" | "id" | "range";
  params: URLSearchParams;
}

function FilterField({ column, filter, params }: FilterFieldProps) {
  const label = humanName(column.name);
  const input = (end: string, words: string) => {
    const name = filterName(column, end);
    const id = `filter-${name}`;
    return (
      <div>
        <label class="form-label" for={id}>{words}</label>
        <input
          id={id}
          class="form-control"
          name={name}
          value={params.get(name) ?? ""}
          type={["date", "timestamp", "timestamptz"].includes(column.baseType) ? "date" : "text"}
        />
      </div>
    );
  };
  if (filter === "range") {
    return (
      <>
        {input("from", `${label} (from)`)}
        {input("to", `${label} (to)`)}
      </>
    );
  }
  if (filter === "id") return input("", `${label} is`);
  const name = filterName(column);
  const id = `filter-${name}`;
  const chosen = params.get(name) ?? "";
  const options = column.enumValues?.map((value) => [value, value]) ??
    [["true", "Yes"], ["false", "No"]];
  return (
    <div>
      <label class="form-label" for={id}>{label}</label>
      <select id={id} class="form-select" name={name}>
        <option value="" selected={chosen === ""}>Any</option>
        {options.map(([value, words]) => (
          <option value={value} selected={value === chosen}>{words}</option>
        ))}
        {column.nullable && (
          <option value={emptyValue} selected={chosen === emptyValue}>No value</option>
        )}
      </select>
    </div>
  );
}
