import { page } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import { checkSettings } from "../../../lib/config/mod.ts";
import { lockSettings, storedSettings, storeSettings } from "../../../lib/db/mod.ts";
import { Alert, Field, PageHeader } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  type FormProblem,
  formProblem,
  importedSettings,
  readForm,
  settingsChanged,
  visitActor,
} from "../../../lib/web/mod.ts";

interface Import {
  text: string;
  replace: boolean;
  /** Why it cannot be imported. */
  problems: string[];
  problem?: FormProblem;
  isValid?: boolean;
  /** What the import changed. */
  changed?: string[];
  warnings: string[];
}

const path = "/admin/settings/import";
const example = JSON.stringify({ settings: { SYNC: { MAX_RECORDS: 5000 } } });
const empty: Import = { text: "", replace: false, problems: [], warnings: [] };

export const handler = define.handlers({
  GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "Import settings";
    return page<Import>(empty);
  },
  async POST(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "Import settings";
    const fields = await readForm(ctx.req);
    const text = fields.get("text") ?? "";
    const replace = fields.has("replace");
    const shown = { ...empty, text, replace };
    const read = importedSettings(text);
    if ("problem" in read) {
      return page<Import>({ ...shown, problems: [read.problem] }, { status: 400 });
    }
    const { settings } = read;
    const stored = replace ? {} : await storedSettings(ctx.state.services.db);
    const { problems } = checkSettings(stored, settings);
    if (problems.length > 0) {
      const messages = problems.map(({ message }) => message);
      return page<Import>({ ...shown, problems: messages }, { status: 400 });
    }
    if (fields.get("action") !== "import") return page<Import>({ ...shown, isValid: true });
    try {
      const changes = await changeByForm(
        ctx.state,
        async (tx) => storeSettings(tx, await lockSettings(tx), settings, replace),
      );
      const warnings = await settingsChanged(ctx.state.services, visitActor(ctx.state));
      const changed = changes.map(({ section, key, after }) =>
        `${section}.${key}${after === undefined ? " (its default again)" : ""}`
      );
      return page<Import>({ ...empty, changed, warnings });
    } catch (error) {
      const problem = formProblem(error);
      return page<Import>({ ...shown, problems: [problem.message] }, { status: problem.status });
    }
  },
});

export default define.page<typeof handler>(function ImportPage({ data }) {
  const { text, replace, problems, isValid, changed, warnings } = data;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Trust" }, { label: "Settings", href: "/admin/settings" }]}
        title="Import settings"
        description="All of a document or none of it, after its settings are checked together."
      />
      {problems.length > 0 && (
        <Alert kind="danger" title="Nothing was imported">
          <ul class="mb-0">
            {problems.slice(0, 50).map((problem) => <li key={problem}>{problem}</li>)}
          </ul>
        </Alert>
      )}
      {isValid && <Alert kind="success">Every setting of the document is valid.</Alert>}
      {changed && (
        <Alert
          kind="success"
          title={changed.length === 0
            ? "Nothing had to be changed"
            : `${changed.length === 1 ? "1 setting" : `${changed.length} settings`} changed`}
        >
          {changed.join(", ")}
        </Alert>
      )}
      {warnings.map((warning) => <Alert key={warning} kind="warning">{warning}</Alert>)}
      <form method="post" action={path}>
        <Field
          name="text"
          label="Document"
          hint={`As the export gives it: ${example}`}
        >
          {(control) => (
            <textarea
              {...control}
              class="form-control font-monospace"
              rows={14}
              spellcheck={false}
              value={text}
            />
          )}
        </Field>
        <div class="form-check mb-3">
          <input
            type="checkbox"
            class="form-check-input"
            id="field-replace"
            name="replace"
            checked={replace}
          />
          <label class="form-check-label" for="field-replace">
            Also reset every setting that the document does not name
          </label>
        </div>
        <p class="page-actions">
          <button type="submit" class="btn btn-primary" name="action" value="import">Import</button>
          <button
            type="submit"
            class="btn btn-outline-secondary"
            name="action"
            value="validate"
          >
            Only check it
          </button>
        </p>
      </form>
    </div>
  );
});
