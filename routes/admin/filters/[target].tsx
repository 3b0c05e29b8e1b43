import { page, type RouteConfig } from "fresh";
import FilterBuilder from "../../../islands/FilterBuilder.tsx";
import { type AccessPreview, deleteDataFilter } from "../../../lib/access/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import {
  AccessLosses,
  Alert,
  ConfirmLosses,
  Field,
  type FilterColumn,
  type FilterLine,
  type FilterPreview,
  PageHeader,
} from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  conditionOf,
  define,
  filterColumns,
  filterLines,
  type FilterTarget,
  filterVariables,
  filterVisit,
  type FormProblem,
  formProblem,
  lossesByForm,
  operatorLabels,
  previewFilter,
  readForm,
  saveFilter,
  sentLines,
  targetOfForm,
} from "../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/filters/:target{/}?" };

const list = "/admin/filters";

interface Filter {
  target: FilterTarget;
  columns: FilterColumn[];
  labels: Record<string, string>;
  lines: FilterLine[];
  preview?: FilterPreview;
  saved: boolean;
  /** The stored condition, where it no longer fits the model. */
  broken?: { message: string; condition: string };
  problem?: FormProblem;
  /** What saving would take from whom; to be answered first. */
  losses?: AccessPreview;
  /** What of the form is confirmed by saving again. */
  choice?: string;
  /** What deleting would take from whom. */
  deleting?: AccessPreview;
}

export const handler = define.handlers({
  async GET(ctx) {
    const { searchParams } = ctx.url;
    const { target, model } = await filterVisit(ctx, ctx.params.target, searchParams);
    ctx.state.title = titleOf(target);
    const shown = { target, columns: filterColumns(model), saved: searchParams.has("saved") };
    try {
      const lines = filterLines(target.condition, model, target.name || "filters");
      return page<Filter>({ ...shown, lines, labels: operatorLabels(shown.columns, lines) });
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      const condition = JSON.stringify(target.condition, null, 2);
      const broken = { message: error.message, condition };
      return page<Filter>({
        ...shown,
        lines: [],
        labels: operatorLabels(shown.columns, []),
        broken,
      });
    }
  },

  async POST(ctx) {
    const { scope } = ctx.state.admin!;
    const fields = await readForm(ctx.req);
    const { catalog, model, target: stored } = await filterVisit(ctx, ctx.params.target, fields);
    const target = targetOfForm(stored, fields);
    ctx.state.title = titleOf(target);
    const columns = filterColumns(model);
    const lines = sentLines(fields);
    const shown: Filter = {
      target,
      columns,
      lines,
      labels: operatorLabels(columns, lines),
      saved: false,
    };
    const action = fields.get("action");
    const version = fields.get("version") ?? stored.version;
    const organizationIds = [target.organization.id];
    const back = new URLSearchParams({
      organization: target.organization.slug,
      group_id: String(target.group.id),
      model: target.model,
    });
    try {
      if (action === "delete" && target.kind === "filter" && target.id !== undefined) {
        const remove = (v: string) => (tx: Parameters<typeof deleteDataFilter>[0]) =>
          deleteDataFilter(tx, scope, target.id!, v);
        if (fields.get("confirmed") !== "yes") {
          const deleting = await lossesByForm(ctx.state, organizationIds, remove(version));
          if (deleting) return page<Filter>({ ...shown, deleting }, { status: 422 });
        }
        await changeByForm(ctx.state, remove(version));
        return ctx.redirect(`${list}?${back}`, 303);
      }
      const condition = conditionOf(lines, model);
      if (action !== "save") {
        const named = { ...target, name: target.name.trim() || `preview ${crypto.randomUUID()}` };
        const preview = await previewFilter(ctx.state, catalog, named, model, condition);
        return page<Filter>({ ...shown, preview });
      }
      const change = (tx: Parameters<typeof saveFilter>[0]) =>
        saveFilter(tx, ctx.state, catalog, { ...target, version }, model, condition);
      const choice = await choiceOf(target, condition);
      if (fields.get("confirmed") !== choice) {
        const losses = await lossesByForm(ctx.state, organizationIds, change);
        if (losses) return page<Filter>({ ...shown, losses, choice }, { status: 422 });
      }
      const made = await changeByForm(ctx.state, change);
      const name = target.id === undefined ? `filter-${made}` : `${target.kind}-${target.id}`;
      return ctx.redirect(`${list}/${name}?saved=yes`, 303);
    } catch (error) {
      const problem = formProblem(error);
      // What is shown next has the version of now, so that saving again is a decision.
      return page<Filter>({ ...shown, problem }, { status: problem.status });
    }
  },
});

