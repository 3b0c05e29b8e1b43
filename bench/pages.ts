/** The pages of the admin on the demo's data: `deno task bench pages`. @module */
import { loadDemo } from "../cli/demo/mod.ts";
import { activityForADay } from "../tests/pages_activity_support.ts";
import { signedIn } from "../tests/pages_admin_support.ts";
import { openTestApp, type TestApp } from "../tests/support/app.ts";
import { elapsed, type Line, percentile } from "./table.ts";

const goal = 50;
const kinds = { pglite: "PGlite", postgres: "PostgreSQL" } as const;

/** From the request to the last byte of a page, for staff, in turns over all pages. */
export async function benchPages({ quick }: { quick: boolean }): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [kind, name] of Object.entries(kinds) as [keyof typeof kinds, string][]) {
    await using app = await openTestApp(kind, loadDemo);
    await activityForADay(app);
    const paths = await pagesOf(app);
    const times = new Map(paths.map((path): [string, number[]] => [path, []]));
    const sam = await signedIn(app, "sam_staff");
    const rounds = quick ? 20 : 60;
    // The first rounds fill caches and warm the compiler.
    for (let round = -3; round < rounds; round++) {
      for (const path of paths) {
        const time = await elapsed(async () => {
          const answer = await sam.get(path);
          await answer.body?.pipeTo(new WritableStream());
          if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
        });
        if (round >= 0) times.get(path)!.push(time);
      }
    }
    const slowest = [...times].map(([path, samples]) => ({ path, time: p95(samples) }))
      .toSorted((a, b) => b.time - a.time);
    lines.push({
      what: `Slowest of ${paths.length} pages on ${name}, p95: ${slowest[0].path}`,
      measured: `${slowest[0].time.toFixed(1)} ms`,
      goal: `< ${goal} ms`,
      met: slowest[0].time < goal,
    });
    for (const { path, time } of slowest.slice(1, 4)) {
      lines.push({ what: `  then ${path}`, measured: `${time.toFixed(1)} ms` });
    }
    lines.push({
      what: `All pages on ${name}, p95`,
      measured: `${p95([...times.values()].flat()).toFixed(1)} ms`,
    });
  }
  return lines;
}

const p95 = (samples: number[]) => percentile(samples, 0.95);

async function pagesOf({ db }: TestApp): Promise<string[]> {
  const one = async (sql: string) => {
    const [{ id }] = await db.query<{ id: number | string }>(sql);
    return id;
  };
  const customer = await one("SELECT min(id) AS id FROM myapp.customer");
  return [
    "/admin",
    "/admin/records",
    "/admin/records/myapp/Customer/",
    "/admin/records/myapp/OrderItem/",
    `/admin/records/myapp/Customer/${customer}/change/`,
    `/admin/records/myapp/Customer/${customer}/history/`,
    "/admin/quarantine",
    `/admin/quarantine/${await one("SELECT min(id) AS id FROM lockstep.quarantine")}`,
    "/admin/organizations",
    `/admin/organizations/${await one("SELECT min(id) AS id FROM lockstep.organization")}`,
    "/admin/users",
    `/admin/users/${await one("SELECT min(id) AS id FROM lockstep.app_user")}`,
    "/admin/groups",
    `/admin/groups/${await one("SELECT min(id) AS id FROM lockstep.auth_group")}`,
    "/admin/permissions?organization=acme-corp",
    "/admin/permissions/copy",
    "/admin/filters?organization=",
    `/admin/filters/filter-${await one("SELECT min(id) AS id FROM lockstep.data_filter")}`,
    "/admin/explain",
    "/admin/explain?user=mary_sales&organization=global-retail&model=myapp.Customer",
    "/admin/models?organization=",
    "/admin/models/myapp.Customer",
    "/admin/models/settings",
    "/admin/devices",
    `/admin/devices/${await one("SELECT min(id) AS id FROM lockstep.device")}`,
    "/admin/logs",
    "/admin/metrics",
    "/admin/metrics?period=month",
    "/admin/audit",
    `/admin/audit/${await one("SELECT max(id) AS id FROM lockstep.audit_event")}`,
    "/admin/audit/verify",
    "/admin/jobs",
    "/admin/jobs/seal_audit",
    "/admin/jobs/report",
    "/admin/settings",
    "/admin/settings/SYNC",
    "/admin/settings/history",
    "/admin/search?q=customer+1",
    "/api/docs",
  ];
}
