import { type Context, page, type RouteConfig } from "fresh";
import type { AuditEvent } from "../../../lib/audit/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { Alert, Badge, FieldChanges, Icon, PageHeader, RelativeTime } from "../../../lib/ui/mod.ts";
import {
  auditActions,
  auditDeed,
  auditDeeds,
  auditEventOf,
  auditNames,
  auditSources,
  define,
  eventRecord,
  isRevertable,
  revertEvent,
  type State,
} from "../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/audit/:id{/}?" };

interface Details {
  event: AuditEvent;
  /** What people call the row. */
  named?: string;
  /** Path of the record. */
  record?: string;
  revertable: boolean;
  /** The event that the visitor's revert has just written. */
  reverted?: string;
  problem?: string;
}

const path = "/admin/audit";

export const handler = define.handlers({
  async GET(ctx) {
    return page<Details>(await detailsOf(ctx));
  },
  async POST(ctx) {
    const details = await detailsOf(ctx);
    try {
      return ctx.redirect(await revertEvent(ctx, details.event), 303);
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500) throw error;
      return page<Details>({ ...details, problem: error.message }, { status: error.status });
    }
  },
});

async function detailsOf(ctx: Context<State>): Promise<Details> {
  const event = await auditEventOf(ctx);
  ctx.state.title = `Change ${event.id}`;
  const { db, catalog: models } = ctx.state.services;
  const catalog = await models.current();
  return {
    event,
    named: (await auditNames(db, [event])).get(event.id),
    record: eventRecord(event, catalog),
    revertable: isRevertable(ctx.state.admin!.scope, event, catalog),
    reverted: ctx.url.searchParams.has("reverted") ? String(event.revertsId) : undefined,
  };
}

/** What undoing does, by what was done. */
const undone: Record<string, string> = {
  create: "The row that was added is deleted again.",
  update: "The fields above get their old values back, unless they were changed since.",
  delete: "The row that was deleted comes back with the values above.",
};

export default define.page<typeof handler>(function AuditEventPage({ data }) {
  const { event, named, record, revertable, reverted, problem } = data;
  const { id, at, actor, source, model, key } = event;
  const { action, changes } = auditDeed(event);
  const { word, kind } = auditActions[action] ?? {
    word: auditDeeds[action] ?? action,
    kind: "neutral",
  };
  const row = named ?? Object.values(key ?? {}).join(", ");
  const facts: [label: string, value: string][] = [
    ["Role in the database", event.databaseRole],
    ["Request", event.requestId],
    [
      "Place in the hash chain",
      event.position === null ? "Not sealed yet" : String(event.position),
    ],
    ["Hash", event.hash ?? ""],
  ];
  const history = new URLSearchParams({ model, ...(key ? { key: JSON.stringify(key) } : {}) });
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Trust" }, { label: "Audit trail", href: path }]}
        title={`Change ${id}`}
      />
      {reverted && (
        <Alert kind="success" title={`Change ${reverted} is reverted.`}>
          This is the change that undid it.
        </Alert>
      )}
      {problem && <Alert kind="danger" title="Nothing was reverted">{problem}</Alert>}
      <p class="history-head">
        <Badge kind={kind}>{word}</Badge>
        <span>
          {record ? <a href={record}>{`${model} ${row}`}</a> : <strong>{`${model} ${row}`}</strong>}
        </span>
        <span>
          by <strong>{actor}</strong> {auditSources[source] ?? source} <RelativeTime value={at} />
        </span>
        {event.revertsId !== null && (
          <span>
            {"reverts "}
            <a href={`${path}/${event.revertsId}`}>{`change ${event.revertsId}`}</a>
          </span>
        )}
      </p>
      <p>
        <a href={`${path}?${history}`}>Everything that happened to it</a>
      </p>
      <h2>{action === "update" ? "What changed" : "Its values"}</h2>
      {changes.length > 0
        ? <FieldChanges action={action} changes={changes} />
        : <Values event={event} />}
      <dl class="field-changes">
        {facts.filter(([, value]) => value !== "").map(([label, value]) => (
          <div>
            <dt>{label}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
      {revertable && (
        <section>
          <h2>Revert this change</h2>
          <p>{undone[action]} It is a new change, by you, which can be reverted in turn.</p>
          <form method="post" action={`${path}/${id}`}>
            <button type="submit" class="btn btn-danger">
              <Icon name="arrow-counterclockwise" /> Revert change {id}
            </button>
          </form>
        </section>
      )}
    </div>
  );
});

/** The row of an event without changed fields, such as one that was added, or a recorded event's detail. */
function Values({ event: { action, before, after } }: { event: AuditEvent }) {
  const text = action === "delete" ? before : after ?? before;
  if (text === null) return <p class="section-note">It says no more than that.</p>;
  return <pre class="payload" tabIndex={0}>{indented(text)}</pre>;
}

/** JSON on lines of its own, with every digit of its numbers. */
function indented(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|[{},]/g, (token) => {
    if (token === "{") return "{\n  ";
    if (token === "}") return "\n}";
    return token === "," ? ",\n " : token;
  });
}
