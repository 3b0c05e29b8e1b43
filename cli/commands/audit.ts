import type { Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { CliError } from "../errors.ts";
import { runJob } from "./jobs.ts";

interface Options {
  model?: string;
}

/** Tables of our own are always audited; sb-sync's names of them are understood. */
const own = /^(sb_sync|lockstep)\./i;

export const registerAudit: Register = (program, run) => {
  const audit = program.command("audit").description("The audit trail: who changed what.");

  audit.command("setup")
    .description("Audit every change of all enabled models, or of one.")
    .option("--model <model>", "Of this model alone.")
    .action(run(async (cli, { model }: Options) => {
      const api = await cli.api();
      if (model && own.test(model)) {
        cli.out.result({ enabled: [], kept: [model] }, () => `${model} is always audited.`);
        return;
      }
      const { items } = await api.get("/api/admin/models", model ? {} : { enabled: true });
      const chosen = model ? [{ name: model, audit: false }] : items;
      const enabled: string[] = [];
      const failed: { model: string; reason: string }[] = [];
      for (const { name } of chosen.filter(({ audit }: Json) => !audit)) {
        try {
          await api.patch(`/api/admin/models/${encodeURIComponent(name)}`, { audit: true });
          enabled.push(name);
        } catch (error) {
          if (model || !(error instanceof CliError)) throw error;
          failed.push({ model: name, reason: error.message });
        }
      }
      const kept = chosen.filter(({ audit }: Json) => audit).map(({ name }: Json) => name);
      cli.out.result({ enabled, kept, failed }, () =>
        [
          ...enabled.map((name) => `${name}: audited from now on.`),
          ...kept.map((name: string) => `${name}: was audited already.`),
          ...failed.map(({ model, reason }) => `${model}: ${reason}`),
        ].join("\n") || "There is no enabled model.");
      if (failed.length > 0) throw new CliError(`${failed.length} models could not be audited.`);
    }));

  audit.command("check")
    .description("Verify the audit trail, and that its triggers are in place.")
    .option("--model <model>", "Only what concerns this model.")
    .action(run(async (cli, { model }: Options) => {
      const api = await cli.api();
      const verified = await api.post("/api/admin/audit/verify");
      const wanted = model?.replace(own, "lockstep.").toLowerCase();
      const tables = verified.tables.filter(({ model }: Json) =>
        wanted === undefined || model.toLowerCase() === wanted
      );
      if (model && tables.length === 0) {
        throw new CliError(
          `${model} is not audited. Run: lockstep audit setup --model ${model}`,
        );
      }
      const answer = { ...verified, tables };
      cli.out.result(answer, () =>
        [
          cli.out.table(tables, [
            ["MODEL", ({ model }: Json) => model],
            ["STATE", ({ state }: Json) => state],
            ["REMEDY", ({ message }: Json) => message],
          ], "No table is audited."),
          "",
          verified.intact
            ? `The trail is intact: ${verified.verified} events verified, ${verified.pending} not ` +
              "sealed yet."
            : `The trail is NOT intact: ${verified.problem.message}`,
        ].join("\n"));
      if (!verified.intact || tables.some(({ state }: Json) => state !== "active")) {
        throw new CliError("The audit trail needs attention.");
      }
    }));

  audit.command("cleanup")
    .description("Remove audit events that are past their retention (JOBS AUDIT_RETENTION_DAYS).")
    .option("--model <model>", "Not possible: events of one model cannot go, the trail is a chain.")
    .action(run(async (cli, { model }: Options) => {
      if (model) {
        throw new CliError(
          "The events of one model cannot be removed: the trail is a chain, which would no longer " +
            "verify. Leave --model out.",
        );
      }
      const api = await cli.api();
      const { current } = await api.get("/api/admin/settings/JOBS");
      const days = current.AUDIT_RETENTION_DAYS;
      if (days > 0) await cli.out.confirm(`Remove audit events older than ${days} days?`);
      const { detail } = await runJob(api, "purge_audit");
      cli.out.result(
        detail,
        () =>
          days > 0
            ? `Removed ${detail.purged} audit events older than ${days} days.`
            : "Audit events are kept for ever. To change that: lockstep config set JOBS " +
              "AUDIT_RETENTION_DAYS 365",
      );
    }));
};
