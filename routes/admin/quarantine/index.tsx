import { page } from "fresh";
import SelectAll from "../../../islands/SelectAll.tsx";
import { LockstepError } from "../../../lib/errors/mod.ts";
import {
  Alert,
  Badge,
  EmptyState,
  Icon,
  ListFilters,
  ListPages,
  listState,
  PageHeader,
  RelativeTime,
  Table,
} from "../../../lib/ui/mod.ts";
import {
  define,
  discardQuarantined,
  onlyOrganization,
  pagePlace,
  quarantined,
  type QuarantineFilter,
  quarantineFilter,
  quarantinePage,
  type QuarantineRow,
  readForm,
  replayQuarantined,
  type RowsPage,
  scanRecord,
  type State,
} from "../../../lib/web/mod.ts";

/** What came of what somebody did to several records. */
interface Outcome {
  action: "replay" | "discard";
  done: number;
  failed: { id: number; message: string }[];
}

interface Quarantine extends RowsPage<QuarantineRow> {
  filter: QuarantineFilter;
  showsOrganization: boolean;
  outcome?: Outcome;
  /** Records that are to be discarded, if somebody says so again. */
  discarding?: QuarantineRow[];
}

const path = "/admin/quarantine";
const mostAtOnce = 100;

export const handler = define.handlers({
  async GET(ctx) {
    const { searchParams } = ctx.url;
    const done = { replayed: "replay", discarded: "discard" } as const;
    const [name] = (["replayed", "discarded"] as const).filter((name) => searchParams.has(name));
    const outcome = name && { action: done[name], done: 1, failed: [] };
    return page<Quarantine>({ ...await read(ctx.state, ctx.url), outcome });
  },

  async POST(ctx) {
    const form = await readForm(ctx.req);
    const ids = [...new Set(form.getAll("id"))].slice(0, mostAtOnce);
    const action = form.get("do");
    if (action !== "replay" && action !== "discard") {
      throw new LockstepError("bad_request", "The form asks for nothing that can be done here.");
    }
    const records = await Promise.all(ids.map((id) => quarantined(ctx.state, id)));
    if (action === "discard" && form.get("confirmed") !== "yes" && records.length > 0) {
      const discarding = records.map(({ row }) => row);
      return page<Quarantine>({ ...await read(ctx.state, ctx.url), discarding });
    }
    const { SYNC } = await ctx.state.services.settings.current();
    const outcome: Outcome = { action, done: 0, failed: [] };
    for (const { row, record } of records) {
      try {
        const refused = action === "replay"
          ? await replayQuarantined(ctx.state, row, scanRecord(record, SYNC.MAX_DEPTH))
          : await discardQuarantined(ctx.state, row);
        if (refused) outcome.failed.push({ id: row.id, message: refused.message });
        else outcome.done++;
      } catch (error) {
        if (!(error instanceof LockstepError) || error.status >= 500) throw error;
        outcome.failed.push({ id: row.id, message: error.message });
      }
    }
    return page<Quarantine>({ ...await read(ctx.state, ctx.url), outcome });
  },
});

async function read(state: State, url: URL): Promise<Quarantine> {
  state.title = "Quarantine";
  const { services, admin } = state;
  const filter = quarantineFilter(url.searchParams);
  const rows = await quarantinePage(services.db, admin!, filter, pagePlace(url));
  return { ...rows, filter, showsOrganization: !onlyOrganization(admin!) };
}

const states = { open: "Open", replayed: "Replayed", discarded: "Discarded", all: "Any" };
const kinds = { open: "warning", replayed: "success", discarded: "neutral" } as const;

