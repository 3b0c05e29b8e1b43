import { type Context, page } from "fresh";
import { organizationNames, requireAll } from "../../../lib/access/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import type { JobState } from "../../../lib/jobs/mod.ts";
import {
  Alert,
  EmptyState,
  Icon,
  JobOutcome,
  PageHeader,
  RelativeTime,
  Table,
} from "../../../lib/ui/mod.ts";
import {
  bulkPushes,
  type BulkPushView,
  bulkQuery,
  type Change,
  changeBulkPush,
  changeByForm,
  define,
  formProblem,
  givenFields,
  parse,
  readForm,
  runJob,
  type State,
} from "../../../lib/web/mod.ts";

interface Jobs {
  /** For staff alone. */
  jobs?: JobState[];
  bulk: BulkPushView[];
  next: string | null;
  state?: string;
  /** By id. */
  organizations: Map<number, { slug: string }>;
  said?: { kind: "success" | "warning" | "danger"; title: string; text?: string };
}

const path = "/admin/jobs";
const pageSize = 20;

export const handler = define.handlers({
  async GET(ctx) {
    return page<Jobs>(await read(ctx));
  },

  async POST(ctx) {
    const form = await readForm(ctx.req);
    const change: Change = (fn) => changeByForm(ctx.state, fn);
    try {
      const said = await act(ctx.state, form, change);
      return page<Jobs>({ ...await read(ctx), said });
    } catch (error) {
      const { status, message } = formProblem(error);
      const said = { kind: "danger", title: "Nothing was done.", text: message } as const;
      return page<Jobs>({ ...await read(ctx), said }, { status });
    }
  },
});

async function act(state: State, form: URLSearchParams, change: Change): Promise<Jobs["said"]> {
  const { scope } = state.admin!;
  const [action, id] = [form.get("do"), form.get("id") ?? ""];
  if (action === "cancel" || action === "retry") {
    await changeBulkPush(scope, id, action, change);
    return action === "cancel"
      ? { kind: "success", title: "The bulk push is cancelled.", text: "What is written stays." }
      : { kind: "success", title: "The bulk push waits to be written again." };
  }
  if (action !== "run") throw new LockstepError("bad_request", "The form names no job to run.");
  requireAll(scope);
  const { job, outcome, error } = await runJob(state.services, id, change);
  if (outcome === "running") return { kind: "success", title: `${job} runs now.` };
  return outcome === "succeeded"
    ? { kind: "success", title: `${job} ran and succeeded.` }
    : { kind: "danger", title: `${job} did not succeed.`, text: error };
}

async function read({ state, url }: Context<State>): Promise<Jobs> {
  state.title = "Jobs";
  const { services, admin } = state;
  const { scope, organization } = admin!;
  const { state: asked, cursor } = parse(
    bulkQuery.pick({ state: true, cursor: true }).strip(),
    givenFields(url.searchParams),
  );
  const { items, next } = await bulkPushes(services.db, scope, organization?.id, {
    state: asked,
    before: cursor,
    limit: pageSize,
  });
  return {
    jobs: "all" in scope ? await services.jobs.list() : undefined,
    bulk: items,
    next,
    state: asked,
    organizations: await organizationNames(
      services.db,
      items.map(({ organization_id }) => organization_id),
    ),
  };
}

export default define.page<typeof handler>(function JobsPage({ data }) {
  const { jobs, bulk, next, state, organizations, said } = data;
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }]}
        title="Jobs"
        description={jobs
          ? "What the server does by itself, and large pushes that it writes in the background."
          : "Large pushes that the server writes in the background."}
      >
        <a class="btn btn-outline-secondary" href={`${path}/report`}>
          <Icon name="calendar-day" /> Daily report
        </a>
      </PageHeader>
      {said && <Alert kind={said.kind} title={said.title}>{said.text}</Alert>}
      <section>
        <h2>Bulk pushes</h2>
        <nav class="chips" aria-label="States of bulk pushes">
          {[["", "All"], ["failed", "Given up"], ["running", "Running"], ["queued", "Waiting"]].map(
            (
              [value, word],
            ) => (
              <a
                key={value}
                href={value ? `${path}?state=${value}` : path}
                aria-current={(state ?? "") === value ? "true" : "false"}
              >
                {word}
              </a>
            ),
          )}
        </nav>
        {bulk.length === 0
          ? (
            <EmptyState
              icon="inboxes"
              title={state ? "No bulk push is in this state" : "No bulk push was sent yet"}
            >
              A push to /api/sync/bulk/ is written in the background and appears here.
            </EmptyState>
          )
          : <BulkPushes rows={bulk} organizations={organizations} />}
        {next && (
          <nav class="pager" aria-label="Pages">
            <a
              class="btn btn-outline-secondary btn-sm"
              rel="next"
              href={`${path}?${new URLSearchParams({ ...(state && { state }), cursor: next })}`}
            >
              Older <Icon name="chevron-right" />
            </a>
          </nav>
        )}
      </section>
      {jobs && (
        <section>
          <h2>Recurring jobs</h2>
          <Recurring jobs={jobs} />
        </section>
      )}
    </>
  );
});

