import { page, type RouteConfig } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import type { JobRun } from "../../../lib/jobs/mod.ts";
import {
  duration,
  EmptyState,
  Icon,
  JobOutcome,
  PageHeader,
  RelativeTime,
  Table,
} from "../../../lib/ui/mod.ts";
import { define, givenFields, parse, runsQuery } from "../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/jobs/:name{/}?" };

interface History {
  name: string;
  runs: JobRun[];
  older?: number;
}

const pageSize = 50;

export const handler = define.handlers({
  async GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    const { name } = ctx.params;
    const { cursor } = parse(
      runsQuery.pick({ cursor: true }).strip(),
      givenFields(ctx.url.searchParams),
    );
    const { jobs } = ctx.state.services;
    const runs = await jobs.history(name, { before: cursor ?? null, limit: pageSize + 1 });
    ctx.state.title = name;
    const shown = runs.slice(0, pageSize);
    return page<History>({
      name,
      runs: shown,
      older: runs.length > pageSize ? shown.at(-1)!.id : undefined,
    });
  },
});

const triggers = { cron: "By schedule", manual: "By hand", cli: "On the command line" };

export default define.page<typeof handler>(function JobPage({ data: { name, runs, older } }) {
  const path = `/admin/jobs/${name}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }, { label: "Jobs", href: "/admin/jobs" }]}
        title={name}
        description="Its runs, newest first, with what each told."
      >
        <form method="post" action="/admin/jobs">
          <input type="hidden" name="id" value={name} />
          <button type="submit" class="btn btn-primary" name="do" value="run">
            <Icon name="play" /> Run now
          </button>
        </form>
      </PageHeader>
      {runs.length === 0
        ? (
          <EmptyState icon="alarm" title="The job has not run yet">
            Each run appears here, by schedule or by hand.
          </EmptyState>
        )
        : (
          <Table
            label={`Runs of ${name}`}
            head={["Began", "Outcome", { words: "Took", number: true }, "How", "What it told"]}
          >
            {runs.map((run) => (
              <tr key={run.id}>
                <td>
                  <RelativeTime value={run.started_at} />
                </td>
                <td>
                  <JobOutcome outcome={run.outcome} />
                </td>
                <td class="text-end text-nowrap">
                  {run.finished_at
                    ? duration((run.finished_at.getTime() - run.started_at.getTime()) / 1000)
                    : "—"}
                </td>
                <td class="text-nowrap">{triggers[run.trigger]}</td>
                <td class="cell-text">
                  {run.error || <Detail detail={run.detail} />}
                </td>
              </tr>
            ))}
          </Table>
        )}
      {older && (
        <nav class="pager" aria-label="Pages">
          <a class="btn btn-outline-secondary btn-sm" rel="next" href={`${path}?cursor=${older}`}>
            Older <Icon name="chevron-right" />
          </a>
        </nav>
      )}
    </>
  );
});

/** What a run told: its figures in words, the rest as it is. */
function Detail({ detail }: { detail: JobRun["detail"] }) {
  const told = Object.entries(detail ?? {});
  if (told.length === 0) return <>—</>;
  if (told.length <= 8 && told.every(([, value]) => typeof value !== "object")) {
    return <>{told.map(([name, value]) => `${nameOf(name)}: ${shown(value)}`).join(", ")}</>;
  }
  return (
    <details>
      <summary>{told.slice(0, 6).map(([name]) => nameOf(name)).join(", ")}</summary>
      <pre class="payload" tabIndex={0}>{JSON.stringify(detail, null, 2)}</pre>
    </details>
  );
}

function nameOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll("_", " ");
}

function shown(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en") : String(value);
}