export default define.page<typeof handler>(function QuarantinePage({ data }) {
  const { rows, filter, showsOrganization, outcome, discarding } = data;
  const list = listState(path, filter);
  const here = list.isFiltered ? `${path}?${list.query}` : path;
  if (discarding) return <Discarding rows={discarding} here={here} />;
  return (
    <>
      <PageHeader
        place={[{ label: "Data" }]}
        title="Quarantine"
        description="Records that applications pushed and the server refused. Repair and replay them, or give them up."
      />
      {outcome && <Told outcome={outcome} />}
      <ListFilters
        list={list}
        fields={{
          state: { label: "State", options: states, fallback: "open" },
          model: { label: "Model" },
          username: { label: "User", autocapitalize: "none" },
          device: { label: "Device" },
          q: { label: "Text", type: "search" },
        }}
      />
      {rows.length === 0
        ? (
          <EmptyState
            icon="shield-check"
            title={list.isFiltered
              ? "No refused record matches the filters"
              : "No refused record is waiting"}
            action={
              <a
                class="btn btn-outline-secondary"
                href={list.isFiltered ? path : `${path}?state=all`}
              >
                {list.isFiltered ? "Show what is open" : "Show those of the past"}
              </a>
            }
          >
            A record that is refused for what it holds is kept here, so that nothing a device sent
            is lost.
          </EmptyState>
        )
        : (
          <form method="post" action={here}>
            <Table
              label="Refused records"
              head={[
                {
                  words: (
                    <>
                      <SelectAll label="Select every record of this page" />
                      <span class="visually-hidden">Select</span>
                    </>
                  ),
                },
                "Record",
                "State",
                "User",
                showsOrganization && "Organization",
                "Device",
                "Refused",
              ]}
            >
              {rows.map((row) => (
                <Line key={row.id} row={row} showsOrganization={showsOrganization} />
              ))}
            </Table>
            <div class="page-actions mt-3">
              <button type="submit" class="btn btn-primary" name="do" value="replay">
                <Icon name="arrow-repeat" /> Replay selected
              </button>
              <button type="submit" class="btn btn-outline-danger" name="do" value="discard">
                <Icon name="trash" /> Discard selected
              </button>
            </div>
            <ListPages list={list} page={data} />
          </form>
        )}
    </>
  );
});

function Line({ row, showsOrganization }: { row: QuarantineRow; showsOrganization: boolean }) {
  const { id, model, message, field, state, username, device, created_at } = row;
  return (
    <tr>
      <td>
        {state === "open" && (
          <input
            type="checkbox"
            class="form-check-input"
            name="id"
            value={id}
            aria-label={`Select record ${id}`}
          />
        )}
      </td>
      <td class="cell-text">
        <a href={`${path}/${id}`}>{`${model || "No model"} #${id}`}</a>
        <small class="d-block">{field ? `${field}: ${message}` : message}</small>
      </td>
      <td>
        <Badge kind={kinds[state]}>{states[state]}</Badge>
      </td>
      <td>{username ?? "—"}</td>
      {showsOrganization && <td class="text-nowrap">{row.organization_slug}</td>}
      <td>{device || "—"}</td>
      <td>
        <RelativeTime value={created_at} />
      </td>
    </tr>
  );
}

const records = (count: number) =>
  `${count.toLocaleString("en")} ${count === 1 ? "record" : "records"}`;

function Told({ outcome: { action, done, failed } }: { outcome: Outcome }) {
  const word = action === "replay" ? "replayed" : "discarded";
  if (done + failed.length === 0) {
    return <Alert kind="warning" title="No record was selected.">Tick some, and try again.</Alert>;
  }
  return (
    <>
      {done > 0 && (
        <Alert kind="success" title={`${records(done)} ${done === 1 ? "was" : "were"} ${word}.`} />
      )}
      {failed.length > 0 && (
        <Alert
          kind="danger"
          title={`${records(failed.length)} ${failed.length === 1 ? "was" : "were"} not ${word}.`}
        >
          <ul class="mb-0">
            {failed.map(({ id, message }) => (
              <li>
                <a href={`${path}/${id}`}>{`#${id}`}</a> {message}
              </li>
            ))}
          </ul>
        </Alert>
      )}
    </>
  );
}

function Discarding({ rows, here }: { rows: QuarantineRow[]; here: string }) {
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Data" }, { label: "Quarantine", href: path }]}
        title={`Discard ${records(rows.length)}?`}
      />
      <p>
        What {rows.length === 1 ? "it holds" : "they hold"}{" "}
        is not written. It stays readable here, but cannot be replayed any more.
      </p>
      <ul class="affected">
        {rows.map(({ id, model, message }) => (
          <li>
            <a href={`${path}/${id}`}>{`${model || "No model"} #${id}`}</a> {message}
          </li>
        ))}
      </ul>
      <form method="post" action={here} class="page-actions">
        {rows.map(({ id }) => <input key={id} type="hidden" name="id" value={id} />)}
        <input type="hidden" name="confirmed" value="yes" />
        <button type="submit" class="btn btn-danger" name="do" value="discard">
          <Icon name="trash" /> Discard {records(rows.length)}
        </button>
        <a class="btn btn-outline-secondary" href={here}>
          Keep {rows.length === 1 ? "it" : "them"}
        </a>
      </form>
    </div>
  );
}
