import {
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import { useEffect, useRef } from "preact/hooks";

Chart.register(
  CategoryScale,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

export interface MetricsChartProps {
  /** What is shown, and its unit. */
  title: string;
  unit: string;
  labels: string[];
  series: { label: string; values: (number | null)[] }[];
}

/** Names of the variables that hold the colours of lines. */
const colours = ["--chart-pushes", "--chart-pulls"];

/** Measurements over time as lines. The numbers are in a table of the page. */
export default function MetricsChart({ title, unit, labels, series }: MetricsChartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    let chart = draw();
    const redraw = () => {
      chart.destroy();
      chart = draw();
    };
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    return () => {
      themes.disconnect();
      chart.destroy();
    };

    function draw(): Chart {
      const style = getComputedStyle(document.documentElement);
      const colour = (name: string) => style.getPropertyValue(name).trim();
      const grid = { color: colour("--bs-border-color") };
      const ticks = { color: colour("--bs-secondary-color") };
      return new Chart(canvas.current!, {
        type: "line",
        data: {
          labels,
          datasets: series.map(({ label, values }, i) => ({
            label,
            data: values,
            borderColor: colour(colours[i]),
            backgroundColor: colour(colours[i]),
            borderWidth: 2,
            pointRadius: 2,
            spanGaps: true,
          })),
        },
        options: {
          animation: false,
          maintainAspectRatio: false,
          interaction: { mode: "index", intersect: false },
          scales: {
            x: {
              grid: { display: false },
              ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 16 },
            },
            y: {
              beginAtZero: true,
              grid,
              ticks,
              title: { display: true, text: unit, color: ticks.color },
            },
          },
          plugins: {
            legend: {
              display: series.length > 1,
              align: "start",
              labels: { color: colour("--bs-body-color"), boxWidth: 10, boxHeight: 10 },
            },
          },
        },
      });
    }
  }, [labels, series]);

  return (
    <figure class="metrics-chart needs-script">
      <figcaption>{title}</figcaption>
      <div>
        <canvas ref={canvas} role="img" aria-label={`${title} in ${unit}, as in the table below`} />
      </div>
    </figure>
  );
}
