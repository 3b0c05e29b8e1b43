import { Table } from "./table.tsx";

/** What one bar shows, from the bottom up. */
export interface ActivityBar {
  /** When the hour begins. */
  hour: Date;
  pushes: number;
  pulls: number;
  failures: number;
}

const SERIES = [
  { name: "pushes", label: "Pushes" },
  { name: "pulls", label: "Pulls" },
  { name: "failures", label: "Failed" },
] as const;

const HEIGHT = 100;
const GAP = 0.2;

/** Bars by hour, with their numbers in a table behind them. Needs no script. */
export function ActivityChart({ bars }: { bars: ActivityBar[] }) {
  const top = niceTop(Math.max(...bars.map(total), 1));
  const sums = SERIES.map(({ name, label }) => {
    const sum = bars.reduce((all, bar) => all + bar[name], 0);
    return `${label.toLowerCase()} ${sum.toLocaleString("en")}`;
  });
  return (
    <figure class="activity">
      <figcaption class="activity-legend">
        {SERIES.map(({ name, label }) => (
          <span>
            <i class={`swatch chart-${name}`} aria-hidden="true" />
            {label}
          </span>
        ))}
      </figcaption>
      <div class="activity-plot">
        <div class="activity-scale figures" aria-hidden="true">
          <span>{top.toLocaleString("en")}</span>
          <span>{(top / 2).toLocaleString("en")}</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${bars.length} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Operations by hour, last 24 hours: ${sums.join(", ")}`}
        >
          {[0, HEIGHT / 2, HEIGHT].map((y) => (
            <line class="chart-grid" x1="0" x2={bars.length} y1={y} y2={y} />
          ))}
          {bars.map((bar, i) => <Bar key={i} bar={bar} x={i} top={top} />)}
        </svg>
        <div class="activity-hours figures" aria-hidden="true">
          {bars.map(({ hour }, i) => <span key={i}>{i % 3 === 0 ? clock(hour) : ""}</span>)}
        </div>
      </div>
      <details>
        <summary>The numbers as a table</summary>
        <Table
          class="table-compact"
          label="Operations by hour"
          head={["Hour (UTC)", ...SERIES.map(({ label }) => ({ words: label, number: true }))]}
        >
          {bars.map((bar) => (
            <tr>
              <td>{clock(bar.hour)}</td>
              {SERIES.map(({ name }) => (
                <td key={name} class="text-end">{bar[name].toLocaleString("en")}</td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

function Bar({ bar, x, top }: { bar: ActivityBar; x: number; top: number }) {
  let below = 0;
  return (
    <g>
      <title>
        {`${clock(bar.hour)} UTC: ${
          SERIES.map(({ name, label }) => `${label.toLowerCase()} ${bar[name]}`).join(", ")
        }`}
      </title>
      {SERIES.map(({ name }) => {
        const height = bar[name] / top * HEIGHT;
        below += height;
        return height === 0 ? null : (
          <rect
            class={`chart-${name}`}
            x={x + GAP / 2}
            y={HEIGHT - below}
            width={1 - GAP}
            height={height}
          />
        );
      })}
    </g>
  );
}

function total({ pushes, pulls, failures }: ActivityBar): number {
  return pushes + pulls + failures;
}

/** The smallest of 2, 4, 6, 8, 10, 20, 40, 60 … that is not below `value`. */
function niceTop(value: number): number {
  for (let unit = 1;; unit *= 10) {
    const found = [2, 4, 6, 8, 10].find((step) => step * unit >= value);
    if (found !== undefined) return found * unit;
  }
}

function clock(hour: Date): string {
  return hour.toISOString().slice(11, 16);
}
