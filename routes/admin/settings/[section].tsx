import { type Context, page, type RouteConfig } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import type { Settings } from "../../../lib/config/mod.ts";
import { loadSettings, lockSettings, resetSettings, storeSettings } from "../../../lib/db/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { Alert, EmptyState, Field, Icon, PageHeader } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  changedSettings,
  conflictPolicyWords,
  define,
  type FormProblem,
  formProblem,
  readForm,
  readSections,
  requireSectionVersion,
  sectionNamed,
  sectionTexts,
  type SectionView,
  sentValue,
  type SettingField,
  settingFields,
  settingsChanged,
  type State,
  visitActor,
} from "../../../lib/web/mod.ts";
import { SettingInput } from "./(_form)/setting_input.tsx";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/settings/:section{/}?" };

const list = "/admin/settings";

type ModelEntry = Settings["MODELS"][string];

interface Section {
  section: keyof typeof sectionTexts;
  version: string;
  fields: SettingField[];
  /** What was typed, by name, where nothing was saved. */
  typed: Record<string, string>;
  saved?: string;
  problem?: FormProblem;
  /** The models there are, in the section that is about them. */
  models: string[];
  /** What of the last change could not take effect. */
  warnings: string[];
}

export const handler = define.handlers({
  async GET(ctx) {
    const { name, view, models } = await readSection(ctx);
    // What is set for a model is edited on the model's own page.
    const chosen = ctx.url.searchParams.get("model");
    if (name === "MODELS" && chosen) return ctx.redirect(modelSettingsPath(chosen), 303);
    const saved = ctx.url.searchParams.get("saved") ?? undefined;
    return page<Section>(shown(view, { saved, models }));
  },
  async POST(ctx) {
    const { name, view, models } = await readSection(ctx);
    const form = await readForm(ctx.req);
    const version = form.get("version") ?? "";
    const reset = form.get("reset");
    try {
      if (reset !== null) {
        await changeByForm(ctx.state, async (tx) => {
          await lockSettings(tx);
          await requireSectionVersion(tx, name, version);
          // An empty name is the whole section.
          await resetSettings(tx, name, reset || undefined);
        });
      } else {
        const { changes, problems } = changedSettings(view, form);
        if (problems.length > 0) {
          throw new LockstepError("invalid_value", problems[0].message, { errors: problems });
        }
        await changeByForm(ctx.state, async (tx) => {
          const stored = await lockSettings(tx);
          await requireSectionVersion(tx, name, version);
          await storeSettings(tx, stored, { [name]: changes }, false);
        });
      }
      const warnings = await settingsChanged(ctx.state.services, visitActor(ctx.state));
      if (warnings.length === 0) {
        return ctx.redirect(`${list}/${name}?saved=${reset === null ? "yes" : "reset"}`, 303);
      }
      return page<Section>(shown((await readSection(ctx)).view, { warnings, saved: "yes" }));
    } catch (error) {
      const problem = formProblem(error);
      const again = (await readSection(ctx)).view;
      const typed = Object.fromEntries(
        settingFields(again).flatMap(({ name, control, value }) => {
          const sent = sentValue(control, name, form);
          return sent === undefined || sent === value ? [] : [[name, sent]];
        }),
      );
      return page<Section>(shown(again, { problem, typed, models }), { status: problem.status });
    }
  },
});

function shown(view: SectionView, more: Partial<Section>): Section {
  return {
    section: view.section as Section["section"],
    version: view.version,
    fields: settingFields(view),
    typed: {},
    models: [],
    warnings: [],
    ...more,
  };
}

async function readSection(ctx: Pick<Context<State>, "state" | "params">) {
  requireAll(ctx.state.admin!.scope);
  const { db, catalog } = ctx.state.services;
  const name = sectionNamed(ctx.params.section);
  ctx.state.title = `Settings: ${sectionTexts[name].title}`;
  const [view] = await readSections(db, await loadSettings(db), name);
  const { models } = await catalog.current();
  return { name, view, models: models.map((model) => model.name).toSorted() };
}

