import { page } from "fresh";
import LiveRows from "../../../islands/LiveRows.tsx";
import type { AuditEvent } from "../../../lib/audit/mod.ts";
import {
  Badge,
  Choice,
  EmptyState,
  Field,
  FieldChanges,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  auditActions,
  auditDeeds,
  auditEvents,
  type AuditPageFilter,
  auditPageFilter,
  auditSources,
  define,
  eventRecord,
  mayRevert,
} from "../../../lib/web/mod.ts";

interface Line {
  event: AuditEvent;
  record?: string;
  revertable: boolean;
}

interface Trail {
  lines: Line[];
  older?: string;
  newer?: string;
  isFirst: boolean;
  filter: AuditPageFilter;
  models: string[];
  isStaff: boolean;
}

const path = "/admin/audit";

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Audit trail";
    const { searchParams } = ctx.url;
    const { scope } = ctx.state.admin!;
    const filter = auditPageFilter(searchParams);
    const place = {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    };
    const { events, older, newer } = await auditEvents(ctx, filter, place);
    const catalog = await ctx.state.services.catalog.current();
    return page<Trail>({
      lines: events.map((event) => ({
        event,
        record: eventRecord(event, catalog),
        revertable: event.action in auditActions && mayRevert(scope, event),
      })),
      older,
      newer,
      isFirst: place.before === undefined && newer === undefined,
      filter,
      models: catalog.models.filter(({ enabled }) => enabled).map(({ name }) => name),
      isStaff: "all" in scope,
    });
  },
});

const labels: Record<keyof AuditPageFilter, string> = {
  model: "Model",
  key: "Key",
  actor: "User",
  action: "Action",
  source: "Came",
  q: "Text",
  from: "From",
  to: "To",
};

const actions: Record<string, string> = {
  ...Object.fromEntries(Object.entries(auditActions).map(([name, { word }]) => [name, word])),
  ...auditDeeds,
};

export default define.page<typeof handler>(function AuditPage({ data }) {
  const { lines, older, newer, isFirst, filter, isStaff } = data;
  const filters = Object.entries(filter) as [keyof AuditPageFilter, string][];
  const query = new URLSearchParams(filters);
  const neighbour = (name: "after" | "before", place: string | undefined) =>
    place && `${path}?${new URLSearchParams([...query, [name, place]])}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }]}
        title="Audit trail"
        description="Who changed what. The database itself writes it, whichever way a change comes."
      >
        {isStaff && (
          <a class="btn btn-outline-secondary" href={`${path}/verify`}>
            <Icon name="link-45deg" /> Verify the chain
          </a>
        )}
        <a class="btn btn-outline-secondary" href={`${path}/export?format=csv&${query}`} download>
          <Icon name="download" /> Export CSV
        </a>
        <a
          class="btn btn-outline-secondary"
          href={`${path}/export?format=ndjson&${query}`}
          download
        >
          <Icon name="download" /> NDJSON
        </a>
      </PageHeader>
      <FilterForm filter={filter} models={data.models} />
      <FilterChips
        path={path}
        filters={filters.map(([name, value]) => ({
          name,
          value,
          label: labels[name],
          shown: name === "action"
            ? actions[value]
            : name === "source"
            ? auditSources[value]
            : undefined,
        }))}
      />
      {isFirst && <LiveRows topics={["audit"]} />}
      <div data-live="trail">
        {lines.length === 0
          ? (
            <EmptyState
              icon="clock-history"
              title={filters.length > 0
                ? "No change matches the filters"
                : "Nothing was changed yet"}
              action={filters.length > 0 || !isFirst
                ? <a class="btn btn-outline-secondary" href={path}>Show everything</a>
                : undefined}
            >
              {filters.length > 0
                ? "Take a filter away to see more."
                : "Every change of rights, users, settings and audited records appears here."}
            </EmptyState>
          )
          : (
            <ol class="record-history" data-live-list>
              {lines.map((line) => <Entry key={line.event.id} {...line} />)}
            </ol>
          )}
        {(older || newer) && (
          <Pagination newer={neighbour("after", newer)} older={neighbour("before", older)} />
        )}
      </div>
    </>
  );
});

function Entry({ event, record, revertable }: Line) {
  const { id, at, actor, source, action, model, key, changes, revertsId } = event;
  const { word, kind } = auditActions[action] ?? {
    word: actions[action] ?? action,
    kind: "neutral",
  };
  const name = [model, ...Object.values(key ?? {})].join(" ");
  return (
    <li data-key={id}>
      <div class="history-head">
        <Badge kind={kind}>{word}</Badge>
        <span class="history-name">
          {record ? <a href={record}>{name}</a> : <strong>{name}</strong>}
        </span>
        <span>
          by <strong>{actor}</strong> {auditSources[source] ?? source} <RelativeTime value={at} />
        </span>
        {revertsId !== null && (
          <span>
            {"reverts "}
            <a href={`${path}/${revertsId}`}>{`change ${revertsId}`}</a>
          </span>
        )}
        <a class="history-more" href={`${path}/${id}`}>
          {revertable ? "Details, revert" : "Details"}
          <span class="visually-hidden">{` of change ${id}`}</span>
        </a>
      </div>
      {changes.length > 0 && (
        <details open={action === "update" && changes.length <= 4}>
          <summary>
            {`${changes.length} ${changes.length === 1 ? "field" : "fields"}`}
          </summary>
          <FieldChanges action={action} changes={changes} />
        </details>
      )}
    </li>
  );
}

function FilterForm({ filter, models }: { filter: AuditPageFilter; models: string[] }) {
  return (
    <form class="filter-form" method="get" action={path}>
      <Field name="model" label="Model" value={filter.model} list="model-names" />
      <datalist id="model-names">
        {models.map((name) => <option key={name} value={name} />)}
      </datalist>
      <Field name="key" label="Key" value={filter.key} />
      <Field name="actor" label="User" value={filter.actor} autocapitalize="none" />
      <Choice name="action" label="Action" chosen={filter.action} options={actions} any="Any" />
      <Choice name="source" label="Came" chosen={filter.source} options={auditSources} any="Any" />
      <Field name="from" label="From (UTC)" type="date" value={filter.from} />
      <Field name="to" label="To (UTC)" type="date" value={filter.to} />
      <Field name="q" label="Text" type="search" value={filter.q} />
      <button type="submit" class="btn btn-primary">
        <Icon name="funnel" /> Filter
      </button>
    </form>
  );
}
