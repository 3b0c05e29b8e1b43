import { expect } from "expect";
import { type Database } from "../lib/db/mod.ts";
import { type Job, JobRunner, type JobRunnerOptions, purgeJobRuns } from "../lib/jobs/mod.ts";
import { syncReport, syncReportCsv, writeSyncReport } from "../lib/web/mod.ts";
import { appKinds, openTestApp } from "./support/app.ts";
import { eachDatabase, hasPostgres } from "./support/databases.ts";
import { saveSetting } from "./support/settings.ts";

/** Due once a day, and as far from now as can be: no test runs while that comes. */
const daily = scheduleAt(new Date(Date.now() - 12 * 3_600_000));

/** The cron expression of a minute of the day. */
function scheduleAt(time: Date): string {
  return `${time.getUTCMinutes()} ${time.getUTCHours()} * * *`;
}

function runnerOf(
  db: Database,
  run: Job["run"],
  { schedule = daily, timeLimit = 60_000, ...more }:
    & Partial<JobRunnerOptions>
    & { schedule?: string; timeLimit?: number } = {},
): JobRunner {
  return new JobRunner({
    db,
    jobs: [{ name: "work", description: "Works.", timeLimit, run }],
    schedules: () => Promise.resolve({ work: schedule }),
    ...more,
  });
}

/** Makes it as if nothing had run for a day. */
async function aDayLater(db: Database): Promise<void> {
  await db.script(`
    UPDATE lockstep.installation SET created_at = created_at - interval '1 day';
    UPDATE lockstep.job_run SET started_at = started_at - interval '1 day'`);
}

eachDatabase(
  "JobRunner.tick() runs a due job once, whichever process comes first",
  async ({ db }) => {
    let runs = 0;
    const run = () => Promise.resolve({ runs: ++runs });
    const first = runnerOf(db, run);
    // It has found the job due when the other process runs it from beginning to end.
    const second = runnerOf(db, run, {
      async schedules() {
        await first.tick();
        return { work: daily };
      },
    });
    for (const round of [1, 2]) {
      await aDayLater(db);
      expect(await second.tick()).toEqual([]);
      expect(runs).toBe(round);
    }
    await aDayLater(db);
    const ticks = [first, runnerOf(db, run), runnerOf(db, run)].map((runner) => runner.tick());
    expect((await Promise.all(ticks)).flat().length).toBe(1);
    const [{ last_run, next_at, last_failure }] = await first.list();
    expect(last_run).toMatchObject({
      job: "work",
      trigger: "cron",
      outcome: "succeeded",
      detail: { runs },
      error: "",
    });
    expect(next_at!.getTime()).toBeGreaterThan(Date.now());
    expect(last_failure).toBe(null);
  },
);

eachDatabase("JobRunner.tick() makes up for a missed time, once", async ({ db }) => {
  let runs = 0;
  // Due three times since, when no process was up.
  const runner = runnerOf(db, () => Promise.resolve({ runs: ++runs }));
  await db.script("UPDATE lockstep.installation SET created_at = now() - interval '3 days'");
  await runner.tick();
  await runner.tick();
  expect(runs).toBe(1);
});

eachDatabase("JobRunner.tick() leaves a job without a schedule alone", async ({ db }) => {
  await aDayLater(db);
  const runner = runnerOf(db, () => Promise.resolve({}), { schedule: "" });
  expect(await runner.tick()).toEqual([]);
  expect((await runner.list())[0]).toMatchObject({ schedule: "", next_at: null, last_run: null });
});

eachDatabase(
  "purgeJobRuns() keeps what says whether a job is due, and how it went",
  async ({ db }) => {
    await db.script(`
    UPDATE lockstep.installation SET created_at = now() - interval '3 years';
    INSERT INTO lockstep.job_run (job_name, trigger, outcome, started_at)
      SELECT 'work', trigger, outcome, date_trunc('year', now()) + minutes * interval '1 minute'
      FROM (VALUES ('manual', 'succeeded', 1), ('cron', 'failed', 2), ('manual', 'failed', 3),
        ('cron', 'succeeded', 4), ('manual', 'succeeded', 5)) AS run (trigger, outcome, minutes)`);
    const runner = runnerOf(db, () => Promise.resolve({}), { schedule: "0 0 1 1 *" });
    expect(await purgeJobRuns(db, 0)).toBe(2);
    expect(await runner.tick()).toEqual([]);
    const [{ last_run, last_failure }] = await runner.list();
    expect([last_run, last_failure]).toMatchObject([
      { trigger: "manual", outcome: "succeeded" },
      { trigger: "manual", outcome: "failed" },
    ]);
  },
);

