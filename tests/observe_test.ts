import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import type { Database } from "../lib/db/mod.ts";
import { countCacheLookup } from "../lib/log/mod.ts";
import {
  createHealthCheck,
  measurePerformance,
  Metrics,
  type SyncEntry,
  SyncRecorder,
} from "../lib/observe/mod.ts";
import { eachDatabase } from "./support/databases.ts";

async function seed(db: Database): Promise<void> {
  await db.script(`
    INSERT INTO lockstep.organization (id, name, slug) VALUES (1, 'A', 'a'), (2, 'B', 'b');
    INSERT INTO lockstep.app_user (id, username, password) VALUES (1, 'ann', ''), (2, 'bob', '')`);
}

const entry = (changes: Partial<SyncEntry> = {}): SyncEntry => ({
  userId: 1,
  organizationId: 1,
  requestId: "r1",
  operation: "PUSH",
  status: "SUCCESS",
  models: [{ name: "myapp.Customer", count: 3 }],
  processingTime: 0.25,
  batchSize: 3,
  queryCount: 2,
  memoryMb: 80.5,
  ...changes,
});

/** A database whose transactions fail until `away` is set to false. */
function unreliable(db: Database): Database & { away: boolean } {
  const failing: Database & { away: boolean } = {
    ...db,
    away: true,
    transaction:
      ((options, fn) =>
        failing.away
          ? Promise.reject(new Error("connection refused"))
          : db.transaction(options, fn)) as Database["transaction"],
  };
  return failing;
}

eachDatabase(
  "SyncRecorder writes log, metrics, metadata and device of an entry",
  async ({ db }) => {
    await seed(db);
    const recorder = new SyncRecorder(db);
    recorder.record(entry({
      device: "tablet",
      clientVersion: "1.2",
      models: [{ name: "myapp.Customer", count: 3 }, { name: "myapp.Order", count: 0 }],
      requestData: {
        data: [{ _model: "myapp.Customer", name: "Zoë\0\ud800", password: "hunter2" }],
      },
    }));
    recorder.record(entry({
      operation: "PULL",
      requestId: "r2",
      device: "tablet",
      models: [{ name: "myapp.Customer", count: 4, processingTime: 0.1 }],
      complete: true,
      cursors: { "myapp.Customer": "c2" },
    }));
    await recorder.close();

    const logs = await db.query(`
    SELECT user_id, organization_id, device, request_id, operation, status, model_name, object_count,
      request_data, processing_time FROM lockstep.sync_log ORDER BY id`);
    expect(logs).toEqual([
      {
        user_id: 1,
        organization_id: 1,
        device: "tablet",
        request_id: "r1",
        operation: "PUSH",
        status: "SUCCESS",
        model_name: "myapp.Customer",
        object_count: 3,
        request_data: {
          data: [{ _model: "myapp.Customer", name: "Zoë\ufffd\ufffd", password: "[redacted]" }],
        },
        processing_time: 0.25,
      },
      expect.objectContaining({ operation: "PULL", object_count: 4, processing_time: 0.1 }),
    ]);
    const metrics = await db.query(`
    SELECT operation_type, model_name, batch_size, processing_time, memory_usage, query_count
    FROM lockstep.performance_metric ORDER BY id`);
    expect(metrics[0]).toEqual({
      operation_type: "PUSH",
      model_name: "myapp.Customer",
      batch_size: 3,
      processing_time: 0.25,
      memory_usage: 80.5,
      query_count: 2,
    });
    const totals = "SELECT model_name, total_synced FROM lockstep.sync_metadata ORDER BY 1";
    expect(await db.query(totals)).toEqual([
      { model_name: "myapp.Customer", total_synced: 7 },
      { model_name: "myapp.Order", total_synced: 0 },
    ]);
    expect(await db.query(totals.replace("sync_metadata", "user_sync_metadata"))).toHaveLength(2);
    const [device] = await db.query("SELECT * FROM lockstep.device");
    expect(device).toMatchObject({
      name: "tablet",
      client_version: "1.2",
      last_push_at: expect.any(Date),
      last_pull_at: expect.any(Date),
      last_complete_at: expect.any(Date),
      last_error: "",
      last_error_at: null,
      cursors: { "myapp.Customer": "c2" },
    });
  },
);

