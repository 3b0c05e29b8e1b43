import { page } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import { type AuditPage, searchAudit } from "../../../lib/audit/mod.ts";
import { EmptyState, PageHeader, Pagination, RelativeTime, Table } from "../../../lib/ui/mod.ts";
import { define, rowNumber } from "../../../lib/web/mod.ts";

const path = "/admin/settings/history";

export const handler = define.handlers({
  async GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "History of settings";
    const before = rowNumber(ctx.url.searchParams.get("before"));
    return page<AuditPage>(
      await searchAudit(
        ctx.state.services.db,
        { all: true },
        { model: "lockstep.SyncConfiguration" },
        { before, limit: 50 },
      ),
    );
  },
});

export default define.page<typeof handler>(function SettingsHistoryPage({ data }) {
  const { events, next } = data;
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }, { label: "Settings", href: "/admin/settings" }]}
        title="History of settings"
        description="Who changed which setting, the latest first."
      />
      {events.length === 0
        ? (
          <EmptyState icon="clock-history" title="No setting was changed yet">
            A change appears here with what it was before.
          </EmptyState>
        )
        : (
          <Table label="Changes of settings" head={["Setting", "Before", "After", "By", "When"]}>
            {events.map((event) => (
              <tr key={event.id}>
                <td>
                  <code>
                    {event.key ? `${event.key.section}.${event.key.key}` : event.action}
                  </code>
                </td>
                <td class="cell-text">{valueIn(event.before)}</td>
                <td class="cell-text">{valueIn(event.after)}</td>
                <td>{event.actor}</td>
                <td>
                  <RelativeTime value={event.at} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      {next !== null && <Pagination older={`${path}?before=${next}`} />}
    </>
  );
});

/** The value of a stored setting, from its row as JSON text. */
function valueIn(row: string | null): string {
  if (row === null) return "the default";
  const text = JSON.stringify(JSON.parse(row).value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
