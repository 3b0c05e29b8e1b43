import { purgeLoginAttempts, purgeSessions, purgeTokens } from "../access/mod.ts";
import { purgeAudit, sealAudit } from "../audit/mod.ts";
import { purgeChat } from "../collab/mod.ts";
import type { Settings } from "../config/mod.ts";
import { type Connection, sqlError } from "../db/mod.ts";
import {
  type BulkWorker,
  countByState,
  type Job,
  purgeBulkJobs,
  purgeJobRuns,
} from "../jobs/mod.ts";
import { measurePerformance, memoryMb } from "../observe/mod.ts";
import {
  compactChangeLogs,
  purgeSyncState,
  rememberSnapshot,
  track,
  trackedModels,
} from "../sync/mod.ts";
import { optimizeTables } from "./optimize_tables.ts";
import type { Services } from "./services.ts";
import { syncReport, writeSyncReport } from "./sync_report.ts";

const minute = 60_000;

/** Every job, by the names of the seed and ours. */
export function jobList(services: Services, worker: BulkWorker): Job[] {
  const { db, settings } = services;
  return [
    {
      name: "remember_snapshot",
      description: "Notes which time stands for which snapshot, for clients that pull by time.",
      timeLimit: minute,
      async run() {
        await rememberSnapshot(db);
        return {};
      },
    },
    {
      name: "bulk_sync_operation",
      description: "Takes up bulk pushes that wait or were left, and counts them.",
      timeLimit: minute,
      async run() {
        worker.wake();
        return { pushes: await countByState(db) };
      },
    },
    {
      name: "seal_audit",
      description: "Chains new audit events by hash, so that a later change of them shows.",
      timeLimit: 10 * minute,
      async run() {
        const { sealed } = await sealAudit(db);
        return { sealed };
      },
    },
    {
      name: "compact_change_logs",
      description: "Shortens the change logs, and removes deletions past their retention.",
      timeLimit: 60 * minute,
      async run() {
        const { SYNC } = await settings.current();
        return { ...await compactChangeLogs(db, SYNC.TOMBSTONE_RETENTION_DAYS) };
      },
    },
    {
      name: "purge_access",
      description: "Removes ended tokens and sessions, and login attempts that count no more.",
      timeLimit: 10 * minute,
      async run() {
        const { SECURITY } = await settings.current();
        return {
          tokens: await purgeTokens(db, SECURITY),
          sessions: await purgeSessions(db, SECURITY),
          login_attempts: await purgeLoginAttempts(db, SECURITY),
        };
      },
    },
    {
      name: "generate_sync_report",
      description: "Reports the syncs of the day before by organization, model and status.",
      timeLimit: 10 * minute,
      async run() {
        const report = await syncReport(db);
        const directory = reportDirectory(services);
        return { ...report, ...directory ? await writeSyncReport(directory, report) : {} };
      },
    },
    {
      name: "purge_chat",
      description: "Removes chat messages past their retention.",
      timeLimit: 10 * minute,
      async run() {
        const { CHAT } = await settings.current();
        return { messages: await purgeChat(db, CHAT.RETENTION_DAYS) };
      },
    },
    {
      name: "cleanup_old_sync_logs",
      description: "Removes sync log entries and performance metrics past their retention.",
      timeLimit: 60 * minute,
      async run(signal) {
        const { LOGS } = await settings.current();
        return await cleanUpSyncLogs(db, LOGS, signal);
      },
    },
    {
      name: "purge_sync_state",
      description: "Removes old positions, idempotency keys, scopes and snapshots.",
      timeLimit: 30 * minute,
      async run() {
        const { SYNC } = await settings.current();
        return await purgeSyncState(db, {
          positionRetentionDays: SYNC.POSITION_RETENTION_DAYS,
          tombstoneRetentionDays: SYNC.TOMBSTONE_RETENTION_DAYS,
          idempotencyRetentionHours: SYNC.IDEMPOTENCY_RETENTION_HOURS,
        });
      },
    },
    {
      name: "purge_audit",
      description: "Removes audit events past their retention; without one they are kept for ever.",
      timeLimit: 60 * minute,
      async run() {
        const days = (await settings.current()).JOBS.AUDIT_RETENTION_DAYS;
        if (days === 0) return { purged: 0, kept: "for ever" };
        const before = new Date(Date.now() - days * 86_400_000);
        return {
          purged: await purgeAudit(db, before, { id: null, name: "purge_audit", source: "job" }),
        };
      },
    },
    {
      name: "purge_job_runs",
      description: "Removes old runs of jobs and bulk pushes that ended.",
      timeLimit: 10 * minute,
      async run() {
        const { JOBS } = await settings.current();
        return {
          runs: await purgeJobRuns(db, JOBS.RUN_RETENTION_DAYS),
          bulk: await purgeBulkJobs(db, JOBS.BULK_RETENTION_DAYS),
        };
      },
    },
    {
      name: "optimize_database_tables",
      description: "Renews the statistics of tables, and vacuums those with many dead rows.",
      timeLimit: 60 * minute,
      async run(signal) {
        return { tables: await optimizeTables(db, signal) };
      },
    },
    {
      name: "memory_optimization",
      description: "Empties the caches of the process that runs it, and measures its memory.",
      timeLimit: minute,
      run() {
        return Promise.resolve(freeMemory(services));
      },
    },
    {
      name: "cache_warmup",
      description: "Reads the models, and arms the change logs of those that are enabled.",
      timeLimit: 10 * minute,
      async run(signal) {
        return await warmUp(services, signal);
      },
    },
    {
      name: "performance_analysis",
      description: "Analyzes what was measured in the last week, and suggests what to change.",
      timeLimit: 10 * minute,
      async run() {
        return { ...await measurePerformance(db, null) };
      },
    },
  ];
}