eachDatabase("SyncRecorder adds to totals and keeps a device's last error", async ({ db }) => {
  await seed(db);
  const recorder = new SyncRecorder(db);
  const device = { device: "d", clientVersion: "1", cursors: { a: "1" } };
  recorder.record(entry(device));
  await recorder.flush();
  recorder.record(
    entry({ ...device, status: "ERROR", errorMessage: "password=x refused", clientVersion: "" }),
  );
  await recorder.flush();
  recorder.record(entry({ ...device, cursors: { b: "2" } }));
  await recorder.close();
  const [row] = await db.query("SELECT * FROM lockstep.device");
  expect(row).toMatchObject({
    client_version: "1",
    last_error: "password=[redacted] refused",
    last_error_at: expect.any(Date),
    cursors: { a: "1", b: "2" },
  });
  expect(await db.query("SELECT total_synced FROM lockstep.sync_metadata"))
    .toEqual([{ total_synced: 6 }]);
  expect(await db.query("SELECT count(*) AS n FROM lockstep.sync_log")).toEqual([{ n: 3 }]);
  expect(await db.query("SELECT count(*) AS n FROM lockstep.performance_metric"))
    .toEqual([{ n: 2 }]);
});

eachDatabase(
  "SyncRecorder keeps nothing of deleted organizations, and NULL for deleted users",
  async ({ db }) => {
    await seed(db);
    const recorder = new SyncRecorder(db);
    recorder.record(entry({ userId: 99, device: "d" }));
    recorder.record(entry({ organizationId: 99, device: "d" }));
    recorder.record(entry({ userId: null, organizationId: null, status: "ERROR", models: [] }));
    await recorder.close();
    expect(await db.query("SELECT user_id, organization_id FROM lockstep.sync_log ORDER BY id"))
      .toEqual([
        { user_id: null, organization_id: 1 },
        { user_id: null, organization_id: null },
      ]);
    expect(await db.query("SELECT id FROM lockstep.device")).toEqual([]);
  },
);

eachDatabase("SyncRecorder writes without being asked within a second", async ({ db }) => {
  await seed(db);
  const [begun, written] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
  const recorder = new SyncRecorder({
    ...db,
    async transaction(options, fn) {
      begun.resolve("begun");
      const result = await db.transaction(options, fn);
      written.resolve();
      return result;
    },
  });
  recorder.record(entry());
  // Timers come in their order, also when the machine is late with them.
  expect(await Promise.race([begun.promise, delay(1_000, "a second is over")])).toBe("begun");
  await written.promise;
  await recorder.close();
});

eachDatabase("SyncRecorder writes 600 entries in two batches", async ({ db }) => {
  await seed(db);
  const statements: string[] = [];
  const counted: Database = {
    ...db,
    transaction: (options, fn) => {
      statements.push("transaction");
      return db.transaction(options, fn);
    },
  };
  const recorder = new SyncRecorder(counted);
  for (let i = 0; i < 600; i++) recorder.record(entry());
  await recorder.flush();
  expect(statements).toHaveLength(2);
  expect(recorder.waiting).toBe(0);
  expect(await db.query("SELECT count(*) AS n FROM lockstep.sync_log")).toEqual([{ n: 600 }]);
  await recorder.close();
});

eachDatabase(
  "SyncRecorder keeps entries while the database is away, and counts each once",
  async ({ db }) => {
    await seed(db);
    const failing = unreliable(db);
    const recorder = new SyncRecorder(failing);
    for (let i = 0; i < 5200; i++) recorder.record(entry());
    await recorder.flush();
    expect(recorder.waiting).toBe(5000);
    expect(recorder.dropped).toBe(200);
    failing.away = false;
    await recorder.flush();
    await recorder.close();
    expect(await db.query("SELECT total_synced FROM lockstep.sync_metadata"))
      .toEqual([{ total_synced: 15000 }]);
  },
);

eachDatabase("SyncRecorder gives up the one entry that the database refuses", async ({ db }) => {
  await seed(db);
  const recorder = new SyncRecorder(db);
  for (let i = 0; i < 20; i++) {
    recorder.record(entry(i === 13 ? { operation: "PUSHED" as "PUSH" } : { requestId: `r${i}` }));
  }
  await recorder.close();
  expect(recorder.dropped).toBe(1);
  expect(await db.query("SELECT count(*) AS n FROM lockstep.sync_log")).toEqual([{ n: 19 }]);
  expect(await db.query("SELECT total_synced FROM lockstep.sync_metadata"))
    .toEqual([{ total_synced: 57 }]);
});

eachDatabase("SyncRecorder.close() gives up in time when the database hangs", async ({ db }) => {
  const hanging = { ...db, transaction: () => new Promise<never>(() => {}) };
  const recorder = new SyncRecorder(hanging);
  recorder.record(entry());
  await recorder.close(20);
  expect(recorder.waiting).toBe(0);
});

eachDatabase(
  "createHealthCheck() finds everything healthy, in the seed's shape",
  async ({ db }) => {
    const logDir = await Deno.makeTempDir();
    const check = createHealthCheck({ db, logDir, redis: { ping: () => Promise.resolve("PONG") } });
    const [health, shared] = await Promise.all([check(), check()]);
    expect(shared).toBe(health);
    expect(health).toEqual({
      status: "healthy",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      checks: { database: "healthy", cache: "healthy", logging: "healthy", memory: "healthy" },
    });
    expect([...Deno.readDirSync(logDir)]).toEqual([]);
    await Deno.remove(logDir, { recursive: true });
  },
);

