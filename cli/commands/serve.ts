import type { Register } from "../cli.ts";
import { registerRoutes } from "../local.ts";

export const registerServe: Register = (program, run) => {
  for (const demo of [false, true]) {
    program.command(demo ? "demo" : "serve")
      .description(
        demo
          ? "Serve an embedded database with example organizations, users and rows."
          : "Serve the sync API and the admin, until it is told to stop.",
      )
      .action(run(async (cli) => {
        cli.refuseServer(demo ? "demo" : "serve");
        await registerRoutes();
        const { serve } = await import("../../main.ts");
        await serve(demo);
      }));
  }
};
