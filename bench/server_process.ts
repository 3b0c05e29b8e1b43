import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../tests/support/free_port.ts";

/** What `deno task start` grants. */
const permissions = ["net", "read", "write", "env", "sys"].map((name) => `--allow-${name}`);
const root = new URL("../", import.meta.url);

/** How long a server may take to answer, in milliseconds. */
const patience = 60_000;

/** Lockstep as it runs in production: the built server, in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly origin: string;
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<string>;
  #ended = false;

  private constructor(env: Record<string, string>, flags: string[]) {
    const port = Number(env.PORT ?? freePort());
    this.origin = `http://127.0.0.1:${port}`;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", ...permissions, ...flags, "_fresh/server.ts"],
      cwd: root,
      env: {
        PORT: String(port),
        HOST: "127.0.0.1",
        LOCKSTEP_SECRET: "0123456789abcdef0123456789abcdef",
        LOCKSTEP_LOG_DIR: "",
        ...env,
      },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#process.stderr).text();
    this.#process.status.then(() => this.#ended = true);
  }

  /** Resolves when it has answered a health request. On `PORT` or a free port; `flags` are Deno's. */
  static async start(env: Record<string, string>, flags: string[] = []): Promise<ServerProcess> {
    const server = new ServerProcess(env, flags);
    for (const deadline = Date.now() + patience; !await server.#isAlive();) {
      if (server.#ended || Date.now() > deadline) {
        await server.kill();
        throw new Error(`The server did not start: ${await server.#output}`);
      }
      await delay(5);
    }
    return server;
  }

  /** Resident memory in bytes. */
  async memory(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#process.pid}/status`);
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)![1]) * 1024;
  }

  /** Stops or continues it, as the scheduler might. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  /** Ends it without a chance to do anything more. */
  async kill(): Promise<void> {
    if (!this.#ended) this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** Asks it to end. Resolves to its exit code. */
  async stop(): Promise<number> {
    if (!this.#ended) this.#process.kill("SIGTERM");
    const { code } = await this.#process.status;
    await this.#output;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #isAlive(): Promise<boolean> {
    try {
      const response = await fetch(`${this.origin}/api/sync/health/live/`);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