/** The cron expression of each job in `settings`. */
export function jobSchedules({ JOBS }: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(JOBS).filter((entry): entry is [keyof typeof JOBS, string] =>
      typeof entry[1] === "string"
    ).map(([name, expression]) => [name.toLowerCase(), expression]),
  );
}

/** Beside the logs, or else in the data directory of the embedded database. */
function reportDirectory({ db, env }: Services): string | undefined {
  if (env.logDir !== "") return `${env.logDir}/reports`;
  return db.kind === "pglite" ? `${env.dataDir}/reports` : undefined;
}

/** Rows of one statement: short, so that it holds up nobody. */
const batch = 10_000;

async function cleanUpSyncLogs(
  conn: Connection,
  { RETENTION_DAYS }: Settings["LOGS"],
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  for (const table of ["sync_log", "performance_metric"]) {
    removed[table] = 0;
    for (let count = batch; count === batch && !signal.aborted;) {
      ({ count } = await conn.execute(
        `
        DELETE FROM lockstep.${table}
        WHERE id IN (
          SELECT id FROM lockstep.${table}
          WHERE timestamp < now() - make_interval(days => $1::int)
          ORDER BY timestamp
          LIMIT $2::int)`,
        [RETENTION_DAYS, batch],
      ));
      removed[table] += count;
    }
  }
  return removed;
}

async function warmUp(
  { db, catalog, settings }: Services,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  await settings.current();
  const { models } = await catalog.current();
  const enabled = models.filter((model) => model.enabled);
  const tracked = await trackedModels(db, enabled);
  const armed: string[] = [];
  const failed: Record<string, string> = {};
  for (const model of enabled) {
    if (signal.aborted) break;
    if (tracked.has(model)) continue;
    try {
      await track(db, model, []);
      armed.push(model.name);
    } catch (error) {
      // Writers hold the table, or it is another role's: the first pull tries again.
      const sql = sqlError(error);
      if (!sql) throw error;
      failed[model.name] = sql.code;
    }
  }
  return { models: models.length, enabled: enabled.length, armed, failed };
}

function freeMemory({ catalog }: Services): Record<string, unknown> {
  const figures = () => ({
    resident_mb: memoryMb(),
    heap_mb: Math.round(Deno.memoryUsage().heapUsed / 2 ** 20 * 10) / 10,
  });
  const before = figures();
  catalog.invalidate();
  // There only where V8 was started with --expose-gc; else V8 collects when it sees fit.
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  return { before, after: figures(), collected: gc !== undefined };
}
