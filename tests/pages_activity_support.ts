import { syncForADay } from "./pages_admin_support.ts";
import type { TestApp } from "./support/app.ts";

/** A day of syncs, with measurements of a month, runs of jobs, and bulk pushes in every state. */
export async function activityForADay(app: TestApp): Promise<void> {
  await syncForADay(app);
  for (const name of ["seal_audit", "purge_chat", "generate_sync_report"]) {
    await (await app.running.jobs.runNow(name, "manual")).finished;
  }
  await app.db.script(`
    INSERT INTO lockstep.performance_metric (organization_id, operation_type, model_name, batch_size,
      processing_time, memory_usage, query_count, timestamp)
    SELECT o.id, CASE WHEN n % 3 = 0 THEN 'PUSH' ELSE 'PULL' END,
      (ARRAY['myapp.Customer', 'myapp.Order', 'myapp.Product'])[n % 3 + 1], n % 50 * 10,
      (n * 7 % 90 + 10) / 1000.0, 120 + n % 40, 3 + n % 9, now() - n * interval '11 minutes'
    FROM generate_series(1, 400) n, lockstep.organization o WHERE o.slug = 'acme-corp';
    INSERT INTO lockstep.job_run (job_name, trigger, started_at, finished_at, outcome, error)
    VALUES ('compact_change_logs', 'cron', now() - interval '30 minutes',
      now() - interval '29 minutes', 'failed', 'The database is busy or away.');
    INSERT INTO lockstep.job (kind, user_id, organization_id, state, payload, done, total, result,
      error, created_at, finished_at, attempts, heartbeat_at)
    SELECT 'bulk_push', u.id, o.id, s.state, '{"device": "till-1", "clientVersion": "", "requestId": "r"}',
      s.done, 5000, s.result::jsonb, s.error, now() - s.age * interval '1 minute',
      CASE WHEN s.state IN ('succeeded', 'failed', 'cancelled') THEN now() END,
      -- It waits for its second attempt, so that no server's worker takes it up.
      1, now() + interval '1 hour'
    FROM lockstep.app_user u, lockstep.organization o, (VALUES
      ('queued', 0, NULL, NULL, 1),
      ('succeeded', 5000, '{"success_count": 4990, "error_count": 10}', NULL, 50),
      ('failed', 2000, '{"success_count": 2000, "error_count": 0}',
        'Given up after 3 attempts. The database is busy or away.', 70),
      ('cancelled', 1000, NULL, NULL, 90)) AS s (state, done, result, error, age)
    WHERE (u.username, o.slug) = ('john_manager', 'acme-corp')`);
}
