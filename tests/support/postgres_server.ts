import { freePort } from "./free_port.ts";
import { findPostgres } from "./programs.ts";

const settings = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "fsync=on",
];

/**
 * Without it no transaction but a test's own is ever the oldest, and nobody else's lock in the way
 * of a short timeout.
 */
const undisturbed = "autovacuum=off";

/** Stops the server and removes its files when its standard input ends, however this process ends. */
const guard = `
trap '' INT TERM HUP
exec 3<&0
{
  cat <&3
  "$1/pg_ctl" -D "$2" -m immediate stop
  rm -rf "$2"
} >/dev/null 2>&1 &`;

/** A throw-away PostgreSQL server on a free port of 127.0.0.1, with durable settings. */
export class PostgresServer implements AsyncDisposable {
  #bin: string;
  #directory: string;
  #guard: Deno.ChildProcess;
  readonly #settings: string[];
  readonly port: number;

  private constructor(bin: string, directory: string, port: number, more: string[]) {
    this.#bin = bin;
    this.#settings = [`port=${port}`, ...settings, ...more];
    this.#directory = directory;
    this.port = port;
    this.#guard = asPostgres("sh", ["-c", guard, "sh", bin, directory], "piped").spawn();
  }

  /** @param options `quiet`: it does nothing of its own accord */
  static async start(options: { quiet?: boolean } = {}): Promise<PostgresServer> {
    const bin = findPostgres();
    if (!bin) {
      throw new Error("PostgreSQL 13 or later is not installed (apt-get install postgresql)");
    }
    const base = Deno.env.get("TMPDIR") ?? "/tmp";
    const directory = (await run("mktemp", ["-d", `${base}/lockstep-postgres-XXXXXX`])).trim();
    const more = options.quiet ? [undisturbed] : [];
    const server = new PostgresServer(bin, directory, freePort(), more);
    await run(`${bin}/initdb`, [
      ...["-D", directory, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
      "--no-sync",
    ]);
    await server.restart();
    return server;
  }

  /** Address of the maintenance database, or of `database`. */
  url(database = "postgres"): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts the stopped or crashed server again on the same port, with the same data. */
  async restart(): Promise<void> {
    const options = this.#settings.map((setting) => `-c ${setting}`).join(" ");
    const log = `${this.#directory}/server.log`;
    await run(`${this.#bin}/pg_ctl`, [
      ...["-D", this.#directory, "-l", log, "-o", options, "-w", "-t", "120", "start"],
    ]);
  }

  /** Ends every server process at once, without a checkpoint, as a power cut would. */
  async crash(): Promise<void> {
    await this.#stop("immediate");
  }

  async stop(): Promise<void> {
    await this.#stop("fast");
    await run("rm", ["-rf", this.#directory]);
    await this.#guard.stdin.close();
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }

  async #stop(mode: "fast" | "immediate") {
    await run(`${this.#bin}/pg_ctl`, ["-D", this.#directory, "-m", mode, "-w", "stop"]);
  }
}

/** PostgreSQL refuses to run as root: then the commands run as its own user. */
function asPostgres(command: string, args: string[], stdin: "piped" | "null"): Deno.Command {
  const options = { cwd: "/", stdin, stdout: stdin === "null" ? "piped" : "null" } as const;
  return Deno.uid() === 0
    ? new Deno.Command("runuser", {
      args: ["-u", "postgres", "--", command, ...args],
      ...options,
      stderr: options.stdout,
    })
    : new Deno.Command(command, { args, ...options, stderr: options.stdout });
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await asPostgres(command, args, "null").output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}${decoder.decode(stdout)}`,
  );
}
