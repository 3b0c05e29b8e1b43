import { type Context, page, type RouteConfig } from "fresh";
import { notFound, requireAll } from "../../../lib/access/mod.ts";
import { conflictPolicies, type ConflictPolicy } from "../../../lib/config/mod.ts";
import { loadSettings } from "../../../lib/db/mod.ts";
import type { Catalog, Model } from "../../../lib/models/mod.ts";
import { Alert, Badge, Choice, Icon, PageHeader, Table } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  changeModel,
  conflictPolicyWords,
  define,
  fieldProblem,
  type FormProblem,
  formProblem,
  modelPath,
  modelWithColumns,
  readForm,
  type State,
  visitActor,
} from "../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/models/:name{/}?" };

interface ModelPage {
  model: Model;
  columns: Awaited<ReturnType<typeof modelWithColumns>>["column_types"];
  version: string;
  /** What is set; what is not there is left to its default. */
  set: Values;
  isStaff: boolean;
  saved: boolean;
  problem?: FormProblem;
}

/** As the form holds them: `yes`, `no`, a policy, or nothing for the default. */
interface Values {
  conflict_policy?: string;
  writable?: string;
  audit?: string;
}

const list = "/admin/models";

export const handler = define.handlers({
  async GET(ctx) {
    return page<ModelPage>(await read(ctx));
  },

  async POST(ctx) {
    requireAll(ctx.state.admin!.scope);
    const { model } = await read(ctx);
    const form = await readForm(ctx.req);
    try {
      const wanted = {
        conflict_policy: policy(form.get("conflict_policy")),
        writable: flag("writable", form.get("writable")),
        audit: flag("audit", form.get("audit")),
      };
      await changeModel(
        ctx.state.services,
        model,
        form.get("version") ?? "",
        wanted,
        visitActor(ctx.state),
        (fn) => changeByForm(ctx.state, fn),
      );
      return ctx.redirect(`${pathOf(model)}?saved`, 303);
    } catch (error) {
      const problem = formProblem(error);
      const names = ["conflict_policy", "writable", "audit"];
      const set = Object.fromEntries(names.map((name) => [name, form.get(name) || undefined]));
      return page<ModelPage>({ ...await read(ctx), set, problem }, { status: problem.status });
    }
  },
});

function policy(given: string | null): ConflictPolicy | null {
  if (!given) return null;
  const found = conflictPolicies.find((name) => name === given);
  if (found) return found;
  throw fieldProblem("conflict_policy", "Choose what a push does when the row was changed.");
}

function flag(name: string, given: string | null): boolean | null {
  if (!given) return null;
  if (given === "yes" || given === "no") return given === "yes";
  throw fieldProblem(name, `${name}: Choose yes, no or the default.`);
}

async function read({ state, url, params }: Context<State>): Promise<ModelPage> {
  const { services: { db, catalog: catalogs }, admin } = state;
  const catalog: Catalog = await catalogs.current();
  const model = catalog.find(params.name);
  if (!model) throw notFound("model", params.name);
  state.title = model.name;
  const isStaff = "all" in admin!.scope;
  const { column_types, version } = await modelWithColumns(db, catalog, model, isStaff);
  const { conflict_policy, writable, audit } = (await loadSettings(db)).MODELS[model.name] ?? {};
  const word = (value: boolean | undefined) => value === undefined ? value : value ? "yes" : "no";
  return {
    model,
    columns: column_types,
    version,
    set: { conflict_policy, writable: word(writable), audit: word(audit) },
    isStaff,
    saved: url.searchParams.has("saved"),
  };
}

function pathOf({ name }: Model): string {
  return `${list}/${encodeURIComponent(name)}`;
}

export default define.page<typeof handler>(function ModelPage({ data }) {
  const { model, columns, version, set, isStaff, saved, problem } = data;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Sync" }, { label: "Models", href: list }]}
        title={model.name}
        description={model.enabled ? "How applications push and pull it." : model.reason}
      >
        {model.enabled && (
          <>
            <a class="btn btn-outline-secondary" href={modelPath(model)}>
              <Icon name="database" /> Records
            </a>
            <a
              class="btn btn-outline-secondary"
              href={`/admin/filters?${new URLSearchParams({ model: model.name })}`}
            >
              <Icon name="funnel" /> Filters
            </a>
          </>
        )}
      </PageHeader>
      {saved && <Alert kind="success">The settings of {model.name} are saved.</Alert>}
      {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
      <Facts model={model} isStaff={isStaff} />
      {isStaff && (
        <section>
          <h2>Settings</h2>
          <form method="post" action={pathOf(model)}>
            <input type="hidden" name="version" value={version} />
            <Choice
              name="conflict_policy"
              label="When a pushed row was changed since the client read it"
              chosen={set.conflict_policy}
              options={conflictPolicyWords}
              any="Default: last write wins"
              hint="Rejected: the client is given the server's row and decides. Merged: fields that only one side changed are kept."
            />
            <Choice
              name="writable"
              label="May be pushed"
              chosen={set.writable}
              options={{ yes: "Yes", no: "No: pull only" }}
              any={`Default: ${model.tenantColumn ? "yes" : "no, as its rows belong to everybody"}`}
              hint={model.tenantColumn
                ? "A model that may not be pushed is read by applications alone."
                : "What one organization pushes, every other one pulls."}
            />
            <Choice
              name="audit"
              label="In the audit trail"
              chosen={set.audit}
              options={{ yes: "Every change of its rows", no: "No" }}
              any="Default: no"
              hint="Changes of rights and settings, and edits in this admin, are there in any case."
            />
            <button type="submit" class="btn btn-primary">Save</button>
          </form>
        </section>
      )}
      <Columns columns={columns} keys={model.key} />
    </div>
  );
});

function Facts({ model, isStaff }: { model: Model; isStaff: boolean }) {
  const facts = {
    "State": model.enabled
      ? <Badge kind="success">{model.writable ? "Included" : "Pull only"}</Badge>
      : <Badge>Left out</Badge>,
    "Table": <code>{`${model.schema}.${model.table}`}</code>,
    "Kind": model.kind,
    "Rows belong to": model.tenantColumn ? <code>{model.tenantColumn}</code> : "Everybody",
    "Conflicts": conflictPolicyWords[model.conflictPolicy],
    "In the audit trail": model.audit ? "Every change" : "No",
    ...(isStaff && model.estimatedRows > 0
      ? { "About rows": model.estimatedRows.toLocaleString("en") }
      : {}),
  };
  return (
    <dl class="facts">
      {Object.entries(facts).map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Columns({ columns, keys }: { columns: ModelPage["columns"]; keys: string[] }) {
  return (
    <section>
      <h2>
        Columns <span class="section-count figures">{Object.keys(columns).length}</span>
      </h2>
      <Table label="Columns" head={["Column", "Type", "Notes"]}>
        {Object.entries(columns).map(([name, column]) => (
          <tr key={name}>
            <td>
              <code>{name}</code>
            </td>
            <td class="text-nowrap">{column.type}</td>
            <td class="cell-text">
              {[
                keys.includes(name) && "key",
                !column.nullable && "required",
                column.read_only && "set by the server",
                column.enum && `one of ${column.enum.join(", ")}`,
              ].filter(Boolean).join(", ")}
              {column.references && (
                <>
                  {" of "}
                  <a href={`${list}/${encodeURIComponent(column.references)}`}>
                    {column.references}
                  </a>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
