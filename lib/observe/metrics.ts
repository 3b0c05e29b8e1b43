import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Connection } from "../db/mod.ts";
import { cacheCounts } from "../log/mod.ts";
import { within } from "./within.ts";

/** Where values come from that are read when Prometheus asks. */
export interface MetricSources {
  db: Connection;
  /** Connections of the database pool by state, and the callers that wait for one. */
  pool?: () => { busy: number; idle: number; waiting: number };
  /** Streams of events and sockets of people who edit together. */
  sockets?: () => { events: number; collaboration: number };
  /** Edit locks that this process's sockets hold. */
  locks?: () => number;
  /** Whether Redis answers, where one is configured. */
  redis?: () => boolean;
  /** Bulk pushes by state. */
  bulk?: () => Promise<Record<string, number>>;
  /** Whether the last run of each job failed. */
  jobs?: () => Promise<Map<string, boolean>>;
  /** Entries of the sync log that wait, and that were lost. */
  recorder?: { waiting: number; dropped: number };
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * How far changes lag behind in the change log: what commits is given out once every older
 * transaction has ended. Times of other roles' sessions are hidden from a role without
 * pg_read_all_stats; the number of transactions never is.
 */
const databaseStatement = `
  SELECT (pg_snapshot_xmax(s)::text::numeric - pg_snapshot_xmin(s)::text::numeric)::float8
      AS transactions, a.seconds, a.waiting
  FROM pg_current_snapshot() s, (
    SELECT coalesce(
        extract(epoch FROM clock_timestamp()
          - min(xact_start) FILTER (WHERE backend_xid IS NOT NULL)),
        0)::float8 AS seconds,
      count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting
    FROM pg_stat_activity
    WHERE datname = current_database()) a`;

/** Anybody may send any method; each new one would be a series for ever. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * The registry behind `/metrics`. Labels take values from small sets only: route patterns, never
 * paths; models of the catalog, never names from a request.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram;
  readonly #syncs: Histogram;
  readonly #rows: Counter;
  readonly #jobs: Histogram;
  readonly #sources: MetricSources;
  readonly #up: Gauge;
  readonly #transactions: Gauge;
  readonly #age: Gauge;
  readonly #waits: Gauge;
  readonly #bulk: Gauge;
  readonly #failing: Gauge;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#requests = new Histogram({
      name: "lockstep_http_request_duration_seconds",
      help: "Requests by method, route and status.",
      labelNames: ["method", "route", "status"],
      buckets: seconds,
      registers,
    });
    this.#syncs = new Histogram({
      name: "lockstep_sync_duration_seconds",
      help: "Pushes and pulls by outcome.",
      labelNames: ["operation", "status"],
      buckets: seconds,
      registers,
    });
    this.#rows = new Counter({
      name: "lockstep_sync_rows_total",
      help: "Rows that were pushed and pulled, by model.",
      labelNames: ["operation", "model"],
      registers,
    });
    this.#jobs = new Histogram({
      name: "lockstep_job_duration_seconds",
      help: "Runs of jobs by outcome.",
      // Not "job": Prometheus gives that name to what it scrapes.
      labelNames: ["name", "outcome"],
      buckets: [0.01, 0.1, 1, 10, 60, 300, 1800],
      registers,
    });
    this.#sources = sources;
    this.#up = this.#gauge("lockstep_database_up", "1 when the database answered.");
    this.#transactions = this.#gauge(
      "lockstep_change_log_horizon_transactions",
      "Transactions between the oldest running one and the newest.",
    );
    this.#age = this.#gauge(
      "lockstep_change_log_horizon_seconds",
      "Age of the oldest transaction that writes.",
    );
    this.#waits = this.#gauge(
      "lockstep_database_lock_waits",
      "Sessions of the database that wait for a lock.",
    );
    this.#bulk = new Gauge({
      name: "lockstep_bulk_pushes",
      help: "Bulk pushes by state.",
      labelNames: ["state"],
      registers,
    });
    this.#failing = new Gauge({
      name: "lockstep_job_failing",
      help: "1 when the last run of the job failed or took too long.",
      labelNames: ["name"],
      registers,
    });
    this.#readWhenAsked(sources);
  }

  /** `route` is the pattern that matched, `duration` in seconds. */
  request(method: string, route: string, status: number, duration: number): void {
    this.#requests.observe(
      { method: methods.has(method) ? method : "other", route, status },
      duration,
    );
  }

  /** `rows` by model, `duration` in seconds. */
  sync(
    operation: "PUSH" | "PULL",
    status: string,
    duration: number,
    rows: Record<string, number>,
  ): void {
    this.#syncs.observe({ operation, status }, duration);
    for (const [model, count] of Object.entries(rows)) this.#rows.inc({ operation, model }, count);
  }

  /** `duration` in seconds. */
  job(job: string, outcome: string, duration: number): void {
    this.#jobs.observe({ name: job, outcome }, duration);
  }

  /** The metrics in Prometheus' text format, whose media type is `contentType`. */
  async text(): Promise<string> {
    await this.#readDatabase();
    return await this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #readWhenAsked({ pool, sockets, locks, redis, recorder }: MetricSources): void {
    const start = (Date.now() - performance.now()) / 1000;
    this.#gauge("lockstep_start_time_seconds", "When the process started.", () => start);
    this.#gauge(
      "lockstep_memory_resident_bytes",
      "Memory of the process.",
      () => Deno.memoryUsage().rss,
    );
    this.#gauge(
      "lockstep_memory_heap_bytes",
      "JavaScript's heap in use.",
      () => Deno.memoryUsage().heapUsed,
    );
    new Counter({
      name: "lockstep_cache_lookups_total",
      help: "Lookups of the caches by result.",
      labelNames: ["result"],
      registers: [this.#registry],
      collect() {
        const { hits, misses } = cacheCounts();
        this.reset();
        this.inc({ result: "hit" }, hits);
        this.inc({ result: "miss" }, misses);
      },
    });
    if (pool) {
      this.#gauge(
        "lockstep_database_connections",
        "Connections of the pool by state, and callers that wait for one.",
        pool,
        "state",
      );
    }
    if (sockets) {
      this.#gauge("lockstep_sockets", "Open event streams and WebSockets.", sockets, "kind");
    }
    if (locks) this.#gauge("lockstep_edit_locks", "Records being edited through here.", locks);
    if (redis) {
      this.#gauge("lockstep_redis_up", "1 when Redis answers.", () => redis() ? 1 : 0);
    }
    if (recorder) {
      this.#gauge("lockstep_sync_log_entries", "Sync log entries by state.", () => ({
        waiting: recorder.waiting,
        lost: recorder.dropped,
      }), "state");
    }
  }

  async #readDatabase(): Promise<void> {
    const { db, bulk, jobs } = this.#sources;
    const reading = Promise.all([
      db.query<{ transactions: number; seconds: number; waiting: number }>(databaseStatement),
      bulk?.() ?? Promise.resolve<Record<string, number>>({}),
      jobs?.() ?? Promise.resolve(new Map<string, boolean>()),
    ]);
    try {
      const [[{ transactions, seconds, waiting }], pushes, failing] = await within(2000, reading);
      this.#up.set(1);
      this.#transactions.set(transactions);
      this.#age.set(seconds);
      this.#waits.set(waiting);
      for (const [state, count] of Object.entries(pushes)) this.#bulk.set({ state }, count);
      for (const [name, fails] of failing) this.#failing.set({ name }, fails ? 1 : 0);
    } catch {
      this.#up.set(0);
      for (const gauge of [this.#transactions, this.#age, this.#waits]) gauge.remove();
      this.#bulk.reset();
      this.#failing.reset();
    }
  }

  #gauge(
    name: string,
    help: string,
    read?: () => number | Record<string, number>,
    label?: string,
  ): Gauge {
    return new Gauge({
      name,
      help,
      labelNames: label ? [label] : [],
      registers: [this.#registry],
      collect: read && function (this: Gauge) {
        const value = read();
        if (typeof value === "number") return this.set(value);
        this.reset();
        for (const [key, count] of Object.entries(value)) this.set({ [label!]: key }, count);
      },
    });
  }
}