eachDatabase("JobRunner records a failure and goes on", async ({ db }) => {
  const told: unknown[] = [];
  const runner = runnerOf(db, () => Promise.reject(new Error("no luck")), {
    finished: (job, outcome) => told.push([job, outcome]),
  });
  const { id, finished } = await runner.runNow("work", "manual");
  expect(await finished).toMatchObject({
    id,
    trigger: "manual",
    outcome: "failed",
    error: "no luck",
    detail: null,
  });
  expect(told).toEqual([["work", "failed"]]);
  const second = await runner.runNow("work", "cli");
  expect((await second.finished).trigger).toBe("cli");
  expect((await runner.list())[0].last_failure?.id).toBe(second.id);
  expect((await runner.history("work", { before: null, limit: 10 })).map((run) => run.id))
    .toEqual([second.id, id]);
  expect((await runner.history("work", { before: second.id, limit: 10 })).map((run) => run.id))
    .toEqual([id]);
});

eachDatabase("JobRunner ends a run at its time limit and tells the job", async ({ db }) => {
  const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
  const runner = runnerOf(db, (signal) =>
    new Promise((done) => {
      signal.addEventListener("abort", () => {
        resolve(signal.reason.code);
        done({});
      });
    }), { timeLimit: 20 });
  const { finished } = await runner.runNow("work", "manual");
  expect(await finished).toMatchObject({
    outcome: "timed_out",
    error: "The job work took longer than the 0.02 seconds that it has.",
  });
  expect(await aborted).toBe("timeout");
});

eachDatabase(
  "JobRunner refuses a second run at the same time, and unknown jobs",
  async ({ db }) => {
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
    const [first, second] = [runnerOf(db, () => promise), runnerOf(db, () => promise)];
    const { finished } = await first.runNow("work", "manual");
    for (const runner of [first, second]) {
      await expect(runner.runNow("work", "manual")).rejects.toMatchObject({ code: "conflict" });
    }
    await aDayLater(db);
    expect(await second.tick()).toEqual([]);
    expect((await second.list())[0].last_run).toMatchObject({ outcome: "running", detail: null });
    resolve({ done: true });
    expect((await finished).outcome).toBe("succeeded");
    await expect(first.runNow("play", "manual")).rejects.toMatchObject({ code: "not_found" });
  },
);

eachDatabase("JobRunner closes runs whose process is gone", async ({ db }) => {
  await db.script(`
    INSERT INTO lockstep.job_run (job_name, trigger, detail) VALUES ('work', 'manual',
      jsonb_build_object('heartbeat_at', now() - interval '2 minutes'))`);
  const runner = runnerOf(db, () => Promise.resolve({}));
  const { finished } = await runner.runNow("work", "manual");
  expect((await finished).outcome).toBe("succeeded");
  expect((await runner.list())[0].last_failure).toMatchObject({
    outcome: "failed",
    error: "The process that ran it ended before it was done.",
  });
});

eachDatabase("JobRunner.start() wakes by Deno.cron, and stop() ends what runs", async ({ db }) => {
  const runner = runnerOf(db, (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    }));
  await runner.start();
  const { finished } = await runner.runNow("work", "manual");
  await runner.stop();
  expect(await finished).toMatchObject({ outcome: "failed", error: "The server was stopped." });
  // Its name is free again.
  const next = runnerOf(db, () => Promise.resolve({}));
  await next.start();
  await next.stop();
});

eachDatabase("a schedule that is no cron expression is refused", async ({ db }) => {
  await expect(saveSetting(db, "JOBS", "CACHE_WARMUP", "61 * * * *")).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("JOBS.CACHE_WARMUP"),
  });
  await saveSetting(db, "JOBS", "CACHE_WARMUP", "");
  await saveSetting(db, "JOBS", "PURGE_CHAT", "5 4 * * sun");
});

const day = "2026-03-01";

async function addSyncs(db: Database): Promise<void> {
  await db.script(`
    INSERT INTO lockstep.organization (name, slug) VALUES ('One', 'one');
    INSERT INTO lockstep.app_user (username, password) VALUES ('ann', '!');
    INSERT INTO lockstep.sync_log (user_id, organization_id, device, operation, status, model_name,
        object_count, timestamp, processing_time)
      SELECT u.id, o.id, 'till', operation, status, '=app.Customer', count, at::timestamptz, 0.5
      FROM lockstep.app_user u, lockstep.organization o, (VALUES
        ('PUSH', 'SUCCESS', 3, '${day} 00:00:00Z'), ('PUSH', 'SUCCESS', 4, '${day} 23:59:59Z'),
        ('PULL', 'ERROR', 0, '${day} 12:00:00Z'), ('PUSH', 'SUCCESS', 9, '2026-02-28 23:59:59Z'),
        ('PUSH', 'SUCCESS', 9, '2026-03-02 00:00:00Z')) AS s (operation, status, count, at)`);
}

async function addWork(db: Database): Promise<void> {
  await db.script(`
    CREATE SCHEMA app;
    CREATE TABLE app.customer (
      id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
      organization_id integer NOT NULL REFERENCES lockstep.organization,
      name text);
    INSERT INTO lockstep.job_run (job_name, trigger, outcome, started_at)
      SELECT 'seal_audit', 'cron', 'succeeded', now() - interval '31 days'
      UNION ALL
      SELECT 'purge_chat', 'cron', 'succeeded', now() FROM generate_series(1, 1200);
    INSERT INTO lockstep.performance_metric (operation_type, model_name, batch_size,
        processing_time, query_count, timestamp)
      VALUES ('PUSH', 'x', 1, 1, 1, now() - interval '91 days'), ('PUSH', 'x', 1, 1, 1, now());
    INSERT INTO lockstep.sync_log (operation, status, timestamp)
      SELECT 'PUSH', 'SUCCESS', now() - interval '91 days' FROM generate_series(1, 10500)
      UNION ALL
      SELECT 'PULL', 'SUCCESS', now() - interval '89 days'`);
}

