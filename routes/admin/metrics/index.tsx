import { page } from "fresh";
import MetricsChart from "../../../islands/MetricsChart.tsx";
import {
  Alert,
  duration,
  EmptyState,
  Icon,
  ListFilters,
  listState,
  PageHeader,
  Table,
  type TableHead,
} from "../../../lib/ui/mod.ts";
import {
  csvHeaders,
  define,
  type MetricFilter,
  metricFilter,
  type MetricModel,
  metricPeriods,
  type MetricPoint,
  metricsCsv,
  type MetricsShown,
  metricsShown,
  modelNames,
} from "../../../lib/web/mod.ts";

interface Metrics extends MetricsShown {
  filter: MetricFilter;
  names: string[];
}

const path = "/admin/metrics";

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Metrics";
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    const filter = metricFilter(searchParams);
    const shown = await metricsShown(services.db, admin!, filter);
    if (searchParams.get("format") === "csv") {
      return new Response(metricsCsv(shown.models), { headers: csvHeaders("metrics") });
    }
    const names = modelNames(await services.catalog.current());
    return page<Metrics>({ ...shown, filter, names });
  },
});

const operations: Record<string, string> = { PUSH: "Push", PULL: "Pull" };
const periods = Object.fromEntries(
  Object.entries(metricPeriods).map(([name, { words }]) => [name, words]),
);

export default define.page<typeof handler>(function MetricsPage({ data }) {
  const { series, models, suggestions, filter, names } = data;
  const list = listState(path, filter);
  const isEmpty = series.every(({ operations }) => operations === 0);
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Metrics"
        description="How long pushes and pulls take, and what they need."
      >
        <a class="btn btn-outline-secondary" href={`${path}?format=csv&${list.query}`} download>
          <Icon name="download" /> Export CSV
        </a>
      </PageHeader>
      <ListFilters
        list={list}
        verb="Show"
        fields={{
          period: { label: "Period", options: periods, fallback: "day" },
          model: { label: "Model", suggestions: names },
          operation: { label: "Operation", options: operations, any: "Both" },
        }}
      />
      {suggestions.map((suggestion) => <Alert key={suggestion} kind="info">{suggestion}</Alert>)}
      {isEmpty
        ? (
          <EmptyState icon="graph-up" title="Nothing was measured in this period">
            Every push and pull that succeeds is measured and appears here.
          </EmptyState>
        )
        : (
          <>
            <Charts series={series} isDaily={filter.period === "month"} />
            <section>
              <h2>By model</h2>
              <ByModel models={models} />
            </section>
          </>
        )}
    </>
  );
});

/** The beginning of a period, in UTC. */
function clock(at: Date, isDaily: boolean): string {
  const iso = at.toISOString();
  return isDaily ? iso.slice(5, 10) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
}

const milliseconds = (seconds: number | null) =>
  seconds === null ? null : Math.round(seconds * 1e5) / 100;
const rounded = (value: number | null) => value === null ? null : Math.round(value * 10) / 10;
const shownNumber = (value: number | null) =>
  value === null ? "—" : value.toLocaleString("en", { maximumFractionDigits: 1 });
const shownTime = (value: number | null) => value === null ? "—" : duration(value);

const measures: TableHead[] = [
  "Operations",
  "Average",
  "95 % below",
  "Batch",
  "Records/s",
  "Queries",
  "MB",
]
  .map((words) => ({ words, number: true }));

function Charts({ series, isDaily }: { series: MetricPoint[]; isDaily: boolean }) {
  const times = series.map(({ at }) => clock(at, isDaily));
  const values = (of: (point: MetricPoint) => number | null) => series.map(of);
  return (
    <section>
      <div class="metrics-charts">
        <MetricsChart
          title="Processing time"
          unit="milliseconds"
          labels={times}
          series={[
            { label: "Average", values: values(({ averageTime }) => milliseconds(averageTime)) },
            { label: "95 of 100 below", values: values(({ p95 }) => milliseconds(p95)) },
          ]}
        />
        <MetricsChart
          title="Throughput"
          unit="records per second"
          labels={times}
          series={[{ label: "Records", values: values(({ throughput }) => rounded(throughput)) }]}
        />
        <MetricsChart
          title="Batch size"
          unit="records"
          labels={times}
          series={[{
            label: "Average",
            values: values(({ averageBatch }) => rounded(averageBatch)),
          }]}
        />
        <MetricsChart
          title="Queries of an operation"
          unit="statements"
          labels={times}
          series={[{
            label: "Average",
            values: values(({ averageQueries }) => rounded(averageQueries)),
          }]}
        />
        <MetricsChart
          title="Memory of the process"
          unit="MB"
          labels={times}
          series={[{ label: "Average", values: values(({ memory }) => rounded(memory)) }]}
        />
      </div>
      <details class="metrics-numbers">
        <summary>The numbers as a table</summary>
        <Table
          class="table-compact"
          label="Numbers of the charts"
          head={["From (UTC)", ...measures]}
        >
          {series.map((point, i) => (
            <tr key={times[i]}>
              <td class="text-nowrap">{times[i]}</td>
              <Measures of={point} />
            </tr>
          ))}
        </Table>
      </details>
    </section>
  );
}

function ByModel({ models }: { models: MetricModel[] }) {
  return (
    <Table label="By model" head={["Model", "Operation", ...measures]}>
      {models.map((row) => (
        <tr key={`${row.model} ${row.operation}`}>
          <td class="text-nowrap">
            {row.model
              ? <a href={`${path}?${new URLSearchParams({ model: row.model })}`}>{row.model}</a>
              : "Several models"}
          </td>
          <td>{operations[row.operation] ?? row.operation}</td>
          <Measures of={row} />
        </tr>
      ))}
    </Table>
  );
}

function Measures({ of }: { of: MetricPoint | MetricModel }) {
  return (
    <>
      <td class="text-end">{of.operations.toLocaleString("en")}</td>
      <td class="text-end text-nowrap">{shownTime(of.averageTime)}</td>
      <td class="text-end text-nowrap">{shownTime(of.p95)}</td>
      <td class="text-end">{shownNumber(of.averageBatch)}</td>
      <td class="text-end">{shownNumber(of.throughput)}</td>
      <td class="text-end">{shownNumber(of.averageQueries)}</td>
      <td class="text-end">{shownNumber(of.memory)}</td>
    </>
  );
}
