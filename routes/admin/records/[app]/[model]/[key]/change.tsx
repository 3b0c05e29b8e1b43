import { page, type RouteConfig } from "fresh";
import RecordForm from "../../../../../../islands/RecordForm.tsx";
import RecordPicker from "../../../../../../islands/RecordPicker.tsx";
import { organizationNames } from "../../../../../../lib/access/mod.ts";
import { LockstepError } from "../../../../../../lib/errors/mod.ts";
import type { CollabPage } from "../../../../../../lib/protocol/mod.ts";
import {
  type HistoryEntry,
  readRecord,
  recordHistory,
  referencesOf,
  type StoredRecord,
  updateRecord,
} from "../../../../../../lib/sync/mod.ts";
import {
  Alert,
  Icon,
  PageHeader,
  type RecordConflictField,
  RecordConflictTable,
  RecordField,
  recordFieldId,
  type RecordFieldView,
  RecordTabs,
} from "../../../../../../lib/ui/mod.ts";
import {
  announceSave,
  baseOf,
  collabPage,
  define,
  fieldLabel,
  keyInPath,
  noRecord,
  readRecordForm,
  recordConflict,
  recordFields,
  type RecordForm as SentForm,
  recordGuard,
  recordPath,
  recordsPath,
  type RecordTexts,
  recordTitle,
  recordVisit,
  recordWrite,
  shownTexts,
} from "../../../../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/records/:app/:model/:key/change{/}?" };

interface Changing {
  model: string;
  list: string;
  /** Path of the record's pages. */
  path: string;
  label: string;
  organization?: string;
  version: string;
  /** JSON. */
  base: string;
  fields: RecordFieldView[];
  /** Labels of the fields that were saved; absent when nothing was. */
  saved?: string[];
  created: boolean;
  reverted: boolean;
  problem?: string;
  wrong: number;
  conflict?: { fields: RecordConflictField[]; by?: string };
  together: CollabPage;
}

type Visit = Awaited<ReturnType<typeof recordVisit>>;
type Ctx = Parameters<typeof recordVisit>[0];

export const handler = define.handlers({
  async GET(ctx) {
    const visit = await recordVisit(ctx);
    const key = keyInPath(ctx.url.pathname);
    const stored = await readRecord(ctx.state.services.db, visit.model, visit.reach, key);
    if (!stored) throw noRecord(visit, key);
    const base = baseOf(visit.model, stored);
    const { searchParams } = ctx.url;
    const data = await changing(ctx, visit, stored, stored.version, base, {}, new Map());
    const saved = searchParams.get("saved")?.split(",")
      .filter((name) => visit.model.columns.some((column) => column.name === name))
      .map((name) => fieldLabel(name, referencesOf(visit.model, visit.catalog)));
    return page<Changing>({
      ...data,
      saved,
      created: searchParams.has("created"),
      reverted: searchParams.has("reverted"),
    });
  },
  async POST(ctx) {
    const visit = await recordVisit(ctx);
    const { model, reach } = visit;
    const { services, admin } = ctx.state;
    const { db } = services;
    const { user } = admin!;
    const key = keyInPath(ctx.url.pathname);
    const stored = await readRecord(db, model, reach, key);
    if (!stored) throw noRecord(visit, key);
    const form = await readRecordForm(ctx.req, model, false);
    const inPlace = ctx.req.headers.get("Accept") === "application/json";
    const again = async (problem?: string, status = 422) => {
      if (inPlace) {
        const problems = Object.fromEntries(form.problems);
        return answer({ kind: "refused", problem: problem ?? null, problems }, status);
      }
      const base = { ...baseOf(model, stored), ...form.base };
      const data = await changing(
        ctx,
        visit,
        stored,
        form.version,
        base,
        form.texts,
        form.problems,
      );
      return page<Changing>({ ...data, problem }, { status });
    };
    if (form.problems.size > 0) return await again();
    try {
      const outcome = await save(ctx, visit, stored, form);
      if (!outcome) throw noRecord(visit, key);
      if ("changed" in outcome) {
        const { changed } = outcome;
        const now = changed.length > 0 ? await announceSave(services, user, visit, stored) : stored;
        if (inPlace) {
          return answer({
            kind: "saved",
            labels: changed.map((name) => fieldLabel(name, referencesOf(model, visit.catalog))),
            version: now?.version ?? null,
            values: now ? shownTexts(model, now) : {},
          });
        }
        return ctx.redirect(
          `${recordPath(model, key)}?saved=${changed.map(encodeURIComponent)}`,
          303,
        );
      }
      const { fields, theirs } = recordConflict(visit, form, outcome.current);
      const { version } = outcome.current;
      const { entries: [last] } = await recordHistory(db, model, reach, outcome.current.auditKey);
      const by = last && madeBy(last, fields);
      if (inPlace) {
        const values = shownTexts(model, outcome.current);
        return answer({ kind: "conflict", by: by ?? null, version, values }, 409);
      }
      const data = await changing(ctx, visit, outcome.current, version, theirs, {}, new Map());
      return page<Changing>({ ...data, conflict: { fields, by } }, { status: 409 });
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500 || error.status === 404) {
        throw error;
      }
      for (const { field, message } of error.errors ?? []) form.problems.set(field, message);
      const refused = form.problems.size === 0;
      return await again(refused ? error.message : undefined, refused ? error.status : undefined);
    }
  },
});