eachDatabase("syncReport() counts the syncs of a day in UTC, and writes files", async ({ db }) => {
  await addSyncs(db);
  const report = await syncReport(db, day);
  expect(report).toMatchObject({ day, syncs: 3, failed: 1, objects: 7 });
  expect(report.rows.map(({ organization, operation, status, syncs, objects, users, devices }) => [
    ...[organization, operation, status, syncs, objects, users, devices],
  ])).toEqual([["one", "PULL", "ERROR", 1, 0, 1, 1], ["one", "PUSH", "SUCCESS", 2, 7, 1, 1]]);
  expect(syncReportCsv(report).split("\r\n").slice(0, 2)).toEqual([
    "organization,model,operation,status,syncs,objects,users,devices,average_time,longest_time",
    "one,'=app.Customer,PULL,ERROR,1,0,1,1,0.5,0.5",
  ]);

  const directory = await Deno.makeTempDir({ prefix: "lockstep-reports-" });
  try {
    const { files } = await writeSyncReport(`${directory}/reports`, report);
    expect(files).toEqual([
      `${directory}/reports/${day}.json`,
      `${directory}/reports/${day}.csv`,
    ]);
    expect(JSON.parse(await Deno.readTextFile(files[0]))).toEqual(report);
    expect(await Deno.readTextFile(files[1])).toBe(syncReportCsv(report));
    const refused = await writeSyncReport(files[0], report);
    expect(refused).toEqual({ files: [], unwritten: expect.stringContaining("cannot be written") });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (const kind of appKinds) {
  Deno.test({
    name: `every job has a schedule and does its work [${kind}]`,
    ignore: kind === "postgres" && !hasPostgres,
    async fn() {
      const dataDir = await Deno.makeTempDir({ prefix: "lockstep-data-" });
      try {
        await using app = await openTestApp(kind, addWork);
        const { jobs, services } = app.running;
        services.env = { ...services.env, dataDir };
        const details: Record<string, Record<string, unknown>> = {};
        for (const { name, schedule } of await jobs.list()) {
          expect([name, schedule]).toEqual([name, expect.stringMatching(/^(\S+ ){4}\S+$/)]);
          const { finished } = await jobs.runNow(name, "manual");
          const { outcome, error, detail } = await finished;
          expect([name, outcome, error]).toEqual([name, "succeeded", ""]);
          details[name] = detail!;
        }
        expect(Object.keys(details).sort()).toEqual([
          ...["bulk_sync_operation", "cache_warmup", "cleanup_old_sync_logs"],
          ...["compact_change_logs", "generate_sync_report", "memory_optimization"],
          ...["optimize_database_tables", "performance_analysis", "purge_access", "purge_audit"],
          ...[
            "purge_chat",
            "purge_job_runs",
            "purge_sync_state",
            "remember_snapshot",
            "seal_audit",
          ],
        ]);
        const { day, files } = details.generate_sync_report;
        expect(files).toEqual(
          kind === "pglite"
            ? [`${dataDir}/reports/${day}.json`, `${dataDir}/reports/${day}.csv`]
            : undefined,
        );
        expect(details.cleanup_old_sync_logs).toEqual({
          sync_log: 10_500,
          performance_metric: 1,
        });
        expect(details.cache_warmup).toMatchObject({
          enabled: 1,
          armed: ["app.Customer"],
          failed: {},
        });
        const tables = details.optimize_database_tables.tables as Record<string, unknown>[];
        expect(tables.map(({ table }) => table)).toEqual(
          expect.arrayContaining(["lockstep.sync_log"]),
        );
        if (kind === "postgres") {
          expect(tables.find(({ table }) => table === "lockstep.job_run")).toMatchObject({
            done: expect.stringMatching(/ANALYZE|VACUUM/),
          });
        }
        expect(tables.filter(({ error }) => error !== undefined)).toEqual([]);
        expect(details.purge_job_runs.runs).toBeGreaterThan(200);
        expect(details.purge_audit).toEqual({ purged: 0, kept: "for ever" });
        const memory = details.memory_optimization as Record<string, Record<string, number>>;
        expect(memory.before.resident_mb).toBeGreaterThan(10);
        expect(details.performance_analysis.optimization_suggestions).toBeInstanceOf(Array);
        expect(
          (await services.metrics.text()).match(/lockstep_job_duration_seconds_count/g)?.length,
        )
          .toBe(Object.keys(details).length);
      } finally {
        await Deno.remove(dataDir, { recursive: true });
      }
    },
  });
}
