/** The command line: `lockstep --help`. @module */
import { terminalHost } from "./host.ts";
import { openLocal } from "./local.ts";
import { runCli } from "./program.ts";

Deno.exit(await runCli(Deno.args, terminalHost(openLocal)));
