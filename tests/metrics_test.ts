import { expect } from "expect";
import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { needsOneProcess, openTestApp, type TestApp } from "./support/app.ts";
import { hasPostgres } from "./support/databases.ts";
import { until } from "./support/until.ts";

const token = "metrics-0123456789";

function openMeasuredApp(kind: "pglite" | "postgres"): Promise<TestApp> {
  return openTestApp(kind, loadDemo, { LOCKSTEP_METRICS_TOKEN: token });
}

/** The samples of `/metrics`: value by name and labels, as they are printed. */
async function scrape(app: TestApp): Promise<Map<string, number>> {
  const answer = await app.fetch("/metrics", { headers: { Authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

/** How much each sample of `names` grows by `fn`. */
async function growth(app: TestApp, names: string[], fn: () => Promise<unknown>) {
  const before = await scrape(app);
  await fn();
  const after = await scrape(app);
  return names.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0));
}

async function post(app: TestApp, path: string, bearer: string, body: unknown): Promise<unknown> {
  const answer = await app.fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  expect([answer.ok, text]).toEqual([true, text]);
  return JSON.parse(text);
}

const ofOneProcess = needsOneProcess("each process has metrics of its own");

Deno.test({
  name: "/metrics is not there without LOCKSTEP_METRICS_TOKEN",
  ignore: needsOneProcess("two processes have a token for it"),
  async fn() {
    await using app = await openTestApp("pglite");
    for (const authorization of ["", "Bearer ", "Bearer undefined"]) {
      const headers = { Authorization: authorization };
      const answer = await app.fetch("/metrics", { headers });
      expect([answer.status, await answer.text()]).toEqual([
        404,
        "Set LOCKSTEP_METRICS_TOKEN to open the metrics.\n",
      ]);
    }
  },
});

Deno.test("/metrics answers to its token alone, also after a slash", async () => {
  await using app = await openMeasuredApp("pglite");
  const wrong = ["", token, "Bearer", `Bearer ${token}x`, `Basic ${token}`, "Bearer ..."];
  for (const authorization of [...wrong, `Bearer ${await app.token("admin", demoPassword)}`]) {
    const answer = await app.fetch("/metrics", { headers: { Authorization: authorization } });
    expect([authorization, answer.status]).toEqual([authorization, 401]);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(await answer.text()).not.toContain("lockstep_");
  }
  const headers = { Authorization: `bearer ${token}` };
  const answer = await app.fetch("/metrics/", { headers });
  expect([answer.status, (await answer.text()).includes("lockstep_")]).toEqual([200, true]);
});

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test({
    name: `/metrics counts requests, pushes, pulls and jobs [${kind}]`,
    ignore: ofOneProcess || kind === "postgres" && !hasPostgres,
    async fn() {
      await using app = await openMeasuredApp(kind);
      const bearer = await app.token("john_manager", demoPassword);
      const data = [1, 2].map((n) => ({ _model: "myapp.Customer", name: `Measured ${n}` }));
      const request = (route: string) =>
        `lockstep_http_request_duration_seconds_count{method="POST",route="${route}",status="200"}`;
      const names = [
        request("/api/sync/push"),
        'lockstep_sync_rows_total{operation="PUSH",model="myapp.Customer"}',
        'lockstep_sync_duration_seconds_count{operation="PUSH",status="SUCCESS"}',
        'lockstep_sync_rows_total{operation="PULL",model="myapp.Customer"}',
        'lockstep_job_duration_seconds_count{name="seal_audit",outcome="succeeded"}',
      ];
      expect(await growth(app, names, () => post(app, "/api/sync/push/", bearer, { data })))
        .toEqual([1, 2, 1, 0, 0]);
      const pull = { models: { "myapp.Customer": null }, batch_size: 3 };
      expect(await growth(app, names, () => post(app, "/api/sync/pull/", bearer, pull)))
        .toEqual([0, 0, 0, 3, 0]);
      const spelled = { models: { "MYAPP.customer": null }, batch_size: 3 };
      const before = (await scrape(app)).size;
      expect(await growth(app, names, () => post(app, "/api/sync/pull/", bearer, spelled)))
        .toEqual([0, 0, 0, 3, 0]);
      expect((await scrape(app)).size).toBe(before);
      const run = async () => await (await app.running.jobs.runNow("seal_audit", "cli")).finished;
      expect(await growth(app, names, run)).toEqual([0, 0, 0, 0, 1]);
      const failing = async () =>
        (await scrape(app)).get('lockstep_job_failing{name="seal_audit"}');
      expect(await failing()).toBe(0);
      await app.db.query(`
        INSERT INTO lockstep.job_run (job_name, trigger, outcome, started_at, finished_at, error)
        VALUES ('seal_audit', 'cron', 'failed', now() + interval '1 second', now(), 'Out of order.')`);
      expect(await failing()).toBe(1);
    },
  });
}

Deno.test("/metrics counts no series of a client's making", async () => {
  await using app = await openMeasuredApp("pglite");
  await (await app.fetch("/nowhere/known")).body?.cancel();
  const known = (await scrape(app)).size;
  for (let i = 0; i < 5; i++) {
    await (await app.fetch(`/nowhere/${i}`)).body?.cancel();
    await (await app.fetch("/api/sync/pull/", { method: `ODD${i}` })).body?.cancel();
  }
  // One histogram for whatever method, one for the scrape itself.
  expect((await scrape(app)).size - known).toBeLessThanOrEqual(2 * 17);
});

Deno.test({
  name: "/metrics shows bulk pushes and open event streams",
  ignore: ofOneProcess,
  fn: bulkPushesAndStreams,
});

async function bulkPushesAndStreams() {
  await using app = await openMeasuredApp("pglite");
  const bearer = await app.token("john_manager", demoPassword);
  const names = ['lockstep_bulk_pushes{state="queued"}', 'lockstep_sockets{kind="events"}'];
  const data = [{ _model: "myapp.Customer", name: "Waits" }];
  expect(await growth(app, names, () => post(app, "/api/sync/bulk/", bearer, { data })))
    .toEqual([1, 0]);
  let stream: Response;
  expect(
    await growth(app, names, async () => {
      const headers = { Authorization: `Bearer ${bearer}` };
      stream = await app.fetch("/api/sync/events/?models=myapp.Customer", { headers });
      expect(stream.status).toBe(200);
    }),
  ).toEqual([0, 1]);
  expect(await growth(app, names, () => stream.body!.cancel())).toEqual([0, -1]);
}

Deno.test({
  name: "/metrics shows the pool, the horizon's lag and waits for locks",
  ignore: ofOneProcess || !hasPostgres,
  async fn() {
    await using app = await openMeasuredApp("postgres");
    const quiet = await scrape(app);
    expect(quiet.get("lockstep_database_up")).toBe(1);
    expect(quiet.get("lockstep_database_lock_waits")).toBe(0);
    let waiter!: Promise<unknown>;
    await app.db.transaction({}, async (tx) => {
      await tx.query("SELECT pg_current_xact_id()");
      await tx.script("LOCK TABLE myapp.report IN EXCLUSIVE MODE");
      for (let i = 0; i < 3; i++) await app.db.query("SELECT pg_current_xact_id()");
      waiter = app.db.transaction({}, (tx) => tx.script("LOCK TABLE myapp.report"));
      let busy = quiet;
      await until(async () => {
        busy = await scrape(app);
        return busy.get("lockstep_database_lock_waits") === 1;
      });
      expect(busy.get('lockstep_database_connections{state="busy"}')).toBeGreaterThanOrEqual(2);
      expect(busy.get("lockstep_change_log_horizon_transactions")).toBeGreaterThanOrEqual(4);
      expect(busy.get("lockstep_change_log_horizon_seconds")).toBeGreaterThan(0);
    });
    await waiter;
  },
});
