import { page, type RouteConfig } from "fresh";
import { LockstepError } from "../../../../../../lib/errors/mod.ts";
import {
  type AffectedRows,
  affectedRows,
  deleteRecord,
  mostCounted,
  reachOfOne,
  readRecord,
} from "../../../../../../lib/sync/mod.ts";
import { Alert, Icon, PageHeader } from "../../../../../../lib/ui/mod.ts";
import {
  define,
  filterName,
  keyInPath,
  modelPath,
  noRecord,
  readForm,
  recordGuard,
  recordPath,
  recordsPath,
  recordTitle,
  recordVisit,
  recordWrite,
} from "../../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/:key/delete{/}?" };

interface Deleting {
  model: string;
  list: string;
  path: string;
  label: string;
  version: string;
  key: string[];
  affected: AffectedRows[];
  problem?: string;
}

type Ctx = Parameters<typeof recordVisit>[0];

export const handler = define.handlers({
  async GET(ctx) {
    return page<Deleting>(await deleting(ctx));
  },
  async POST(ctx) {
    const visit = await recordVisit(ctx);
    const key = keyInPath(ctx.url.pathname);
    const before = await deleting(ctx);
    const version = (await readForm(ctx.req)).get("version") ?? "";
    try {
      const { services, admin } = ctx.state;
      const guard = await recordGuard(services, admin!.user, visit.model, before.key);
      const deleted = await deleteRecord(recordWrite(ctx, visit, guard), key, version);
      if (deleted === undefined) throw noRecord(visit, key);
      if (deleted) {
        const said = new URLSearchParams({ deleted: before.label });
        for (const part of before.key) said.append("key", part);
        return ctx.redirect(`${visit.path}?${said}`, 303);
      }
      const problem =
        "The record was changed since this page was opened. Look at it again before " +
        "you delete it.";
      return page<Deleting>({ ...await deleting(ctx), problem }, { status: 409 });
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500 || error.status === 404) {
        throw error;
      }
      return page<Deleting>({ ...await deleting(ctx), problem: error.message }, {
        status: error.status,
      });
    }
  },
});

async function deleting(ctx: Ctx): Promise<Deleting> {
  const visit = await recordVisit(ctx);
  const { model, reach, catalog } = visit;
  const key = keyInPath(ctx.url.pathname);
  const { db } = ctx.state.services;
  const stored = await readRecord(db, model, reach, key);
  if (!stored) throw noRecord(visit, key);
  const label = recordTitle(model, stored);
  ctx.state.title = `Delete ${label}`;
  return {
    model: model.name,
    list: visit.path,
    path: recordPath(model, stored.key, "").replace(/\/$/, ""),
    label,
    version: stored.version,
    key: stored.key,
    affected: await affectedRows(
      db,
      model,
      catalog,
      reachOfOne(reach, stored.organizationId),
      stored.key,
    ),
  };
}

export default define.page<typeof handler>(function DeleteRecordPage({ data }) {
  const { model, list, path, label, version, affected, problem } = data;
  const forbidden = affected.some(({ effect, direct }) => effect === "forbids" && direct);
  const gone = affected.filter(({ effect }) => effect === "deleted")
    .reduce((sum, { count }) => sum + count, 0);
  return (
    <div class="page-narrow">
      <PageHeader
        place={[
          { label: "Data" },
          { label: "Records", href: recordsPath },
          { label: model, href: list },
          { label, href: `${path}change/` },
        ]}
        title={forbidden ? `${label} cannot be deleted now` : `Delete ${label}?`}
      />
      {problem && <Alert kind="danger" title="The record was not deleted">{problem}</Alert>}
      <h2>{forbidden ? "What stands against it" : "What this does"}</h2>
      <ul class="affected">
        {!forbidden && (
          <li>
            {`The record ${label} of ${model} is deleted, here and on every device that has it.`}
          </li>
        )}
        {affected.filter(({ effect }) => !forbidden || effect === "forbids").map((rows) => (
          <li class={rows.effect === "forbids" ? "is-forbidding" : undefined}>
            {rows.effect === "forbids" && <Icon name="exclamation-octagon" />}{" "}
            <Effect rows={rows} value={data.key} />
          </li>
        ))}
        {affected.length === 0 && <li>No other record refers to it.</li>}
      </ul>
      {forbidden
        ? (
          <p class="page-actions">
            <a class="btn btn-primary" href={`${path}change/`}>Back to the record</a>
          </p>
        )
        : (
          <form method="post" action={`${path}delete/`} class="page-actions">
            <input type="hidden" name="version" value={version} />
            <button type="submit" class="btn btn-danger">
              <Icon name="trash" />{" "}
              {gone > 0 ? `Delete the record and ${figure(gone)} more` : "Delete the record"}
            </button>
            <a class="btn btn-outline-secondary" href={`${path}change/`}>Keep it</a>
          </form>
        )}
    </div>
  );
});

function Effect({ rows, value }: { rows: AffectedRows; value: string[] }) {
  const { model, columns, effect, count, direct, foreign } = rows;
  const text = `${figure(count)} ${count === 1 ? "record" : "records"} of ${model.name}`;
  const column = model.columns.find(({ name }) => name === columns[0]);
  const query = column && new URLSearchParams({ [filterName(column)]: value[0] });
  const linked = direct && columns.length === 1 && model.enabled && value.length === 1;
  const named = linked ? <a href={`${modelPath(model)}?${query}`}>{text}</a> : text;
  const one = count === 1;
  return (
    <>
      {named} {effect === "deleted"
        ? one ? "is deleted too." : "are deleted too."
        : effect === "cleared"
        ? `${one ? "loses its" : "lose their"} reference in ${columns.join(", ")}.`
        : `${one ? "refers" : "refer"} to it in ${columns.join(", ")} and ${
          one ? "forbids" : "forbid"
        } the deletion. Change or delete ${one ? "it" : "them"} first.`}
      {foreign && " Some of them are not this organization's, so the deletion is refused."}
    </>
  );
}

function figure(count: number): string {
  return count > mostCounted
    ? `over ${mostCounted.toLocaleString("en")}`
    : count.toLocaleString("en");
}