export default define.page<typeof handler>(function SectionPage({ data }) {
  const { section, version, fields, typed, saved, problem, warnings } = data;
  const { title, about } = sectionTexts[section];
  const changed = fields.filter(({ isStored }) => isStored);
  const path = `${list}/${section}`;
  const wrong = fields.filter(({ name }) => problem?.fields[`${section}.${name}`]);
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Trust" }, { label: "Settings", href: list }]}
        title={title}
        description={about}
      />
      {saved && (
        <Alert kind="success">
          {saved === "reset" ? "The defaults hold again." : "The settings are saved."}
        </Alert>
      )}
      {warnings.map((warning) => <Alert key={warning} kind="warning">{warning}</Alert>)}
      {problem && (
        <Alert kind="danger" title="Nothing was saved">
          {problem.message}
          {problem.isStale &&
            " Below is what you typed; what is stored now is named beside it."}
          {wrong.length > 1 && (
            <ul>
              {wrong.map(({ name }) => (
                <li key={name}>
                  <a href={`#setting-${name}`}>{name}</a>
                </li>
              ))}
            </ul>
          )}
        </Alert>
      )}
      {section === "MODELS"
        ? <ModelSettings fields={fields} models={data.models} />
        : (
          <form method="post" action={path}>
            <input type="hidden" name="version" value={version} />
            {fields.map((field) => (
              <SettingInput
                key={field.name}
                field={field}
                typed={typed[field.name]}
                isStale={problem?.isStale}
                error={problem?.fields[`${section}.${field.name}`]}
              />
            ))}
            <div class="save-bar">
              <button type="submit" class="btn btn-primary">Save</button>
              <a class="btn btn-outline-secondary" href={path}>Forget what I typed</a>
            </div>
          </form>
        )}
      {changed.length > 0 && (
        <section>
          <h2>Not left to the default</h2>
          <form method="post" action={path}>
            <input type="hidden" name="version" value={version} />
            <ul class="plain-links">
              {changed.map(({ name }) => (
                <li key={name}>
                  <code>{name}</code>{" "}
                  <button
                    type="submit"
                    class="btn btn-outline-secondary btn-sm"
                    name="reset"
                    value={name}
                  >
                    Reset<span class="visually-hidden">{` ${name}`}</span>
                  </button>
                </li>
              ))}
            </ul>
            <button type="submit" class="btn btn-outline-danger" name="reset" value="">
              <Icon name="arrow-counterclockwise" /> Reset the section
            </button>
          </form>
        </section>
      )}
    </div>
  );
});

/** Leads to the pages of the models for which something is set, or is to be. */
function ModelSettings({ fields, models }: { fields: SettingField[]; models: string[] }) {
  return (
    <>
      {fields.length === 0
        ? (
          <EmptyState icon="sliders" title="Nothing is set for single models">
            What is set for a model, such as its conflict policy, appears here.
          </EmptyState>
        )
        : (
          <ul class="plain-list">
            {fields.map(({ name, value }) => (
              <li key={name}>
                <a href={modelSettingsPath(name)}>{name}</a>
                <span>{modelWords(value)}</span>
              </li>
            ))}
          </ul>
        )}
      <form class="filter-form" method="get" action={`${list}/MODELS`}>
        <Field name="model" label="Set something for a model" required>
          {(control) => (
            <select {...control} class="form-select">
              {models.map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          )}
        </Field>
        <button type="submit" class="btn btn-primary">Open its settings</button>
      </form>
    </>
  );
}

function modelSettingsPath(name: string): string {
  return `/admin/models/${encodeURIComponent(name)}`;
}

/** What is stored for a model, in words. */
function modelWords(json: string): string {
  const set: ModelEntry = JSON.parse(json);
  return [
    set.conflict_policy && `conflicts: ${conflictPolicyWords[set.conflict_policy].toLowerCase()}`,
    set.writable !== undefined && (set.writable ? "may be pushed" : "pull only"),
    set.audit !== undefined && (set.audit ? "in the audit trail" : "not in the audit trail"),
  ].filter(Boolean).join(", ") || "All defaults";
}
