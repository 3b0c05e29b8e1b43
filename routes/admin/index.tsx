import { page } from "fresh";
import {
  type ActiveHour,
  type FailingModel,
  failingModels,
  type Overview,
  syncActivity,
  syncOverview,
} from "../../lib/observe/mod.ts";
import {
  ActivityChart,
  Badge,
  EmptyState,
  Icon,
  PageHeader,
  RelativeTime,
} from "../../lib/ui/mod.ts";
import { define, deviceFilter, devicePage, type DeviceRow } from "../../lib/web/mod.ts";

interface Dashboard {
  place: string;
  overview: Overview;
  models: number;
  hours: ActiveHour[];
  failing: FailingModel[];
  devices: DeviceRow[];
}

const shownDevices = 5;

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { db, catalog } = services;
    const { scope, organization } = admin!;
    const part = { scope, organizationId: organization?.id };
    ctx.state.title = "Dashboard";
    const newest = deviceFilter(new URLSearchParams());
    const [{ models }, overview, hours, failing, { rows: devices }] = await Promise.all([
      catalog.current(),
      syncOverview(db, part),
      syncActivity(db, part),
      failingModels(db, part),
      devicePage(db, admin!, newest, {}, shownDevices),
    ]);
    return page<Dashboard>({
      place: organization?.name ?? "all organizations",
      overview,
      models: models.filter(({ enabled }) => enabled).length,
      hours,
      failing,
      devices,
    });
  },
});

export default define.page<typeof handler>(function DashboardPage({ data }) {
  const { place, overview, models, hours, failing, devices } = data;
  const quiet = hours.every(({ pushes, pulls, failures }) => pushes + pulls + failures === 0);
  return (
    <>
      <PageHeader title="Dashboard" description={`The last 24 hours in ${place}.`}>
        <a class="btn btn-outline-secondary" href="/admin/logs/export">
          <Icon name="download" /> Export the log
        </a>
        <a class="btn btn-primary" href="/admin/logs">
          <Icon name="journal-text" /> Open the log
        </a>
      </PageHeader>
      <Counts overview={overview} models={models} />
      <section>
        <h2>Sync activity</h2>
        <p class="section-note">Models pushed and pulled, by hour in UTC.</p>
        {quiet
          ? (
            <EmptyState icon="activity" title="Nothing was synced in the last day">
              Every push and pull of an application appears here, by the hour.
            </EmptyState>
          )
          : <ActivityChart bars={hours} />}
      </section>
      <section>
        <h2>Models with trouble</h2>
        {failing.length === 0
          ? (
            <p class="section-note">
              <Icon name="check-circle" /> No push or pull failed in the last day.
            </p>
          )
          : <Failing models={failing} />}
      </section>
      <section>
        <h2>Devices seen last</h2>
        {devices.length === 0
          ? (
            <p class="section-note">
              No device has synced yet. Applications name theirs in the header X-Device.
            </p>
          )
          : <Devices rows={devices} />}
      </section>
    </>
  );
});

function Counts({ overview, models }: { overview: Overview; models: number }) {
  const { devices, devicesSeen, openQuarantine, failures } = overview;
  const counts: { label: string; value: number; note?: string; href?: string; bad?: boolean }[] = [
    { label: "Organizations", value: overview.organizations },
    { label: "Members", value: overview.users },
    { label: "Models synced", value: models, href: "/admin/models?state=included" },
    { label: "Devices", value: devices, note: `${devicesSeen} seen today`, href: "/admin/devices" },
    { label: "Records pushed", value: overview.recordsPushed, href: "/admin/logs?operation=PUSH" },
    { label: "Records pulled", value: overview.recordsPulled, href: "/admin/logs?operation=PULL" },
    {
      label: "Failed operations",
      value: failures,
      href: "/admin/logs?status=ERROR",
      bad: failures > 0,
    },
    {
      label: "In quarantine",
      value: openQuarantine,
      bad: openQuarantine > 0,
    },
  ];
  return (
    <dl class="counts">
      {counts.map(({ label, value, note, href, bad }) => (
        <div>
          <dt>{label}</dt>
          <dd>
            {href === undefined
              ? <span class="count figures">{value.toLocaleString("en")}</span>
              : <a class="count figures" href={href}>{value.toLocaleString("en")}</a>}
            {bad && <Icon name="exclamation-triangle" label="Needs attention" />}
            {note !== undefined && <span class="count-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Failing({ models }: { models: FailingModel[] }) {
  return (
    <div class="table-responsive" tabIndex={0} role="region" aria-label="Models with trouble">
      <table class="table">
        <thead>
          <tr>
            <th>Model</th>
            <th class="text-end">Failed</th>
            <th class="text-end">Partly refused</th>
            <th class="text-end">Operations</th>
            <th>Last</th>
            <th>Message</th>
          </tr>
        </thead>
        <tbody>
          {models.map((row) => (
            <tr>
              <td>
                <a
                  href={`/admin/logs?${new URLSearchParams(
                    row.model ? { model: row.model } : { status: "ERROR" },
                  )}`}
                >
                  {row.model || "Whole requests"}
                </a>
              </td>
              <td class="text-end">{row.failures.toLocaleString("en")}</td>
              <td class="text-end">{row.warnings.toLocaleString("en")}</td>
              <td class="text-end">{row.operations.toLocaleString("en")}</td>
              <td>
                <RelativeTime value={row.lastAt} />
              </td>
              <td class="cell-text">{row.lastMessage}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Devices({ rows }: { rows: DeviceRow[] }) {
  return (
    <>
      <ul class="plain-list">
        {rows.map((device) => (
          <li>
            <strong>{device.name}</strong>
            {device.username}
            {device.revoked_at !== null && <Badge>Revoked</Badge>}
            <span>
              <RelativeTime value={device.last_seen_at} />
            </span>
          </li>
        ))}
      </ul>
      <a href="/admin/devices">All devices</a>
    </>
  );
}
