import { type Context, page, type RouteConfig } from "fresh";
import { LockstepError } from "../../../lib/errors/mod.ts";
import type { RawObject } from "../../../lib/sync/mod.ts";
import { Alert, Badge, Icon, PageHeader, RelativeTime } from "../../../lib/ui/mod.ts";
import {
  define,
  quarantined,
  type QuarantineRow,
  readForm,
  repairedRecord,
  type RepairField,
  repairFields,
  replayQuarantined,
  scanRecord,
  type State,
} from "../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/quarantine/:id{/}?" };

interface Entry {
  row: QuarantineRow;
  /** JSON text. */
  record: string;
  fields: RepairField[];
  problem?: string;
}

const path = "/admin/quarantine";
/** Bytes: a record of the greatest length that is kept, escaped, and its form around it. */
const largestForm = 8_388_608;

export const handler = define.handlers({
  async GET(ctx) {
    const { row, record, kept, catalog } = await read(ctx);
    return page<Entry>({ row, record, fields: repairFields(kept, catalog, row) });
  },

  async POST(ctx) {
    const { row, record, kept, catalog, depth } = await read(ctx);
    const form = await readForm(ctx.req, largestForm);
    let shown = { record, kept };
    let fields = repairFields(kept, catalog, row);
    const again = (status: number, problem: string) =>
      page<Entry>({ row, record: shown.record, fields, problem }, { status });
    try {
      if (form.has("json")) {
        // Kept in the form as it is, also when it cannot be read.
        shown = { record: form.get("json")!, kept };
        shown = { record: shown.record, kept: scanRecord(shown.record, depth) };
      } else {
        const repaired = repairedRecord(kept, catalog, form);
        fields = asSent(fields, form, repaired.problems);
        if (repaired.problems.size > 0) {
          return again(422, "A field cannot be read. Look at what is marked.");
        }
        shown = { record: repaired.record, kept: scanRecord(repaired.record, depth) };
      }
      const refused = await replayQuarantined(ctx.state, row, shown.kept);
      if (!refused) return ctx.redirect(`${path}?replayed=${row.id}`, 303);
      const refusal = { field: refused.field ?? "", message: refused.message };
      fields = form.has("json") ? repairFields(shown.kept, catalog, refusal) : asSent(
        repairFields(kept, catalog, refusal),
        form,
        new Map([[refusal.field, refusal.message]]),
      );
      return again(422, refused.message);
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500) throw error;
      return again(error.status, error.message);
    }
  },
});

async function read(ctx: Context<State>) {
  const { services } = ctx.state;
  const { row, record } = await quarantined(ctx.state, ctx.params.id);
  ctx.state.title = `Refused record ${row.id}`;
  const { MAX_DEPTH: depth } = (await services.settings.current()).SYNC;
  const kept: RawObject = scanRecord(record, depth);
  return { row, record, kept, catalog: await services.catalog.current(), depth };
}

/** The fields with what somebody wrote into them. */
function asSent(
  fields: RepairField[],
  form: URLSearchParams,
  problems: ReadonlyMap<string, string>,
): RepairField[] {
  return fields.map((field) => ({
    ...field,
    text: form.get(`v.${field.name}`) ?? field.text,
    isLeftOut: form.has(`out.${field.name}`),
    error: problems.get(field.name),
  }));
}

export default define.page<typeof handler>(function QuarantineEntryPage({ data }) {
  const { row, record, fields, problem } = data;
  const { id, model, state, message, field, username, device, created_at } = row;
  const isOpen = state === "open";
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Data" }, { label: "Quarantine", href: path }]}
        title={`${model || "Record without a model"} #${id}`}
      />
      {problem && <Alert kind="danger" title="The record was refused again">{problem}</Alert>}
      <Alert kind="warning" title={field ? `${field}: ${message}` : message}>
        Pushed by <strong>{username ?? "somebody who is gone"}</strong>
        {device && (
          <>
            {" with "}
            <a href={`/admin/devices?${new URLSearchParams({ q: device })}`}>{device}</a>
          </>
        )} in {row.organization_slug}, <RelativeTime value={created_at} />. Code{" "}
        <code>{row.code}</code>
        {row.request_id && (
          <>
            , request <code class="text-break">{row.request_id}</code>
          </>
        )}.
      </Alert>
      {!isOpen && (
        <p>
          <Badge kind={state === "replayed" ? "success" : "neutral"}>
            {state === "replayed" ? "Replayed" : "Discarded"}
          </Badge>{" "}
          by {row.resolved_by ?? "somebody"}{" "}
          {row.resolved_at && <RelativeTime value={row.resolved_at} />}
        </p>
      )}
      {isOpen && fields.length > 0 && (
        <form method="post" action={`${path}/${id}`}>
          <h2>Repair and replay</h2>
          <p class="section-note">
            It is written with the rights that {username ?? "you"}{" "}
            has now. What you do not change goes out as it came.
          </p>
          {fields.map((field, i) => <RepairControl key={field.name} field={field} index={i} />)}
          <button type="submit" class="btn btn-primary">
            <Icon name="arrow-repeat" /> Replay the record
          </button>
        </form>
      )}
      <section>
        <h2>As JSON</h2>
        {isOpen
          ? (
            <form method="post" action={`${path}/${id}`}>
              <textarea
                class="form-control font-monospace"
                name="json"
                aria-label="The record as JSON"
                rows={8}
                spellcheck={false}
              >
                {record}
              </textarea>
              <button type="submit" class="btn btn-outline-secondary mt-2">
                <Icon name="arrow-repeat" /> Replay this JSON
              </button>
            </form>
          )
          : <pre class="payload" tabIndex={0}>{record}</pre>}
      </section>
      {isOpen && (
        <section>
          <h2>Discard</h2>
          <p>Gives the record up. It stays readable here.</p>
          <form method="post" action={path}>
            <input type="hidden" name="id" value={id} />
            <button type="submit" class="btn btn-outline-danger" name="do" value="discard">
              <Icon name="trash" /> Discard the record
            </button>
          </form>
        </section>
      )}
    </div>
  );
});

function RepairControl({ field, index }: { field: RepairField; index: number }) {
  const { name, label, text, hint, error, isMissing, isLeftOut } = field;
  const id = `repair-${index}`;
  const control = {
    id,
    name: `v.${name}`,
    class: `form-control${error ? " is-invalid" : ""}`,
    "aria-describedby": [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ") ||
      undefined,
    "aria-invalid": error ? "true" as const : undefined,
  };
  return (
    <div class="mb-3">
      <label class="form-label" for={id}>{label}</label>
      {field.control === "textarea"
        ? <textarea {...control} rows={4}>{text ?? ""}</textarea>
        : <input {...control} type="text" value={text ?? ""} autocomplete="off" />}
      {error && <div id={`${id}-error`} class="invalid-feedback d-block">{error}</div>}
      {hint && <div id={`${id}-hint`} class="form-text">{hint}</div>}
      {!isMissing && (
        <div class="form-check mt-1">
          <input
            type="checkbox"
            class="form-check-input"
            id={`${id}-out`}
            name={`out.${name}`}
            checked={isLeftOut}
          />
          <label class="form-check-label" for={`${id}-out`}>
            Leave out<span class="visually-hidden">{` ${label}`}</span>
          </label>
        </div>
      )}
    </div>
  );
}
