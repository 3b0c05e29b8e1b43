import { page } from "fresh";
import LiveRows from "../../islands/LiveRows.tsx";
import {
  type Counts,
  type FailingModel,
  onlineUsers,
  syncCounts,
  type SyncDay,
  syncDay,
} from "../../lib/observe/mod.ts";
import {
  ActivityChart,
  Badge,
  EmptyState,
  Icon,
  PageHeader,
  RelativeTime,
  Table,
} from "../../lib/ui/mod.ts";
import { define, deviceFilter, devicePage, type DeviceRow } from "../../lib/web/mod.ts";

interface Dashboard {
  place: string;
  counts: Counts;
  day: SyncDay;
  models: number;
  online: string[];
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
    const [{ models }, counts, day, online, { rows: devices }] = await Promise.all([
      catalog.current(),
      syncCounts(db, part),
      syncDay(db, part),
      onlineUsers(db, scope),
      devicePage(db, admin!, newest, {}, shownDevices),
    ]);
    return page<Dashboard>({
      place: organization?.name ?? "all organizations",
      counts,
      day,
      models: models.filter(({ enabled }) => enabled).length,
      online,
      devices,
    });
  },
});

export default define.page<typeof handler>(function DashboardPage({ data }) {
  const { place, counts, day, models, online, devices } = data;
  const { hours, failing } = day;
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
      <nav class="page-actions mb-3" aria-label="Quick actions">
        {quickActions.map(({ href, icon, words }) => (
          <a key={href} class="btn btn-outline-secondary btn-sm" href={href}>
            <Icon name={icon} /> {words}
          </a>
        ))}
      </nav>
      <LiveRows topics={["logs"]} />
      <div data-live="dashboard">
        <CountList counts={counts} day={day} models={models} />
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
        <section>
          <h2>Online now</h2>
          <ul class="plain-list people">
            {online.map((username) => (
              <li key={username}>
                <Icon name="person-circle" /> {username}
              </li>
            ))}
          </ul>
        </section>
      </div>
    </>
  );
});

const quickActions = [
  { href: "/admin/permissions", icon: "shield-check", words: "Change permissions" },
  { href: "/admin/quarantine", icon: "shield-exclamation", words: "Repair refused records" },
  { href: "/admin/audit", icon: "clock-history", words: "See who changed what" },
  { href: "/admin/jobs/report", icon: "calendar-day", words: "Yesterday's report" },
];

function CountList({ counts, day, models }: { counts: Counts; day: SyncDay; models: number }) {
  const { devices, devicesSeen, openQuarantine } = counts;
  const { failures } = day;
  const entries: { label: string; value: number; note?: string; href?: string; bad?: boolean }[] = [
    { label: "Organizations", value: counts.organizations },
    { label: "Members", value: counts.users },
    { label: "Models synced", value: models, href: "/admin/models?state=included" },
    { label: "Devices", value: devices, note: `${devicesSeen} seen today`, href: "/admin/devices" },
    { label: "Records pushed", value: day.recordsPushed, href: "/admin/logs?operation=PUSH" },
    { label: "Records pulled", value: day.recordsPulled, href: "/admin/logs?operation=PULL" },
    {
      label: "Failed operations",
      value: failures,
      href: "/admin/logs?status=ERROR",
      bad: failures > 0,
    },
    {
      label: "In quarantine",
      value: openQuarantine,
      href: "/admin/quarantine",
      bad: openQuarantine > 0,
    },
  ];
  return (
    <dl class="counts">
      {entries.map(({ label, value, note, href, bad }) => (
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
    <Table
      label="Models with trouble"
      head={[
        "Model",
        { words: "Failed", number: true },
        { words: "Partly refused", number: true },
        { words: "Operations", number: true },
        "Last",
        "Message",
      ]}
    >
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
    </Table>
  );
}

function Devices({ rows }: { rows: DeviceRow[] }) {
  return (
    <>
      <ul class="plain-list">
        {rows.map((device) => (
          <li>
            <a href={`/admin/devices/${device.id}`}>{device.name}</a>
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
