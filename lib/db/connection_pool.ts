import type postgres from "postgres";
import { LockstepError } from "../errors/mod.ts";
import { isStalePlan, sqlError } from "./sql_error.ts";

/** Connections are replaced after this many milliseconds, to bound their prepared statements. */
const lifetime = 30 * 60_000;

/** How long `close()` waits for the callers that hold connections, in milliseconds. */
const patience = 5_000;

export interface PoolOptions {
  max: number;
  /** How long a caller waits for a free connection, in milliseconds. */
  acquireTimeout: number;
  /** Makes a client of exactly one connection, which calls `onclose` when that is lost. */
  connect: (onclose: () => void) => postgres.Sql;
}

/** One connection to the server, which never reconnects: a transaction ends with its connection. */
export class PooledConnection {
  readonly #sql: postgres.Sql;
  readonly #bornAt = performance.now();
  #lost = false;

  constructor(connect: PoolOptions["connect"]) {
    this.#sql = connect(() => this.#lost = true);
  }

  get usable(): boolean {
    return !this.#lost && performance.now() - this.#bornAt < lifetime;
  }

  /**
   * Runs statements.
   *
   * @throws LockstepError `unavailable` when the connection is lost or cannot be made.
   */
  async run<T>(fn: (sql: postgres.Sql) => Promise<T>): Promise<T> {
    if (this.#lost) throw unavailable("The connection to the database was lost.");
    try {
      return await fn(this.#sql);
    } catch (error) {
      const code = sqlError(error)?.code;
      if (code && !endsConnection(code) && !isStalePlan(error)) throw error;
      this.#lost = true;
      const reason = isStalePlan(error)
        ? "The schema of the database has just changed."
        : "The database cannot be reached now.";
      throw unavailable(reason, error);
    }
  }

  async end() {
    this.#lost = true;
    await this.#sql.end({ timeout: 0 });
  }
}

/** Lends each connection to one caller at a time, in the order of asking. */
export class ConnectionPool {
  #options: PoolOptions;
  #idle: PooledConnection[] = [];
  #lent = new Set<PooledConnection>();
  #waiting: PromiseWithResolvers<PooledConnection>[] = [];
  #closed = false;
  #drained = Promise.withResolvers<void>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Connections by state, and the callers that wait for one. */
  get counts(): { busy: number; idle: number; waiting: number } {
    return { busy: this.#lent.size, idle: this.#idle.length, waiting: this.#waiting.length };
  }

  /**
   * Calls `fn` with a connection that nobody else uses meanwhile.
   *
   * @throws LockstepError `unavailable` when none is free in time.
   */
  async use<T>(fn: (connection: PooledConnection) => Promise<T>): Promise<T> {
    const connection = this.#take() ?? await this.#wait();
    try {
      return await fn(connection);
    } catch (error) {
      // The idle connections prepared their plans for the old schema too.
      if (error instanceof Error && isStalePlan(error.cause)) void this.#endIdle();
      throw error;
    } finally {
      this.#release(connection);
    }
  }

  /** Lets the callers finish for a few seconds, then closes every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    if (this.#lent.size > 0) {
      const timer = setTimeout(this.#drained.resolve, patience);
      await this.#drained.promise;
      clearTimeout(timer);
    }
    await Promise.all([this.#endIdle(), ...[...this.#lent].map((each) => each.end())]);
  }

  async #endIdle() {
    await Promise.all(this.#idle.splice(0).map((each) => each.end()));
  }

  #take(): PooledConnection | undefined {
    if (this.#closed) throw closed();
    for (let idle; (idle = this.#idle.pop());) {
      if (idle.usable) return this.#lend(idle);
      void idle.end();
    }
    if (this.#lent.size < this.#options.max) {
      return this.#lend(new PooledConnection(this.#options.connect));
    }
  }

  #lend(connection: PooledConnection): PooledConnection {
    this.#lent.add(connection);
    return connection;
  }

  async #wait(): Promise<PooledConnection> {
    const waiting = Promise.withResolvers<PooledConnection>();
    this.#waiting.push(waiting);
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.reject(unavailable("Every connection to the database is in use."));
    }, this.#options.acquireTimeout);
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #release(connection: PooledConnection) {
    this.#lent.delete(connection);
    if (this.#closed) {
      void connection.end();
      if (this.#lent.size === 0) this.#drained.resolve();
      return;
    }
    if (connection.usable) this.#idle.push(connection);
    else void connection.end();
    const next = this.#waiting.shift();
    if (next) next.resolve(this.#take()!);
  }
}

/** Connection exceptions, shutdown, crash of the server, and no free slots on it. */
function endsConnection(code: string): boolean {
  return code.startsWith("08") || code.startsWith("57P") || ["25P03", "53300"].includes(code);
}

function unavailable(reason: string, cause?: unknown): LockstepError {
  return new LockstepError("unavailable", `${reason} Try again in a moment.`, { cause });
}

function closed(): LockstepError {
  return new LockstepError("unavailable", "The server is shutting down.");
}
