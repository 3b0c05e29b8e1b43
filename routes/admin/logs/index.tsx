import { page } from "fresh";
import LiveRows from "../../../islands/LiveRows.tsx";
import {
  Badge,
  Choice,
  duration,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type RowsPage,
  type SyncLogFilter,
  syncLogFilter,
  syncLogPage,
  type SyncLogRow,
} from "../../../lib/web/mod.ts";

interface Logs extends RowsPage<SyncLogRow> {
  filter: SyncLogFilter;
  models: string[];
  showsOrganization: boolean;
  /** The page of the newest lines. */
  isFirst: boolean;
}

const path = "/admin/logs";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Logs";
    const filter = syncLogFilter(searchParams);
    const { models } = await services.catalog.current();
    const rows = await syncLogPage(services.db, admin!, filter, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    return page<Logs>({
      ...rows,
      filter,
      models: models.filter(({ enabled }) => enabled).map(({ name }) => name),
      isFirst: !searchParams.has("before") && !searchParams.has("after"),
      showsOrganization: !admin!.organization && admin!.organizations.length > 1,
    });
  },
});

const labels: Record<keyof SyncLogFilter, string> = {
  operation: "Operation",
  status: "Status",
  model: "Model",
  username: "User",
  device: "Device",
  q: "Text",
  from: "From",
  to: "To",
};

const kinds = { SUCCESS: "success", WARNING: "warning", ERROR: "danger" } as const;

const operations = { PUSH: "Push", PULL: "Pull" };
const outcomes = { SUCCESS: "Succeeded", WARNING: "Partly refused", ERROR: "Failed" };
const words: Record<string, string> = { ...operations, ...outcomes };

export default define.page<typeof handler>(function LogsPage({ data }) {
  const { rows, newer, older, filter, models, showsOrganization, isFirst } = data;
  const filters = Object.entries(filter) as [keyof SyncLogFilter, string][];
  const query = new URLSearchParams(filters);
  const neighbour = (name: string, place: string | undefined) =>
    place && `${path}?${new URLSearchParams([...query, [name, place]])}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Logs"
        description="Every push and pull: one line for each model that a request touched."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${query}`} download>
          <Icon name="download" /> Export CSV
        </a>
      </PageHeader>
      <FilterForm filter={filter} models={models} />
      <FilterChips
        path={path}
        filters={filters.map(([name, value]) => ({
          name,
          value,
          label: labels[name],
          shown: words[value],
        }))}
      />
      {isFirst && <LiveRows topics={["logs"]} />}
      <div data-live="log">
        {rows.length === 0
          ? (
            <EmptyState
              icon="journal-text"
              title={filters.length > 0 ? "No line matches the filters" : "Nothing was synced yet"}
              action={newer !== undefined || filters.length > 0
                ? <a class="btn btn-outline-secondary" href={path}>Show everything</a>
                : undefined}
            >
              {filters.length > 0
                ? "Take a filter away to see more."
                : "Every push and pull of an application appears here, with its outcome."}
            </EmptyState>
          )
          : (
            <>
              <div class="table-responsive" tabIndex={0} role="region" aria-label="Sync log">
                <table class="table">
                  <thead>
                    <tr>
                      <th>Time</th>
                      <th>Operation</th>
                      <th>Model</th>
                      <th class="text-end">Records</th>
                      <th class="text-end">Duration</th>
                      <th>Status</th>
                      <th>User</th>
                      <th>Device</th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((row) => (
                      <Line key={row.id} row={row} showsOrganization={showsOrganization} />
                    ))}
                  </tbody>
                </table>
              </div>
              <Pagination newer={neighbour("after", newer)} older={neighbour("before", older)} />
            </>
          )}
      </div>
    </>
  );
});

function Line({ row, showsOrganization }: { row: SyncLogRow; showsOrganization: boolean }) {
  return (
    <tr data-key={row.id}>
      <td>
        <RelativeTime value={row.timestamp} />
      </td>
      <td>{operations[row.operation]}</td>
      <td class="cell-text">
        {row.model || "—"}
        {row.error_message && <small class="d-block">{row.error_message}</small>}
        {row.status !== "SUCCESS" && row.request_id !== "" && (
          <small class="d-block">
            Request <code>{row.request_id}</code>
          </small>
        )}
      </td>
      <td class="text-end">{row.object_count.toLocaleString("en")}</td>
      <td class="text-end text-nowrap">{duration(row.processing_time)}</td>
      <td>
        <Badge kind={kinds[row.status]}>{outcomes[row.status]}</Badge>
      </td>
      <td class="cell-owner">
        {row.username ?? "—"}
        {showsOrganization && <small class="d-block">{row.organization_slug}</small>}
      </td>
      <td class="cell-short" title={row.device}>{row.device || "—"}</td>
    </tr>
  );
}

function FilterForm({ filter, models }: { filter: SyncLogFilter; models: string[] }) {
  return (
    <form class="filter-form" method="get" action={path}>
      <Choice
        name="operation"
        label="Operation"
        chosen={filter.operation}
        options={operations}
        any="Any"
      />
      <Choice
        name="status"
        label="Status"
        chosen={filter.status}
        options={outcomes}
        any="Any"
      />
      <Field name="model" label="Model" value={filter.model} list="model-names" />
      <datalist id="model-names">
        {models.map((name) => <option key={name} value={name} />)}
      </datalist>
      <Field name="username" label="User" value={filter.username} autocapitalize="none" />
      <Field name="device" label="Device" value={filter.device} />
      <Field name="from" label="From (UTC)" type="date" value={filter.from} />
      <Field name="to" label="To (UTC)" type="date" value={filter.to} />
      <Field name="q" label="Text" type="search" value={filter.q} />
      <button type="submit" class="btn btn-primary">
        <Icon name="funnel" /> Filter
      </button>
    </form>
  );
}