/** Tells whether a form that is sent again asks for what was confirmed. */
async function choiceOf({ name, isActive }: FilterTarget, condition: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([name, isActive, condition]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 32);
}

function titleOf({ kind, id, name, model }: FilterTarget): string {
  if (kind === "permission") return `Filter of the permission on ${model}`;
  return id === undefined ? `New filter on ${model}` : name;
}

export default define.page<typeof handler>(function FilterPage({ data }) {
  const { target, columns, labels, lines, preview, saved, broken, problem } = data;
  const { losses, choice, deleting } = data;
  const { kind, id, organization, group, model } = target;
  const name = id === undefined ? "new" : `${kind}-${id}`;
  const path = `${list}/${name}`;
  const place = new URLSearchParams({
    organization: organization.slug,
    group_id: String(group.id),
    model,
  });
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }, { label: "Filters", href: `${list}?${place}` }]}
        title={titleOf(target)}
        description={kind === "permission"
          ? `Which rows of ${model} the group ${group.name} of ${organization.slug} may push and pull at all.`
          : `Narrows the rows of ${model} that the group ${group.name} of ${organization.slug} may push and pull.`}
      />
      {saved && <Alert kind="success">The filter is saved.</Alert>}
      {broken && (
        <Alert kind="warning" title="The stored filter no longer fits the table">
          {broken.message} It matches no row. Saving replaces it by the conditions below.
          <pre class="sql-text" tabIndex={0}>{broken.condition}</pre>
        </Alert>
      )}
      {problem && (
        <Alert kind="danger" title="Nothing was saved">
          {problem.message}
          {problem.isStale && " Below is what you chose; saving again replaces what is stored now."}
        </Alert>
      )}
      {deleting
        ? (
          <ConfirmLosses
            action={path}
            fields={[["action", "delete"], ["version", target.version], [
              "organization",
              organization.slug,
            ]]}
            losses={deleting}
            verb="Delete the filter and take these rows away"
            cancel={path}
          />
        )
        : (
          <form method="post" action={path} class="filter-edit">
            {losses && <AccessLosses {...losses} />}
            {losses && <input type="hidden" name="confirmed" value={choice} />}
            <input type="hidden" name="target" value={name} />
            <input type="hidden" name="organization" value={organization.slug} />
            <input type="hidden" name="group_id" value={group.id} />
            <input type="hidden" name="model" value={model} />
            <input type="hidden" name="version" value={target.version} />
            {kind === "filter" && (
              <div class="page-narrow">
                <Field
                  name="name"
                  label="Name"
                  required
                  maxLength={100}
                  value={target.name}
                  error={problem?.fields.name}
                  hint="For people, such as “Own region”."
                />
                <input type="hidden" name="has.is_active" value="yes" />
                <div class="form-check mb-3">
                  <input
                    type="checkbox"
                    class="form-check-input"
                    id="field-is_active"
                    name="is_active"
                    checked={target.isActive}
                  />
                  <label class="form-check-label" for="field-is_active">
                    Active: without this, the filter narrows nothing
                  </label>
                </div>
              </div>
            )}
            <h2>Rows for which</h2>
            <FilterBuilder
              columns={columns}
              labels={labels}
              lines={lines}
              variables={[...filterVariables]}
              preview={preview}
              previewPath={`${list}/preview`}
            />
            <div class="save-bar">
              <button
                type="submit"
                class={`btn ${losses ? "btn-danger" : "btn-primary"}`}
                name="action"
                value="save"
              >
                {losses ? "Save and take these rows away" : "Save the filter"}
              </button>
              <a class="btn btn-outline-secondary" href={`${list}?${place}`}>Change nothing</a>
              {kind === "filter" && id !== undefined && (
                <button
                  type="submit"
                  class="btn btn-outline-danger ms-auto"
                  name="action"
                  value="delete"
                >
                  Delete the filter
                </button>
              )}
            </div>
          </form>
        )}
    </>
  );
});
