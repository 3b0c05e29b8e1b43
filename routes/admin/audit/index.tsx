import { page } from "fresh";
import LiveRows from "../../../islands/LiveRows.tsx";
import type { AuditEvent } from "../../../lib/audit/mod.ts";
import {
  Badge,
  EmptyState,
  FieldChanges,
  Icon,
  ListFilters,
  ListPages,
  listState,
  PageHeader,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  auditActions,
  auditDeed,
  auditDeeds,
  auditEvents,
  auditNames,
  type AuditPageFilter,
  auditPageFilter,
  auditSources,
  define,
  eventRecord,
  isRevertable,
  modelNames,
  pagePlace,
} from "../../../lib/web/mod.ts";

interface Line {
  event: AuditEvent;
  /** What people call the row. */
  named?: string;
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
    const { scope } = ctx.state.admin!;
    const filter = auditPageFilter(ctx.url.searchParams);
    const place = pagePlace(ctx.url);
    const { events, older, newer } = await auditEvents(ctx, filter, place);
    const { db, catalog: models } = ctx.state.services;
    const catalog = await models.current();
    const names = await auditNames(db, events);
    return page<Trail>({
      lines: events.map((event) => ({
        event,
        named: names.get(event.id),
        record: eventRecord(event, catalog),
        revertable: isRevertable(scope, event, catalog),
      })),
      older,
      newer,
      isFirst: place.before === undefined && newer === undefined,
      filter,
      models: modelNames(catalog),
      isStaff: "all" in scope,
    });
  },
});

const actions: Record<string, string> = {
  ...Object.fromEntries(Object.entries(auditActions).map(([name, { word }]) => [name, word])),
  ...auditDeeds,
};

export default define.page<typeof handler>(function AuditPage({ data }) {
  const { lines, older, newer, isFirst, filter, models, isStaff } = data;
  const list = listState(path, filter);
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
        <a
          class="btn btn-outline-secondary"
          href={`${path}/export?format=csv&${list.query}`}
          download
        >
          <Icon name="download" /> Export CSV
        </a>
        <a
          class="btn btn-outline-secondary"
          href={`${path}/export?format=ndjson&${list.query}`}
          download
        >
          <Icon name="download" /> NDJSON
        </a>
      </PageHeader>
      <ListFilters
        list={list}
        fields={{
          model: { label: "Model", suggestions: models },
          key: { label: "Key" },
          actor: { label: "User", autocapitalize: "none" },
          action: { label: "Action", options: actions },
          source: { label: "Came", options: auditSources },
          from: { label: "From (UTC)", chip: "From", type: "date" },
          to: { label: "To (UTC)", chip: "To", type: "date" },
          q: { label: "Text", type: "search" },
        }}
      />
      {isFirst && <LiveRows topics={["audit"]} />}
      <div data-live="trail">
        {lines.length === 0
          ? (
            <EmptyState
              icon="clock-history"
              title={list.isFiltered ? "No change matches the filters" : "Nothing was changed yet"}
              action={list.isFiltered || !isFirst
                ? <a class="btn btn-outline-secondary" href={path}>Show everything</a>
                : undefined}
            >
              {list.isFiltered
                ? "Take a filter away to see more."
                : "Every change of rights, users, settings and audited records appears here."}
            </EmptyState>
          )
          : (
            <ol class="record-history" data-live-list>
              {lines.map((line) => <Entry key={line.event.id} {...line} />)}
            </ol>
          )}
        {(older || newer) && <ListPages list={list} page={data} />}
      </div>
    </>
  );
});

function Entry({ event, named, record, revertable }: Line) {
  const { id, at, actor, source, model, key, revertsId } = event;
  const { action, changes } = auditDeed(event);
  const { word, kind } = auditActions[action] ?? {
    word: actions[action] ?? action,
    kind: "neutral",
  };
  const name = [model, ...named === undefined ? Object.values(key ?? {}) : [named]].join(" ");
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
