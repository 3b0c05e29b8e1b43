import { type Context, page } from "fresh";
import FormPreview from "../../../islands/FormPreview.tsx";
import { requireAll } from "../../../lib/access/mod.ts";
import { loadSettings, lockSettings, storeSettings } from "../../../lib/db/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { Alert, Badge, Icon, PageHeader } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  changedSettings,
  define,
  type DiscoveryPreview,
  type FormProblem,
  formProblem,
  previewDiscovery,
  readForm,
  readSections,
  requireSectionVersion,
  type SectionView,
  sentValue,
  settingFields,
  settingsChanged,
  type State,
  visitActor,
} from "../../../lib/web/mod.ts";
import { SettingInput } from "../settings/(_form)/setting_input.tsx";

interface Discovery {
  view: SectionView;
  /** What was typed, by name, where nothing was saved. */
  typed: Record<string, string>;
  preview?: DiscoveryPreview;
  problem?: FormProblem;
  saved: boolean;
  warnings: string[];
}

const path = "/admin/models/settings";
const section = "MODEL_DISCOVERY";
const formId = "discovery-form";

export const handler = define.handlers({
  async GET(ctx) {
    const view = await read(ctx);
    const saved = ctx.url.searchParams.has("saved");
    const preview = await previewOf(ctx, {});
    return page<Discovery>({ view, typed: {}, preview, saved, warnings: [] });
  },

  async POST(ctx) {
    const view = await read(ctx);
    const form = await readForm(ctx.req);
    const typed = typedIn(view, form);
    try {
      const { changes, problems } = changedSettings(view, form);
      if (problems.length > 0) {
        throw new LockstepError("invalid_value", problems[0].message, { errors: problems });
      }
      const preview = await previewOf(ctx, changes);
      if (form.get("do") !== "save") {
        return page<Discovery>({ view, typed, preview, saved: false, warnings: [] });
      }
      await changeByForm(ctx.state, async (tx) => {
        const stored = await lockSettings(tx);
        await requireSectionVersion(tx, section, form.get("version") ?? "");
        await storeSettings(tx, stored, { [section]: changes }, false);
      });
      const warnings = await settingsChanged(ctx.state.services, visitActor(ctx.state));
      if (warnings.length === 0) return ctx.redirect(`${path}?saved`, 303);
      return page<Discovery>({ view: await read(ctx), typed: {}, saved: true, warnings });
    } catch (error) {
      const problem = formProblem(error);
      return page<Discovery>(
        { view: await read(ctx), typed, problem, saved: false, warnings: [] },
        { status: problem.status },
      );
    }
  },
});

async function read({ state }: Context<State>): Promise<SectionView> {
  requireAll(state.admin!.scope);
  state.title = "Which tables become models";
  const { db } = state.services;
  const [view] = await readSections(db, await loadSettings(db), section);
  return view;
}

async function previewOf({ state }: Context<State>, changes: Record<string, unknown>) {
  const { db, catalog } = state.services;
  return await previewDiscovery(db, await catalog.current(), { [section]: changes });
}

function typedIn(view: SectionView, form: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    settingFields(view).flatMap(({ name, control, value }) => {
      const sent = sentValue(control, name, form);
      return sent === undefined || sent === value ? [] : [[name, sent]];
    }),
  );
}

export default define.page<typeof handler>(function DiscoverySettingsPage({ data }) {
  const { view, typed, preview, problem, saved, warnings } = data;
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }, { label: "Models", href: "/admin/models" }]}
        title="Which tables become models"
        description="Change a setting and see at once which models come and go. Nothing is saved before you say so."
      />
      {saved && <Alert kind="success" title="The settings are saved." />}
      {warnings.map((warning) => <Alert key={warning} kind="warning">{warning}</Alert>)}
      <div class="discovery">
        <form method="post" action={path} id={formId}>
          <input type="hidden" name="version" value={view.version} />
          {settingFields(view).map((field) => (
            <SettingInput
              key={field.name}
              field={field}
              typed={typed[field.name]}
              isStale={problem?.isStale}
              error={problem?.fields[`${section}.${field.name}`]}
            />
          ))}
        </form>
        <div class="discovery-preview">
          <div class="page-actions mb-2">
            <button type="submit" form={formId} class="btn btn-primary" name="do" value="save">
              <Icon name="check-lg" /> Save
            </button>
            <button
              type="submit"
              form={formId}
              class="btn btn-outline-secondary"
              name="do"
              value="preview"
            >
              <Icon name="eye" /> Preview
            </button>
          </div>
          <FormPreview form={formId} />
          <div data-live="discovery">
            {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
            {preview && <Preview preview={preview} />}
          </div>
        </div>
      </div>
    </>
  );
});

function Preview({ preview: { found, added, removed } }: { preview: DiscoveryPreview }) {
  const models = found.models.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const included = models.filter(({ enabled }) => enabled);
  const excluded = models.filter(({ enabled }) => !enabled);
  const isNew = new Set(added);
  const isGone = new Set(removed);
  return (
    <>
      {added.length > 0 && (
        <Alert kind="info" title={`${count(added.length)} more can be synced.`}>
          {added.join(", ")}
        </Alert>
      )}
      {removed.length > 0 && (
        <Alert kind="warning" title={`${count(removed.length)} can be synced no more.`}>
          {removed.join(", ")}. Devices that hold their rows get no more changes of them.
        </Alert>
      )}
      {found.warnings.map((warning) => <Alert key={warning} kind="warning">{warning}</Alert>)}
      <h2>
        Included <span class="section-count figures">{included.length}</span>
      </h2>
      <ul class="plain-list">
        {included.map(({ name }) => (
          <li key={name}>
            {name} {isNew.has(name) && <Badge kind="info">New</Badge>}
          </li>
        ))}
      </ul>
      <h2>
        Left out <span class="section-count figures">{excluded.length}</span>
      </h2>
      <ul class="plain-list">
        {excluded.map(({ name, reason }) => (
          <li key={name}>
            <strong>{name}</strong> {isGone.has(name) && <Badge kind="warning">Leaves</Badge>}
            <small class="w-100">{reason}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

function count(models: number): string {
  return `${models.toLocaleString("en")} ${models === 1 ? "model" : "models"}`;
}
