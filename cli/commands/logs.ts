import type { Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { runJob } from "./jobs.ts";

interface ListOptions {
  limit: string;
  status?: string;
  operation?: string;
  model?: string;
  username?: string;
}

export const registerLogs: Register = (program, run) => {
  const logs = program.command("logs").description("The log of pushes and pulls.");

  logs.command("list", { isDefault: true })
    .description("Show the newest entries.")
    .option("--limit <number>", "How many.", "50")
    .option("--status <status>", "SUCCESS, WARNING or ERROR.")
    .option("--operation <operation>", "PUSH or PULL.")
    .option("--model <model>", "Of this model.")
    .option("--username <name>", "Of this user.")
    .action(run(async (cli, { limit, status, operation, model, username }: ListOptions) => {
      const { items } = await (await cli.api()).get("/api/admin/logs", {
        limit,
        status: oneOf("--status", ["SUCCESS", "WARNING", "ERROR"], status),
        operation: oneOf("--operation", ["PUSH", "PULL"], operation),
        model,
        username,
      });
      cli.out.result(items, () =>
        cli.out.table(
          items,
          [
            ["TIME", ({ timestamp }: Json) => timestamp],
            ["USER", ({ username }: Json) => username],
            ["ORGANIZATION", ({ organization_slug }: Json) => organization_slug],
            ["DID", ({ operation }: Json) => operation],
            ["STATUS", ({ status }: Json) => status],
            ["MODEL", ({ model }: Json) => model],
            ["RECORDS", ({ object_count }: Json) => object_count],
            ["ERROR", ({ error_message }: Json) => error_message],
          ],
          status ?? operation ?? model ?? username ? "Nothing matches." : "Nothing was synced yet.",
        ));
    }));

  logs.command("cleanup")
    .description(
      "Remove sync log entries and measurements past their retention (LOGS RETENTION_DAYS).",
    )
    .action(run(async (cli) => {
      const api = await cli.api();
      const { current } = await api.get("/api/admin/settings/LOGS");
      const days = current.RETENTION_DAYS;
      await cli.out.confirm(`Remove log entries older than ${days} days?`);
      const { detail } = await runJob(api, "cleanup_old_sync_logs");
      cli.out.result(
        detail,
        () =>
          `Removed ${detail.sync_log} log entries and ${detail.performance_metric} measurements ` +
          `older than ${days} days.`,
      );
    }));
};

/** The value in the case of `allowed`. @throws CliError when it is none of them */
function oneOf(option: string, allowed: string[], given: string | undefined): string | undefined {
  const value = given?.toUpperCase();
  if (value === undefined || allowed.includes(value)) return value;
  throw usage(`${option} is ${JSON.stringify(given)}, but must be one of ${allowed.join(", ")}.`);
}
