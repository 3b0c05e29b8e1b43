import type { Command } from "commander";
import type { Api } from "./api.ts";
import { usage } from "./errors.ts";
import type { Host } from "./host.ts";
import { Output } from "./output.ts";
import { openAnonymous, openRemote, serverOrigin } from "./remote.ts";

export interface GlobalOptions {
  server?: string;
  as?: string;
  json?: boolean;
  yes?: boolean;
}

/** What one command works with. */
export class Cli {
  readonly out: Output;
  /** Origin of the server, or undefined for the application in this process. */
  readonly server: string | undefined;
  #api: Promise<Api> | undefined;

  constructor(readonly host: Host, readonly options: GlobalOptions) {
    this.out = new Output(host, options);
    const named = options.server ?? host.env("LOCKSTEP_SERVER");
    this.server = named === undefined ? undefined : serverOrigin(named);
  }

  /** The API that commands call; opened once. */
  api(): Promise<Api> {
    if (this.server && this.options.as) {
      throw usage("--as is for the database at hand. To a server, sign in as that user.");
    }
    return this.#api ??= this.server
      ? Promise.resolve(openRemote(this.host, this.server))
      : this.host.openLocal(this.options.as);
  }

  anonymous(): Api {
    return openAnonymous(this.requireServer());
  }

  requireServer(): string {
    if (this.server) return this.server;
    throw usage("Name the server: --server https://sync.example.org, or set LOCKSTEP_SERVER.");
  }

  /** For what reads and writes rows: the console has every right and is in no organization. */
  requireRights(): void {
    if (this.server || this.options.as) return;
    throw usage("Say whose rights hold: --as USER, or --server with a login.");
  }

  /** For what is done to the database itself. */
  refuseServer(what: string): void {
    if (!this.server) return;
    throw usage(`${what} works on the database at hand. Run it there, without --server.`);
  }

  async close(): Promise<void> {
    await (await this.#api?.catch(() => undefined))?.close();
  }
}

/** Makes the action of a command out of a function; commander gives its arguments and options. */
export type Run = <Args extends unknown[], Options>(
  fn: (cli: Cli, options: Options, ...args: Args) => Promise<void>,
) => (...given: unknown[]) => Promise<void>;

/** Adds commands to the program. */
export type Register = (program: Command, run: Run) => void;
