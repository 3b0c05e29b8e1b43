import { variableProblem } from "../../lib/config/mod.ts";
import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { registerRoutes } from "../local.ts";

/** Options that win over the variable they stand for. */
const variables = { port: "PORT", host: "HOST" } as const;

type Options = Partial<Record<keyof typeof variables, string>>;

export const registerServe: Register = (program, run) => {
  for (const demo of [false, true]) {
    program.command(demo ? "demo" : "serve")
      .description(
        demo
          ? "Serve an embedded database with example organizations, users and rows."
          : "Serve the sync API and the admin, until it is told to stop.",
      )
      .option("--port <number>", "Port to listen on. Default: PORT, or 8000.")
      .option("--host <address>", "Address to listen on. Default: HOST, or 127.0.0.1.")
      .action(run(async (cli, options: Options) => {
        cli.refuseServer(demo ? "demo" : "serve");
        const given = givenVariables(options);
        await registerRoutes();
        const { serve } = await import("../../main.ts");
        await serve(demo, given);
      }));
  }
};

function givenVariables(options: Options): Record<string, string> {
  const given: Record<string, string> = {};
  for (const option of ["port", "host"] as const) {
    const text = options[option];
    if (text === undefined) continue;
    const problem = variableProblem(variables[option], text);
    if (problem) throw usage(`--${option} ${problem}`);
    given[variables[option]] = text;
  }
  return given;
}
