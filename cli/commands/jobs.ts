import { setTimeout as delay } from "node:timers/promises";
import type { Api, Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { CliError } from "../errors.ts";

/** How often a run that goes on is asked about, in milliseconds. */
const pause = 500;

/**
 * Runs a job and waits for its end. Resolves to the run.
 *
 * @throws CliError when it did not succeed
 */
export async function runJob(api: Api, name: string): Promise<Json> {
  const path = `/api/admin/jobs/${encodeURIComponent(name)}`;
  let run = await api.post(`${path}/run`);
  while (run.outcome === "running") {
    await delay(pause);
    const { items } = await api.get(path, { limit: 1, cursor: run.id + 1 });
    if (items[0]?.id !== run.id) throw new CliError(`The run of ${name} is not to be found again.`);
    run = items[0];
  }
  if (run.outcome === "succeeded") return run;
  throw new CliError(
    `${name} ${run.outcome === "failed" ? "failed" : "took too long"}: ${run.error}`,
  );
}

export const registerJobs: Register = (program, run) => {
  const jobs = program.command("jobs").description("The recurring jobs, and the bulk pushes.");

  jobs.command("list", { isDefault: true })
    .description("Show each job with its schedule and how it went.")
    .action(run(async (cli) => {
      const { items } = await (await cli.api()).get("/api/admin/jobs");
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["JOB", ({ name }: Json) => name],
          ["SCHEDULE (UTC)", ({ schedule }: Json) => schedule || "by hand"],
          ["NEXT", ({ next_at }: Json) => next_at],
          ["LAST", ({ last_run }: Json) => last_run?.started_at],
          ["OUTCOME", ({ last_run }: Json) => last_run?.outcome ?? "never ran"],
          ["LAST ERROR", ({ last_failure }: Json) => last_failure?.error],
        ], "There is no job."));
    }));

  jobs.command("run")
    .argument("<job>", "Its name, as lockstep jobs shows it.")
    .description("Run a job now, and wait for its end.")
    .action(run(async (cli, _options: object, job: string) => {
      const ended = await runJob(await cli.api(), job);
      cli.out.result(ended, () => `${job} succeeded.\n${JSON.stringify(ended.detail, null, 2)}`);
    }));

  jobs.command("history")
    .argument("<job>", "Its name, as lockstep jobs shows it.")
    .option("--limit <number>", "How many runs.", "20")
    .description("Show the last runs of a job.")
    .action(run(async (cli, { limit }: { limit: string }, job: string) => {
      const { items } = await (await cli.api()).get(
        `/api/admin/jobs/${encodeURIComponent(job)}`,
        { limit },
      );
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["RUN", ({ id }: Json) => id],
          ["STARTED", ({ started_at }: Json) => started_at],
          ["ENDED", ({ finished_at }: Json) => finished_at],
          ["BY", ({ trigger }: Json) => trigger],
          ["OUTCOME", ({ outcome }: Json) => outcome],
          ["ERROR", ({ error }: Json) => error],
        ], `${job} never ran.`));
    }));

  const bulk = jobs.command("bulk").description("The queue of bulk pushes.");
  bulk.command("list", { isDefault: true })
    .option("--state <state>", "queued, running, succeeded, failed or cancelled.")
    .option("--limit <number>", "How many.", "50")
    .description("Show bulk pushes, newest first.")
    .action(run(async (cli, { state, limit }: { state?: string; limit: string }) => {
      const { items } = await (await cli.api()).get("/api/admin/jobs/bulk", { state, limit });
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["ID", ({ id }: Json) => id],
          ["STATE", ({ state }: Json) => state],
          ["DONE", ({ done, total }: Json) => `${done} of ${total}`],
          ["REFUSED", ({ error_count }: Json) => error_count],
          ["CREATED", ({ created_at }: Json) => created_at],
          ["ERROR", ({ error }: Json) => error],
        ], "There is no bulk push."));
    }));
  for (const [action, told] of [["cancel", "Cancelled"], ["retry", "Queued again"]] as const) {
    bulk.command(action)
      .argument("<id>")
      .description(`${action === "cancel" ? "Cancel" : "Try again"} a bulk push.`)
      .action(run(async (cli, _options: object, id: string) => {
        if (action === "cancel") {
          await cli.out.confirm("Cancel the bulk push? What is written stays.");
        }
        const push = await (await cli.api()).post(
          `/api/admin/jobs/bulk/${encodeURIComponent(id)}/${action}`,
        );
        cli.out.result(push, () => `${told}: ${id}`);
      }));
  }
};