/** Who made the last change that the trail has, if that is what the fields conflict with. */
function madeBy({ actor, changes }: HistoryEntry, fields: RecordConflictField[]) {
  const isIt = changes.some(({ field, after }) =>
    fields.some(({ name, base, theirs }) => name === field && theirs !== base && theirs === after)
  );
  return isIt ? actor : undefined;
}

/** What the form's script reads instead of a page. */
function answer(outcome: Record<string, unknown>, status = 200): Response {
  return Response.json(outcome, { status });
}

/** Saves; over a change that touched nothing which the form shows, too. */
async function save(ctx: Ctx, visit: Visit, { key }: StoredRecord, form: SentForm) {
  const { services, admin } = ctx.state;
  const guard = await recordGuard(services, admin!.user, visit.model, key, form.token);
  const write = recordWrite(ctx, visit, guard);
  const outcome = await updateRecord(write, key, form.version, form.fields);
  if (!outcome || "changed" in outcome) return outcome;
  if (recordConflict(visit, form, outcome.current).theyChanged) return outcome;
  return await updateRecord(write, key, outcome.current.version, form.fields);
}

async function changing(
  ctx: Ctx,
  visit: Visit,
  stored: StoredRecord,
  version: string,
  base: RecordTexts,
  texts: RecordTexts,
  problems: Map<string, string>,
): Promise<Changing> {
  const { model, path } = visit;
  const label = recordTitle(model, stored);
  ctx.state.title = `${label} · ${model.name}`;
  const fields = await recordFields(ctx.state.services.db, visit, {
    creating: false,
    organizationId: stored.organizationId,
    texts,
    base: { ...stored.values, ...base },
    problems,
  });
  return {
    model: model.name,
    list: path,
    path: recordPath(model, stored.key, "").replace(/\/$/, ""),
    label,
    organization: stored.organizationId === null
      ? undefined
      : (await organizationNames(ctx.state.services.db, [stored.organizationId]))
        .get(stored.organizationId)?.name,
    version,
    base: JSON.stringify(base),
    fields,
    created: false,
    reverted: false,
    wrong: problems.size,
    together: await collabPage(ctx, model, stored.key),
  };
}

export default define.page<typeof handler>(function ChangeRecordPage({ data }) {
  const { model, list, path, label, organization, conflict, problem, wrong } = data;
  return (
    <div class={conflict ? undefined : "page-narrow"}>
      <PageHeader
        place={[
          { label: "Data" },
          { label: "Records", href: recordsPath },
          { label: model, href: list },
        ]}
        title={label}
        description={organization && `A record of ${organization}.`}
      >
        <div id="record-presence" class="needs-script" />
        <a class="btn btn-outline-danger" href={`${path}delete/`}>
          <Icon name="trash" /> Delete
        </a>
      </PageHeader>
      <RecordTabs path={path} current="change" />
      <div id="record-notices" class="needs-script" />
      <Done data={data} />
      {(problem || wrong > 0) && (
        <Alert kind="danger" title="The record was not saved">
          {problem ?? `Mend the ${wrong === 1 ? "field" : `${wrong} fields`} marked below.`}
        </Alert>
      )}
      {conflict ? <Conflict data={data} conflict={conflict} /> : <Form data={data} />}
      <div id="record-live" class="needs-script" />
    </div>
  );
});

function Done({ data: { saved, created, reverted } }: { data: Changing }) {
  if (created) return <Alert kind="success">The record was added.</Alert>;
  if (reverted) return <Alert kind="success">The change was reverted.</Alert>;
  if (saved === undefined) return null;
  return saved.length === 0
    ? <Alert kind="info">Nothing was changed, so nothing was written.</Alert>
    : <Alert kind="success">{`Saved. Changed: ${saved.join(", ")}.`}</Alert>;
}

function Form({ data: { path, list, version, base, fields, together } }: { data: Changing }) {
  return (
    <form method="post" action={`${path}change/`} class="record-form">
      <input type="hidden" name="version" value={version} />
      <input type="hidden" name="base" value={base} />
      <fieldset class="record-fields">
        <legend class="visually-hidden">Values of the record</legend>
        {fields.map((field, i) => (
          <RecordField
            key={field.name}
            field={field}
            index={i}
            picker={field.reference && field.control === "reference" && (
              <RecordPicker inputId={recordFieldId(i)} {...field.reference} />
            )}
          />
        ))}
      </fieldset>
      <div class="save-bar">
        <button type="submit" class="btn btn-primary">
          <Icon name="check-lg" /> Save
        </button>
        <a class="btn btn-outline-secondary" href={list}>Cancel</a>
        <RecordForm counts together={together} />
      </div>
    </form>
  );
}

function Conflict(
  { data, conflict }: { data: Changing; conflict: NonNullable<Changing["conflict"]> },
) {
  const { path, version, base } = data;
  return (
    <>
      <Alert kind="warning" title="Somebody else changed this record while you edited it">
        {conflict.by && `The last change is by ${conflict.by}. `}
        Nothing of yours is saved yet. Choose for each field whose value stays.
      </Alert>
      <form method="post" action={`${path}change/`} class="record-form">
        <input type="hidden" name="version" value={version} />
        <input type="hidden" name="base" value={base} />
        <RecordConflictTable fields={conflict.fields} />
        <div class="save-bar">
          <button type="submit" class="btn btn-primary">
            <Icon name="check-lg" /> Save the choice
          </button>
          <a class="btn btn-outline-secondary" href={`${path}change/`}>Discard yours</a>
        </div>
      </form>
    </>
  );
}