eachDatabase("createHealthCheck() says in a word what is wrong, and no more", async ({ db }) => {
  const check = createHealthCheck({
    db: { ...db, query: () => Promise.reject(new Error("password=hunter2")) },
    redis: { ping: () => new Promise(() => {}) },
    logDir: "/proc/nowhere",
  });
  expect(await check()).toMatchObject({
    status: "unhealthy",
    checks: {
      database: "unhealthy: unreachable",
      cache: "unhealthy: timeout",
      logging: "unhealthy: unwritable",
      memory: "healthy",
    },
  });
});

eachDatabase(
  "measurePerformance() has the seed's shape, and null where nothing was measured",
  async ({ db }) => {
    await seed(db);
    const empty = await measurePerformance(db, null);
    expect(empty).toMatchObject({
      performance_stats: { total_operations: 0, average_processing_time: null },
      cache_stats: { cache_hits: expect.any(Number), cache_misses: expect.any(Number) },
      optimization_suggestions: [],
      period_days: 7,
    });
    expect(empty.current_memory_usage).toBeGreaterThan(10);

    const recorder = new SyncRecorder(db);
    for (const processingTime of [0.1, 0.3, 3.2]) {
      for (let i = 0; i < 10; i++) recorder.record(entry({ processingTime }));
    }
    await recorder.close();
    await db.query(`INSERT INTO lockstep.performance_metric
    (operation_type, model_name, batch_size, processing_time, query_count, timestamp)
    VALUES ('PUSH', 'old', 1, 100, 1, now() - interval '8 days')`);
    countCacheLookup(true);
    const { performance_stats, cache_stats, optimization_suggestions } = await measurePerformance(
      db,
      null,
    );
    expect(performance_stats.total_operations).toBe(30);
    expect((await measurePerformance(db, [])).performance_stats.total_operations).toBe(0);
    expect(performance_stats.average_processing_time).toBeCloseTo(1.2, 6);
    const { cache_hits, cache_misses } = cache_stats;
    expect(performance_stats.cache_hit_rate).toBeCloseTo(
      cache_hits / (cache_hits + cache_misses),
      4,
    );
    expect(optimization_suggestions.join()).toContain(
      "PUSH of myapp.Customer takes more than 3.2 s",
    );
  },
);

eachDatabase(
  "Metrics.text() prints what was counted and what is read when asked",
  async ({ db }) => {
    const metrics = new Metrics({
      db,
      pool: () => ({ busy: 1, idle: 9, waiting: 0 }),
      sockets: () => ({ events: 3, collaboration: 2 }),
      locks: () => 4,
      redis: () => false,
      bulk: () => Promise.resolve({ queued: 6 }),
      recorder: { waiting: 3, dropped: 4 },
    });
    metrics.request("POST", "/api/sync/push/", 200, 0.02);
    for (const method of ["BREW", "POUR"]) metrics.request(method, "none", 405, 0.01);
    metrics.sync("PUSH", "SUCCESS", 0.01, { "myapp.Customer": 5 });
    metrics.sync("PUSH", "SUCCESS", 0.01, { "myapp.Customer": 2 });
    metrics.job("compaction", "succeeded", 0.5);
    const text = await metrics.text();
    for (
      const line of [
        'lockstep_http_request_duration_seconds_count{method="POST",route="/api/sync/push/",status="200"} 1',
        'lockstep_sync_rows_total{operation="PUSH",model="myapp.Customer"} 7',
        'lockstep_job_duration_seconds_bucket{le="1",name="compaction",outcome="succeeded"} 1',
        'lockstep_database_connections{state="idle"} 9',
        'lockstep_http_request_duration_seconds_count{method="other",route="none",status="405"} 2',
        'lockstep_sockets{kind="collaboration"} 2',
        "lockstep_edit_locks 4",
        "lockstep_redis_up 0",
        'lockstep_bulk_pushes{state="queued"} 6',
        'lockstep_sync_log_entries{state="lost"} 4',
        "lockstep_database_up 1",
      ]
    ) expect(text.split("\n")).toContain(line);
    expect(text).toMatch(/^lockstep_cache_lookups_total\{result="hit"\} \d+$/m);
    expect(text).toMatch(/^lockstep_change_log_horizon_transactions \d+$/m);
    expect(text).toMatch(/^lockstep_memory_resident_bytes \d{7,}/m);
  },
);

eachDatabase(
  "Metrics.text() answers without a database, and without values it cannot know",
  async ({ db }) => {
    const metrics = new Metrics({ db: { ...db, query: () => Promise.reject(new Error("gone")) } });
    const text = await metrics.text();
    expect(text).toContain("lockstep_database_up 0");
    expect(text).not.toMatch(/^lockstep_change_log_horizon_(transactions|seconds) /m);
  },
);