function BulkPushes(
  { rows, organizations }: { rows: BulkPushView[]; organizations: Jobs["organizations"] },
) {
  return (
    <Table
      label="Bulk pushes"
      head={[
        "Bulk push",
        "State",
        "Progress",
        { words: "Refused", number: true },
        "Organization",
        "Sent",
        { words: "Actions", hidden: true },
      ]}
    >
      {rows.map((row) => (
        <tr key={row.id}>
          <td class="cell-text">
            <code title={row.id}>{row.id.slice(0, 8)}</code>
            {row.device && ` ${row.device}`}
            {row.error && <small class="d-block">{row.error}</small>}
          </td>
          <td>
            <JobOutcome outcome={row.state} />
          </td>
          <td class="text-nowrap">
            <progress
              value={row.done}
              max={Math.max(row.total, 1)}
              aria-label={`Progress of ${row.id.slice(0, 8)}`}
            />{" "}
            <span class="figures">
              {`${row.done.toLocaleString("en")} of ${row.total.toLocaleString("en")}`}
            </span>
          </td>
          <td class="text-end">
            {row.error_count > 0
              ? <a href="/admin/quarantine">{row.error_count.toLocaleString("en")}</a>
              : "0"}
          </td>
          <td class="text-nowrap">{organizations.get(row.organization_id)?.slug ?? "—"}</td>
          <td>
            <RelativeTime value={row.created_at} />
          </td>
          <td class="text-end">
            <BulkAction row={row} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function BulkAction({ row: { id, state } }: { row: BulkPushView }) {
  const action = state === "failed"
    ? ["retry", "Try again"]
    : state === "queued" || state === "running"
    ? ["cancel", "Cancel"]
    : undefined;
  if (!action) return null;
  const [name, word] = action;
  return (
    <form method="post" action={path}>
      <input type="hidden" name="id" value={id} />
      <button type="submit" class="btn btn-outline-secondary btn-sm" name="do" value={name}>
        {word}
        <span class="visually-hidden">{` ${id.slice(0, 8)}`}</span>
      </button>
    </form>
  );
}

function Recurring({ jobs }: { jobs: JobState[] }) {
  return (
    <Table
      label="Recurring jobs"
      head={["Job", "Last run", "Schedule (UTC)", "Next", { words: "Actions", hidden: true }]}
    >
      {jobs.map(({ name, description, schedule, next_at, last_run, last_failure }) => (
        <tr key={name}>
          <td class="cell-text">
            <a href={`${path}/${name}`}>{name}</a>
            <small class="d-block">{description}</small>
            {last_failure && last_failure.id === last_run?.id && (
              <small class="d-block text-danger-emphasis">{last_failure.error}</small>
            )}
          </td>
          <td class="text-nowrap">
            {last_run
              ? (
                <>
                  <JobOutcome outcome={last_run.outcome} />{" "}
                  <RelativeTime value={last_run.started_at} />
                </>
              )
              : "Never"}
          </td>
          <td class="text-nowrap">{schedule ? <code>{schedule}</code> : "By hand"}</td>
          <td>{next_at ? <RelativeTime value={next_at} /> : "—"}</td>
          <td class="text-end">
            <form method="post" action={path}>
              <input type="hidden" name="id" value={name} />
              <button
                type="submit"
                class="btn btn-outline-secondary btn-sm"
                name="do"
                value="run"
              >
                <Icon name="play" /> Run now
                <span class="visually-hidden">{`: ${name}`}</span>
              </button>
            </form>
          </td>
        </tr>
      ))}
    </Table>
  );
}
