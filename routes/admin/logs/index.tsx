import { page } from "fresh";
import LiveRows from "../../../islands/LiveRows.tsx";
import {
  Badge,
  duration,
  EmptyState,
  Icon,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  define,
  modelNames,
  onlyOrganization,
  pagePlace,
  type RowsPage,
  type SyncLogFilter,
  syncLogPage,
  syncLogPages,
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
    const filter = syncLogPages.filter(searchParams);
    const catalog = await services.catalog.current();
    const rows = await syncLogPage(services.db, admin!, filter, pagePlace(ctx.url));
    return page<Logs>({
      ...rows,
      filter,
      models: modelNames(catalog),
      isFirst: !searchParams.has("before") && !searchParams.has("after"),
      showsOrganization: !onlyOrganization(admin!),
    });
  },
});

const kinds = { SUCCESS: "success", WARNING: "warning", ERROR: "danger" } as const;

const operations = { PUSH: "Push", PULL: "Pull" };
const outcomes = { SUCCESS: "Succeeded", WARNING: "Partly refused", ERROR: "Failed" };

export default define.page<typeof handler>(function LogsPage({ data }) {
  const { rows, newer, filter, models, showsOrganization, isFirst } = data;
  const list = listState(path, filter);
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Logs"
        description="Every push and pull: one line for each model that a request touched."
      >
        <a class="btn btn-outline-secondary" href={`${path}/export?${list.query}`} download>
          <Icon name="download" /> Export CSV
        </a>
      </PageHeader>
      <ListFilters
        list={list}
        fields={{
          operation: { label: "Operation", options: operations },
          status: { label: "Status", options: outcomes },
          model: { label: "Model", suggestions: models },
          username: { label: "User", autocapitalize: "none" },
          device: { label: "Device" },
          from: { label: "From (UTC)", chip: "From", type: "date" },
          to: { label: "To (UTC)", chip: "To", type: "date" },
          q: { label: "Text", type: "search" },
        }}
      />
      {isFirst && <LiveRows topics={["logs"]} />}
      <div data-live="log">
        <ListTable
          list={list}
          page={data}
          label="Sync log"
          head={[
            "Time",
            "Operation",
            "Model",
            { words: "Records", number: true },
            { words: "Duration", number: true },
            "Status",
            "User",
            "Device",
          ]}
          empty={
            <EmptyState
              icon="journal-text"
              title={list.isFiltered ? "No line matches the filters" : "Nothing was synced yet"}
              action={newer !== undefined || list.isFiltered
                ? <a class="btn btn-outline-secondary" href={path}>Show everything</a>
                : undefined}
            >
              {list.isFiltered
                ? "Take a filter away to see more."
                : "Every push and pull of an application appears here, with its outcome."}
            </EmptyState>
          }
        >
          {rows.map((row) => <Line key={row.id} row={row} showsOrganization={showsOrganization} />)}
        </ListTable>
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
