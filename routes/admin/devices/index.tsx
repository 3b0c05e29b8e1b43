import { page } from "fresh";
import {
  DeviceState,
  EmptyList,
  ListFilters,
  listState,
  ListTable,
  PageHeader,
  RelativeTime,
} from "../../../lib/ui/mod.ts";
import {
  define,
  type DeviceFilter,
  deviceFilter,
  devicePage,
  type DeviceRow,
  onlyOrganization,
  pagePlace,
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
    ctx.state.title = "Devices";
    const filter = deviceFilter(ctx.url.searchParams);
    const rows = await devicePage(services.db, admin!, filter, pagePlace(ctx.url));
    return page<Devices>({ ...rows, filter, showsOrganization: !onlyOrganization(admin!) });
  },
});

const states = { allowed: "Allowed", revoked: "Revoked" };

export default define.page<typeof handler>(function DevicesPage({ data }) {
  const { rows, filter, showsOrganization } = data;
  const list = listState(path, filter);
  return (
    <>
      <PageHeader
        place={[{ label: "Sync" }]}
        title="Devices"
        description="What applications name in the header X-Device, the one that came last first."
      />
      <ListFilters
        list={list}
        fields={{
          state: { label: "State", options: states },
          q: { label: "Text", placeholder: "Name or error", type: "search" },
        }}
      />
      <ListTable
        list={list}
        page={data}
        label="Devices"
        head={[
          "Device",
          "User",
          "State",
          "Last seen",
          "Up to date as of",
          "Last push",
          "Version",
        ]}
        empty={
          <EmptyList
            list={list}
            icon="phone"
            none="No device has synced yet"
            unmatched="No device matches the filters"
            all="Show all devices"
          >
            A device appears here with its first push or pull that names it in the header X-Device.
          </EmptyList>
        }
      >
        {rows.map((row) => <Device key={row.id} row={row} showsOrganization={showsOrganization} />)}
      </ListTable>
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
