import type { Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { pairs } from "../output.ts";
import { runJob } from "./jobs.ts";

export const registerPerformance: Register = (program, run) => {
  const perf = program.command("perf").description("What syncs cost, and what makes them cheaper.");

  perf.command("analyze")
    .description("Show what was measured, and what to change.")
    .option("--days <number>", "Of the last days.", "7")
    .action(run(async (cli, { days }: { days: string }) => {
      const measured = await (await cli.api()).get("/api/admin/performance", { days });
      cli.out.result(measured, () => analysis(measured));
    }));

  perf.command("optimize")
    .description("Renew the statistics of tables, and vacuum those with many dead rows.")
    .option("--force", "Do not ask.")
    .action(run(async (cli, { force }: { force?: boolean }) => {
      const question = "Analyze and vacuum tables now? It reads all of them.";
      if (!force) await cli.out.confirm(question);
      const { detail } = await runJob(await cli.api(), "optimize_database_tables");
      cli.out.result(detail.tables, () =>
        cli.out.table(detail.tables, [
          ["TABLE", ({ table }: Json) => table],
          ["ROWS", ({ live_rows }: Json) => live_rows],
          ["DEAD", ({ dead_rows }: Json) => dead_rows],
          ["DONE", ({ done }: Json) => done],
          ["ERROR", ({ error }: Json) => error],
        ], "There is no table."));
    }));

  perf.command("cleanup")
    .description("Remove measurements and log entries past their retention, and empty caches.")
    .option("--force", "Do not ask.")
    .action(run(async (cli, { force }: { force?: boolean }) => {
      const question = "Remove measurements and log entries past their retention?";
      if (!force) await cli.out.confirm(question);
      const api = await cli.api();
      const removed = (await runJob(api, "cleanup_old_sync_logs")).detail;
      if (!cli.server) {
        cli.out.note("Caches are a server's: name it with --server to empty them.");
        return cli.out.result({ removed }, () => pairs(removed));
      }
      const memory = (await runJob(api, "memory_optimization")).detail;
      cli.out.result({ removed, memory }, () => pairs({ ...removed, ...memory }));
    }));

  perf.command("monitor")
    .description("Show memory, caches and health at this moment.")
    .action(run(async (cli) => {
      const api = await cli.api();
      const measured = await api.get("/api/admin/performance", { days: 1 });
      // Unhealthy is an answer too: its status says so, its body says why.
      const health = await (await api.raw("GET", "/api/sync/health/")).json();
      const { current_memory_usage, cache_stats } = measured;
      if (!cli.server) {
        // Those of this command: they say nothing of a server.
        const { cache: _cache, memory: _memory, ...checks } = health.checks;
        cli.out.note("Memory and caches are a server's: name it with --server to see them.");
        return cli.out.result({ health: { ...health, checks } }, () => pairs(checks));
      }
      cli.out.result({ health, current_memory_usage, cache_stats }, () =>
        pairs({
          status: health.status,
          ...health.checks,
          "memory (MB)": current_memory_usage,
          ...cache_stats,
        }));
    }));
};

function analysis({ performance_stats, optimization_suggestions, period_days }: Json): string {
  const shown = pairs({
    days: period_days,
    operations: performance_stats.total_operations,
    "average seconds": performance_stats.average_processing_time ?? "nothing measured",
    "cache hit rate": performance_stats.cache_hit_rate ?? "nothing measured",
  });
  return [
    shown,
    "",
    ...(optimization_suggestions.length > 0 ? optimization_suggestions : ["Nothing to improve."]),
  ].join("\n");
}
