import { page } from "fresh";
import {
  DeviceState,
  EmptyState,
  Field,
  FilterChips,
  Icon,
  PageHeader,
  Pagination,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type DeviceFilter,
  deviceFilter,
  devicePage,
  type DeviceRow,
  type RowsPage,
} from "../../../lib/web/mod.ts";

interface Devices extends RowsPage<DeviceRow> {
  filter: DeviceFilter;
  showsOrganization: boolean;
}

const path = "/admin/devices";

export const handler = define.handlers({
  async GET(ctx) {
    const { services, admin } = ctx.state;
    const { searchParams } = ctx.url;
    ctx.state.title = "Devices";
    const filter = deviceFilter(searchParams);
    const rows = await devicePage(services.db, admin!, filter, {
      before: searchParams.get("before") ?? undefined,
      after: searchParams.get("after") ?? undefined,
    });
    const showsOrganization = !admin!.organization && admin!.organizations.length > 1;
    return page<Devices>({ ...rows, filter, showsOrganization });
  },
});

const labels = { state: "State", q: "Text" };
const states: Record<string, string> = { allowed: "Allowed", revoked: "Revoked" };

export default define.page<typeof handler>(function DevicesPage({ data }) {
  const { rows, newer, older, filter, showsOrganization } = data;
  const filters = Object.entries(filter) as [keyof DeviceFilter, string][];
  const neighbour = (name: string, place: string | undefined) =>
    place && `${path}?${new URLSearchParams([...filters, [name, place]])}`;
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Devices"
        description="What applications name in the header X-Device, the one that came last first."
      />
      <form class="filter-form" method="get" action={path}>
        <Field name="state" label="State">
          {(control) => (
            <select {...control} class="form-select">
              <option value="" selected={!filter.state}>Any</option>
              <option value="allowed" selected={filter.state === "allowed"}>Allowed</option>
              <option value="revoked" selected={filter.state === "revoked"}>Revoked</option>
            </select>
          )}
        </Field>
        <Field
          name="q"
          label="Text"
          placeholder="Name or error"
          type="search"
          value={filter.q}
        />
        <button type="submit" class="btn btn-primary">
          <Icon name="funnel" /> Filter
        </button>
      </form>
      <FilterChips
        path={path}
        filters={filters.map(([name, value]) => ({
          name,
          value,
          label: labels[name],
          shown: states[value],
        }))}
      />
      {rows.length === 0
        ? (
          <EmptyState
            icon="phone"
            title={filters.length > 0
              ? "No device matches the filters"
              : "No device has synced yet"}
            action={filters.length > 0
              ? <a class="btn btn-outline-secondary" href={path}>Show all devices</a>
              : undefined}
          >
            A device appears here with its first push or pull that names it in the header X-Device.
          </EmptyState>
        )
        : (
          <>
            <div class="table-responsive" tabIndex={0} role="region" aria-label="Devices">
              <table class="table">
                <thead>
                  <tr>
                    <th>Device</th>
                    <th>User</th>
                    <th>State</th>
                    <th>Last seen</th>
                    <th>Up to date as of</th>
                    <th>Last push</th>
                    <th>Version</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <Device key={row.id} row={row} showsOrganization={showsOrganization} />
                  ))}
                </tbody>
              </table>
            </div>
            <Pagination newer={neighbour("after", newer)} older={neighbour("before", older)} />
          </>
        )}
    </>
  );
});

function Device({ row, showsOrganization }: { row: DeviceRow; showsOrganization: boolean }) {
  return (
    <tr>
      <td class="cell-text">
        <a href={`${path}/${row.id}`}>{row.name}</a>
        {row.last_error_at && (
          <small class="d-block">
            {row.last_error} · <RelativeTime value={row.last_error_at} />
          </small>
        )}
      </td>
      <td class="cell-owner">
        {row.username}
        {showsOrganization && <small class="d-block">{row.organization_slug}</small>}
      </td>
      <td>
        <DeviceState {...row} />
      </td>
      <td>
        <RelativeTime value={row.last_seen_at} />
      </td>
      <td>
        {row.last_complete_at ? <RelativeTime value={row.last_complete_at} /> : "Never"}
      </td>
      <td>{row.last_push_at ? <RelativeTime value={row.last_push_at} /> : "Never"}</td>
      <td class="cell-short" title={row.client_version}>{row.client_version || "—"}</td>
    </tr>
  );
}
