import { page } from "fresh";
import type { Model } from "../../../lib/models/mod.ts";
import {
  Alert,
  Badge,
  EmptyList,
  Icon,
  ListFilters,
  listState,
  PageHeader,
  Table,
} from "../../../lib/ui/mod.ts";
import { conflictPolicyWords, define } from "../../../lib/web/mod.ts";

interface Models {
  /** Those that the filters leave, by the part of the name before the dot. */
  apps: [app: string, models: Model[]][];
  shown: number;
  included: number;
  excluded: number;
  warnings: readonly string[];
  filter: { state?: string; q?: string };
  /** Row counts are of all organizations together. */
  showsRows: boolean;
}

const path = "/admin/models";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    ctx.state.title = "Models";
    const { models, warnings } = await services.catalog.current();
    const { searchParams } = ctx.url;
    const state = ["included", "excluded"].find((name) => name === searchParams.get("state")) ?? "";
    const q = (searchParams.get("q") ?? "").trim().slice(0, 200);
    const shown = models.filter((model) =>
      (state === "" || model.enabled === (state === "included")) &&
      `${model.name} ${model.schema}.${model.table}`.toLowerCase().includes(q.toLowerCase())
    ).toSorted((a, b) => a.name < b.name ? -1 : 1);
    const included = models.filter(({ enabled }) => enabled).length;
    return page<Models>({
      apps: [...Map.groupBy(shown, ({ app }) => app)],
      shown: shown.length,
      included,
      excluded: models.length - included,
      warnings,
      filter: { ...(state && { state }), ...(q && { q }) },
      showsRows: "all" in admin!.scope,
    });
  },
});

const states = { included: "Included", excluded: "Left out" };

export default define.page<typeof handler>(function ModelsPage({ data }) {
  const { apps, shown, included, excluded, warnings, filter, showsRows } = data;
  const list = listState(path, filter);
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Models"
        description={excluded === 0
          ? "Every table of the database can be synced."
          : `${included} of ${included + excluded} tables can be synced; the others say why not.`}
      >
        {showsRows && (
          <a class="btn btn-primary" href={`${path}/settings`}>
            <Icon name="sliders" /> Choose what is included
          </a>
        )}
      </PageHeader>
      {warnings.map((warning) => <Alert key={warning} kind="warning">{warning}</Alert>)}
      <ListFilters
        list={list}
        fields={{
          state: { label: "State", options: states },
          q: { label: "Model or table", chip: "Text", type: "search" },
        }}
      />
      {shown === 0 && (
        <EmptyList
          list={list}
          icon="table"
          none="The database has no tables"
          unmatched="No model matches the filters"
          all="Show all models"
        >
          Every table that is created in the database appears here at once.
        </EmptyList>
      )}
      {apps.map(([app, models]) => (
        <App key={app} app={app} models={models} showsRows={showsRows} />
      ))}
    </>
  );
});

function App({ app, models, showsRows }: { app: string; models: Model[]; showsRows: boolean }) {
  return (
    <section>
      <h2>
        {app} <span class="section-count figures">{models.length}</span>
      </h2>
      <Table
        label={`Models of ${app}`}
        head={[
          "Model",
          "State",
          "Table",
          "Rows belong to",
          "Conflicts",
          showsRows && { words: "About rows", number: true },
        ]}
      >
        {models.map((model) => (
          <tr>
            <td class="cell-text">
              <a class="text-nowrap" href={`${path}/${encodeURIComponent(model.name)}`}>
                {model.name}
              </a>
              {model.reason && <small class="d-block">{model.reason}</small>}
            </td>
            <td>
              {model.enabled
                ? <Badge kind="success">{model.writable ? "Included" : "Pull only"}</Badge>
                : <Badge>Left out</Badge>}
            </td>
            <td class="text-nowrap">
              <code>{`${model.schema}.${model.table}`}</code>
              {model.kind !== "table" && ` ${model.kind}`}
            </td>
            <td>{model.tenantColumn ? <code>{model.tenantColumn}</code> : "Everybody"}</td>
            <td class="text-nowrap">
              {model.enabled && model.writable ? conflictPolicyWords[model.conflictPolicy] : "—"}
            </td>
            {showsRows && (
              <td class="text-end">
                {model.estimatedRows > 0 ? model.estimatedRows.toLocaleString("en") : "—"}
              </td>
            )}
          </tr>
        ))}
      </Table>
    </section>
  );
}
