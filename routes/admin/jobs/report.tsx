import { page } from "fresh";
import { Badge, duration, EmptyState, Field, Icon, PageHeader } from "../../../lib/ui/mod.ts";
import {
  define,
  givenFields,
  parse,
  reportQuery,
  type SyncReport,
  syncReport,
  syncReportCsv,
} from "../../../lib/web/mod.ts";

const path = "/admin/jobs/report";

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Daily report";
    const { services, admin } = ctx.state;
    const { scope, organization } = admin!;
    const given = givenFields(ctx.url.searchParams);
    const { day } = parse(reportQuery.strip(), given);
    const administered = "all" in scope ? null : scope.organizationIds;
    const organizationIds = organization ? [organization.id] : administered;
    const report = await syncReport(services.db, day ?? null, organizationIds);
    if (given.format !== "csv") return page<SyncReport>(report);
    return new Response(syncReportCsv(report), {
      headers: {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": `attachment; filename="sync-report-${report.day}.csv"`,
      },
    });
  },
});

const operations = { PUSH: "Push", PULL: "Pull" };
const outcomes = {
  SUCCESS: ["success", "Succeeded"],
  WARNING: ["warning", "Partly refused"],
  ERROR: ["danger", "Failed"],
} as const;

export default define.page<typeof handler>(function ReportPage({ data }) {
  const { day, syncs, failed, objects, rows } = data;
  const figure = (value: number) => value.toLocaleString("en");
  return (
    <>
      <PageHeader
        place={[{ label: "Trust" }, { label: "Jobs", href: "/admin/jobs" }]}
        title="Daily report"
        description={`${day}, in UTC: ${figure(syncs)} syncs of ${figure(objects)} records, ${
          figure(failed)
        } failed.`}
      >
        <a class="btn btn-outline-secondary" href={`${path}?day=${day}&format=csv`} download>
          <Icon name="download" /> Export CSV
        </a>
      </PageHeader>
      <form class="filter-form" method="get" action={path}>
        <Field name="day" label="Day (UTC)" type="date" value={day} />
        <button type="submit" class="btn btn-primary">
          <Icon name="calendar-day" /> Show
        </button>
      </form>
      {rows.length === 0
        ? (
          <EmptyState icon="calendar-x" title="Nothing was synced on that day">
            The log keeps as many days as the setting LOGS.RETENTION_DAYS says.
          </EmptyState>
        )
        : (
          <div class="table-responsive" tabIndex={0} role="region" aria-label="Daily report">
            <table class="table">
              <thead>
                <tr>
                  <th>Model</th>
                  <th>Organization</th>
                  <th>Operation</th>
                  <th>Status</th>
                  <th class="text-end">Syncs</th>
                  <th class="text-end">Records</th>
                  <th class="text-end">Users</th>
                  <th class="text-end">Devices</th>
                  <th class="text-end">Average</th>
                  <th class="text-end">Longest</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const [kind, word] = outcomes[row.status];
                  return (
                    <tr key={`${row.organization} ${row.model} ${row.operation} ${row.status}`}>
                      <td class="text-nowrap">{row.model || "Whole requests"}</td>
                      <td class="text-nowrap">{row.organization ?? "—"}</td>
                      <td>{operations[row.operation]}</td>
                      <td>
                        <Badge kind={kind}>{word}</Badge>
                      </td>
                      <td class="text-end">{figure(row.syncs)}</td>
                      <td class="text-end">{figure(row.objects)}</td>
                      <td class="text-end">{figure(row.users)}</td>
                      <td class="text-end">{figure(row.devices)}</td>
                      <td class="text-end text-nowrap">{duration(row.average_time)}</td>
                      <td class="text-end text-nowrap">{duration(row.longest_time)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
    </>
  );
});
