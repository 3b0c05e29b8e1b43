import { type Context, page, type RouteConfig } from "fresh";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { mostPending } from "../../../lib/sync/mod.ts";
import { Alert, DeviceState, Icon, PageHeader, RelativeTime, Table } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  changeDevice,
  define,
  type DeviceAction,
  deviceDetails,
  type DevicePosition,
  type DeviceRow,
  readForm,
  rowNumber,
  type State,
} from "../../../lib/web/mod.ts";

export const config: RouteConfig = { routeOverride: "/admin/devices/:id{/}?" };

interface Details {
  device: DeviceRow;
  positions: DevicePosition[];
  done?: DeviceAction;
}

const actions: Record<DeviceAction, string> = {
  resync: "The device starts over with its next pull.",
  revoke: "The device is revoked: it can neither push nor pull.",
  allow: "The device is allowed again, and goes on where it was.",
};

export const handler = define.handlers({
  async GET(ctx) {
    const done = ctx.url.searchParams.get("done") ?? "";
    return page<Details>({
      ...await read(ctx),
      done: Object.hasOwn(actions, done) ? done as DeviceAction : undefined,
    });
  },

  async POST(ctx) {
    const { device: { id } } = await read(ctx);
    const action = (await readForm(ctx.req)).get("do") ?? "";
    if (!Object.hasOwn(actions, action)) {
      throw new LockstepError("bad_request", "The form asks for nothing that can be done here.");
    }
    await changeByForm(
      ctx.state,
      (tx) => changeDevice(tx, ctx.state.admin!.scope, id, action as DeviceAction),
    );
    return ctx.redirect(`/admin/devices/${id}?done=${action}`, 303);
  },
});

async function read({ state, params }: Context<State>) {
  const { services, admin } = state;
  const details = await deviceDetails(
    services.db,
    await services.catalog.current(),
    admin!.scope,
    rowNumber(params.id),
  );
  state.title = `Device ${details.device.name}`;
  return details;
}

export default define.page<typeof handler>(function DevicePage({ data }) {
  const { device, positions, done } = data;
  const { id, name, username } = device;
  const log = new URLSearchParams({ device: name, username });
  const never = (time: Date | null) => time ? <RelativeTime value={time} /> : "Never";
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Sync" }, { label: "Devices", href: "/admin/devices" }]}
        title={name}
        description={`Of ${username} in ${device.organization_slug}.`}
      >
        <a class="btn btn-outline-secondary" href={`/admin/logs?${log}`}>
          <Icon name="journal-text" /> Its log
        </a>
      </PageHeader>
      {done && <Alert kind="success" title={actions[done]} />}
      {device.last_error_at && (
        <Alert kind="warning" title={device.last_error}>
          Its last error, <RelativeTime value={device.last_error_at} />.
        </Alert>
      )}
      <dl class="facts">
        {Object.entries({
          "State": <DeviceState {...device} />,
          "Up to date as of": never(device.last_complete_at),
          "Last seen": never(device.last_seen_at),
          "Last push": never(device.last_push_at),
          "Last pull": never(device.last_pull_at),
          "First seen": never(device.first_seen_at),
          "Client version": device.client_version || "Not told",
        }).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <section>
        <h2>Cursors</h2>
        {positions.length === 0 ? <p class="section-note">It has pulled nothing yet.</p> : (
          <Table
            label="Cursors"
            head={["Model", "Cursor given", { words: "Changes since", number: true }]}
          >
            {positions.map(({ model, last_sync, pending }) => (
              <tr key={model}>
                <td>{model}</td>
                <td>
                  {last_sync
                    ? <RelativeTime value={last_sync} />
                    : "Longer ago than positions are kept"}
                </td>
                <td class="text-end">{pendingWords(pending)}</td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      <section>
        <h2>Start over</h2>
        <p>
          With its next pull the device drops what it holds and gets everything anew. What it has
          not pushed yet, it still pushes.
        </p>
        <form method="post" action={`/admin/devices/${id}`}>
          <button type="submit" class="btn btn-outline-secondary" name="do" value="resync">
            <Icon name="arrow-repeat" /> Have {name} start over
          </button>
        </form>
      </section>
      <section>
        <h2>{device.revoked_at ? "Allow again" : "Revoke"}</h2>
        <p>
          {device.revoked_at
            ? "The device may push and pull again, with the rights of its user."
            : "For a device that is lost. It can neither push nor pull until it is allowed again; what it holds stays on it."}
        </p>
        <form method="post" action={`/admin/devices/${id}`}>
          {device.revoked_at
            ? (
              <button type="submit" class="btn btn-primary" name="do" value="allow">
                <Icon name="check-lg" /> Allow {name}
              </button>
            )
            : (
              <button type="submit" class="btn btn-danger" name="do" value="revoke">
                <Icon name="slash-circle" /> Revoke {name}
              </button>
            )}
        </form>
      </section>
    </div>
  );
});

function pendingWords(pending: number | undefined): string {
  if (pending === undefined) return "Not read to the end";
  if (pending > mostPending) return `Over ${mostPending.toLocaleString("en")}`;
  return pending.toLocaleString("en");
}
