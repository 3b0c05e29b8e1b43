import { page } from "fresh";
import {
  Badge,
  duration,
  EmptyState,
  Field,
  Icon,
  PageHeader,
  Table,
} from "../../../lib/ui/mod.ts";
import {
  csvHeaders,
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
    return new Response(syncReportCsv(report), { headers: csvHeaders("sync-report", report.day) });
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
          <Table
            label="Daily report"
            head={[
              "Model",
              "Organization",
              "Operation",
              "Status",
              { words: "Syncs", number: true },
              { words: "Records", number: true },
              { words: "Users", number: true },
              { words: "Devices", number: true },
              { words: "Average", number: true },
              { words: "Longest", number: true },
            ]}
          >
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
          </Table>
        )}
    </>
  );
});
