import { Command, CommanderError, Option } from "commander";
import { version } from "../lib/web/mod.ts";
import { Cli, type GlobalOptions, type Register, type Run } from "./cli.ts";
import { registerAudit } from "./commands/audit.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerConfig } from "./commands/config.ts";
import { registerDiscovery } from "./commands/discovery.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerImport } from "./commands/import.ts";
import { registerJobs } from "./commands/jobs.ts";
import { registerLogin } from "./commands/login.ts";
import { registerLogs } from "./commands/logs.ts";
import { registerMigrate } from "./commands/migrate.ts";
import { registerModels } from "./commands/models.ts";
import { registerOrganizations } from "./commands/org.ts";
import { registerPerformance } from "./commands/perf.ts";
import { registerPermissions } from "./commands/permissions.ts";
import { registerPull } from "./commands/pull.ts";
import { registerPush } from "./commands/push.ts";
import { registerRestored } from "./commands/restored.ts";
import { registerServe } from "./commands/serve.ts";
import { registerUsers } from "./commands/user.ts";
import { exitCode } from "./errors.ts";
import { failureOf } from "./failure.ts";
import type { Host } from "./host.ts";
import { nearest } from "./nearest.ts";
import { seedCommand, seedCommands, seedNames } from "./seed_names.ts";

const commands: Register[] = [
  registerServe,
  registerModels,
  registerDiscovery,
  registerOrganizations,
  registerPermissions,
  registerUsers,
  registerConfig,
  registerAudit,
  registerLogs,
  registerPerformance,
  registerJobs,
  registerMigrate,
  registerRestored,
  registerImport,
  registerPush,
  registerPull,
  registerLogin,
  registerDoctor,
  registerCompletion,
];

const help = `
Without --server, commands work on the database at hand: DATABASE_URL, or the embedded one in
LOCKSTEP_DATA_DIR. With it they are requests to a server; sign in once with lockstep login.

The names of sb-sync's management commands work too: lockstep setup_audit_trails --action check.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not signed in or not allowed, 4 not found,
5 not reachable.`;

/** Runs one command line. Resolves to the exit code. */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const program = createProgram(host);
  try {
    await program.parseAsync(seedCommand(argv), { from: "user" });
    return exitCode.ok;
  } catch (error) {
    // Whoever read has enough: `lockstep user list | head`.
    if (error instanceof Deno.errors.BrokenPipe) return exitCode.ok;
    return tell(error, host, argv, program);
  }
}

/** The program with all commands. */
function createProgram(host: Host): Command {
  const program = new Command("lockstep")
    .description("Lockstep: a sync server for PostgreSQL, and what operates it.")
    .version(version, "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Print what a command does.")
    .helpCommand("help [command]", "Print what a command does.")
    .addHelpText("after", help)
    .option("--server <url>", "Send requests to this server. Default: LOCKSTEP_SERVER.")
    .option("--as <user>", "With the database at hand: act with the rights of this user.")
    .option("--json", "Print results as JSON.")
    .addOption(new Option("-y, --yes", "Do not ask before something is lost."))
    .showHelpAfterError("Add --help to see what it takes.")
    .configureOutput({ writeOut: host.out, writeErr: host.err })
    .exitOverride();
  const run: Run = (fn) => async (...given) => {
    const command = given.pop() as Command;
    given.pop();
    const options = command.optsWithGlobals();
    const cli = new Cli(host, options as GlobalOptions);
    try {
      await fn(cli, options as never, ...given as never);
    } finally {
      await cli.close();
    }
  };
  for (const register of commands) register(program, run);
  inherit(program);
  return program;
}

/** Commander copies these to a command when it is made with `.command()`, but not to the added ones. */
function inherit(command: Command): void {
  for (const sub of command.commands) {
    sub.copyInheritedSettings(command).helpOption("-h, --help", "Print what a command does.");
    inherit(sub);
  }
}

/** Says what went wrong, as one sentence where it is the user's to mend. */
function tell(error: unknown, host: Host, argv: readonly string[], program: Command): number {
  if (error instanceof CommanderError) {
    // Commander has printed it. It asks for help with an error where a command lacks its second word.
    if (error.exitCode === 0) return exitCode.ok;
    const near = error.code === "commander.unknownCommand" && argv[0]?.includes("_")
      ? nearest(argv[0], seedNames)
      : error.code === "commander.excessArguments"
      ? nearSubcommand(argv, program)
      : undefined;
    if (near) host.err(`(Did you mean ${near}?)\n`);
    return exitCode.usage;
  }
  const { message, code, unexpected } = failureOf(error);
  host.err(`${message}\n`);
  if (unexpected && /^(debug|trace)$/.test(host.env("LOCKSTEP_LOG_LEVEL") ?? "")) {
    host.err(`${error instanceof Error ? error.stack : Deno.inspect(error)}\n`);
  }
  return code;
}

/** A group that does something without a second word takes a misspelt one for too many arguments. */
function nearSubcommand(argv: readonly string[], program: Command): string | undefined {
  const actions = seedCommands[argv[0]?.replaceAll("-", "_")]?.action;
  if (actions) return nearest(argv[argv.indexOf("--action") + 1] ?? "", Object.keys(actions));
  let command = program;
  for (const word of argv) {
    const sub = command.commands.find((sub) => sub.name() === word);
    if (sub) command = sub;
    else if (!word.startsWith("-")) {
      return nearest(word, command.commands.map((sub) => sub.name()));
    }
  }
}
