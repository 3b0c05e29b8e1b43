import { page } from "fresh";
import { countRecords, type RecordCount } from "../../../lib/sync/mod.ts";
import { EmptyList, Field, Icon, PageHeader, Table } from "../../../lib/ui/mod.ts";
import { define, modelPath, recordModels, recordsPath, visitReach } from "../../../lib/web/mod.ts";

interface Line {
  name: string;
  href: string;
  owner: string;
  count: RecordCount;
}

interface Records {
  apps: [app: string, lines: Line[]][];
  q: string;
  place: string;
}

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    ctx.state.title = "Records";
    const catalog = await services.catalog.current();
    const reach = await visitReach(services.db, admin!);
    const q = (ctx.url.searchParams.get("q") ?? "").trim().slice(0, 200);
    const models = recordModels(catalog, reach)
      .filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
    const counts = await countRecords(services.db, models, reach);
    const apps = Map.groupBy(models, ({ app }) => app);
    return page<Records>({
      apps: [...apps].map(([app, models]) => [
        app,
        models.map((model) => ({
          name: model.name,
          href: modelPath(model),
          owner: model.tenantColumn === null ? "Everybody" : "One organization each",
          count: counts.get(model)!,
        })),
      ]),
      q,
      place: admin!.organization?.name ?? "all organizations",
    });
  },
});

export default define.page<typeof handler>(function RecordsPage({ data }) {
  const { apps, q, place } = data;
  return (
    <>
      <PageHeader
        place={[{ label: "Data" }]}
        title="Records"
        description={`The rows of ${place}, by model.`}
      />
      <form class="filter-form" method="get" action={recordsPath}>
        <Field name="q" label="Model" type="search" value={q} />
        <button type="submit" class="btn btn-primary">
          <Icon name="search" /> Search
        </button>
      </form>
      {apps.length === 0 && (
        <EmptyList
          list={{ path: recordsPath, isFiltered: q !== "" }}
          icon="table"
          none="There are no models yet"
          unmatched="No model has that in its name"
          all="Show all models"
        >
          Tables that can be synced appear here. <a href="/admin/models">Models</a>{" "}
          says why others cannot.
        </EmptyList>
      )}
      {apps.map(([app, lines]) => (
        <section key={app}>
          <h2>
            {app} <span class="section-count figures">{lines.length}</span>
          </h2>
          <Table
            label={`Models of ${app}`}
            head={["Model", { words: "Records", number: true }, "Belong to"]}
          >
            {lines.map(({ name, href, owner, count }) => (
              <tr>
                <td>
                  <a class="fw-semibold text-nowrap" href={href}>{name}</a>
                </td>
                <td class="text-end figures">{countText(count)}</td>
                <td class="text-nowrap">{owner}</td>
              </tr>
            ))}
          </Table>
        </section>
      ))}
    </>
  );
});

function countText({ count, kind }: RecordCount): string {
  const figure = count.toLocaleString("en");
  return kind === "about" ? `About ${figure}` : kind === "more" ? `Over ${figure}` : figure;
}
