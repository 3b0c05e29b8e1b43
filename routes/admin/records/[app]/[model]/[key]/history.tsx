import { page, type RouteConfig } from "fresh";
import { LockstepError } from "../../../../../../lib/errors/mod.ts";
import {
  type HistoryEntry,
  readRecord,
  recordHistory,
  revertRecord,
} from "../../../../../../lib/sync/mod.ts";
import {
  Alert,
  Badge,
  EmptyState,
  FieldChanges,
  Icon,
  PageHeader,
  RecordTabs,
  RelativeTime,
} from "../../../../../../lib/ui/mod.ts";
import {
  auditActions,
  auditSources,
  define,
  humanName,
  keyInPath,
  noRecord,
  readForm,
  recordGuard,
  recordPath,
  recordsPath,
  recordTitle,
  recordVisit,
  recordWrite,
} from "../../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/:key/history{/}?" };

interface History {
  model: string;
  list: string;
  path: string;
  label: string;
  /** The record is there. */
  exists: boolean;
  /** Changes that come by other ways than this admin are in the trail too. */
  audited: boolean;
  entries: HistoryEntry[];
  older?: string;
  problem?: string;
}

type Ctx = Parameters<typeof recordVisit>[0];

export const handler = define.handlers({
  async GET(ctx) {
    return page<History>((await historyOf(ctx)).data);
  },
  async POST(ctx) {
    const { visit, auditKey, key } = await historyOf(ctx);
    const event = (await readForm(ctx.req)).get("revert") ?? "";
    if (!/^\d{1,15}$/.test(event)) {
      throw new LockstepError("bad_request", "The form names no entry of the history.");
    }
    try {
      const { services, admin } = ctx.state;
      const guard = await recordGuard(services, admin!.user, visit.model, key);
      await revertRecord(recordWrite(ctx, visit, guard), auditKey, Number(event));
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500) throw error;
      const { data } = await historyOf(ctx);
      return page<History>({ ...data, problem: error.message }, { status: error.status });
    }
    const { db } = ctx.state.services;
    const stored = await readRecord(db, visit.model, visit.reach, key);
    return ctx.redirect(
      stored ? `${recordPath(visit.model, key)}?reverted` : recordPath(visit.model, key, "history"),
      303,
    );
  },
});

async function historyOf(ctx: Ctx) {
  const visit = await recordVisit(ctx);
  const { model, reach } = visit;
  const { db } = ctx.state.services;
  const key = keyInPath(ctx.url.pathname);
  const stored = await readRecord(db, model, reach, key);
  const auditKey = stored?.auditKey ??
    Object.fromEntries(model.key.map((name, i) => [name, key[i] ?? ""]));
  const before = ctx.url.searchParams.get("before") ?? "";
  const { entries, next } = await recordHistory(
    db,
    model,
    reach,
    auditKey,
    /^\d{1,15}$/.test(before) ? Number(before) : undefined,
  );
  if (!stored && entries.length === 0) throw noRecord(visit, key);
  const label = stored ? recordTitle(model, stored) : key.join(", ");
  ctx.state.title = `History of ${label}`;
  const data: History = {
    model: model.name,
    list: visit.path,
    path: recordPath(model, key, "").replace(/\/$/, ""),
    label,
    exists: stored !== undefined,
    audited: model.audit,
    entries,
    older: next === null ? undefined : String(next),
  };
  return { visit, key: stored?.key ?? key, auditKey, data };
}

export default define.page<typeof handler>(function RecordHistoryPage({ data }) {
  const { model, list, path, label, exists, audited, entries, older, problem } = data;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[
          { label: "Data" },
          { label: "Records", href: recordsPath },
          { label: model, href: list },
        ]}
        title={label}
        description={exists ? undefined : "This record was deleted."}
      />
      {exists && <RecordTabs path={path} current="history" />}
      {problem && <Alert kind="danger" title="Nothing was reverted">{problem}</Alert>}
      {!audited && (
        <Alert kind="info">
          Changes made in this admin are kept here. Those of applications are not: the audit of{" "}
          {model} is off. Staff switch it on at{" "}
          <a href={`/admin/models/${model}`}>the model</a>, under “In the audit trail”.
        </Alert>
      )}
      {entries.length === 0
        ? (
          <EmptyState icon="clock-history" title="No change is recorded yet">
            Every change of the record in this admin appears here, with what it was before.
          </EmptyState>
        )
        : (
          <ol class="record-history">
            {entries.map((entry) => <Entry key={entry.id} entry={entry} path={path} />)}
          </ol>
        )}
      {older && (
        <nav class="pager" aria-label="Pages">
          <a class="btn btn-outline-secondary btn-sm" href={`${path}history/?before=${older}`}>
            Older <Icon name="chevron-right" />
          </a>
        </nav>
      )}
    </div>
  );
});

function Entry({ entry, path }: { entry: HistoryEntry; path: string }) {
  const { id, at, actor, source, action, name, changes, revertsId } = entry;
  const { word, kind } = auditActions[action] ?? { word: name, kind: "neutral" };
  const shown = action === "update"
    ? changes
    : changes.filter(({ before, after }) => before !== null || after !== null);
  return (
    <li>
      <div class="history-head">
        <Badge kind={kind}>{word}</Badge>
        <strong>{actor}</strong> {auditSources[source] ?? source} <RelativeTime value={at} />
        {revertsId !== null && " · reverted an earlier change"}
        {action !== "other" && (
          <form method="post" action={`${path}history/`}>
            <button
              type="submit"
              class="btn btn-outline-secondary btn-sm"
              name="revert"
              value={String(id)}
            >
              <Icon name="arrow-counterclockwise" />{" "}
              {action === "create" ? "Delete again" : action === "delete" ? "Bring back" : "Revert"}
              <span class="visually-hidden">
                {` the change of ${at.toISOString().slice(0, 19)}`}
              </span>
            </button>
          </form>
        )}
      </div>
      {shown.length > 0 && (
        <details open={action === "update"}>
          <summary>
            {action === "update"
              ? `${shown.length} ${shown.length === 1 ? "field" : "fields"}`
              : "Its values"}
          </summary>
          <FieldChanges
            action={action}
            changes={shown.map((change) => ({ ...change, label: humanName(change.field) }))}
          />
        </details>
      )}
    </li>
  );
}
