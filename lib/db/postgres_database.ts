import postgres from "postgres";
import type { Connection, Database, Transaction, TransactionOptions } from "./connection.ts";
import { configureStatement } from "./connection.ts";
import { ConnectionPool, type PooledConnection } from "./connection_pool.ts";
import { postgresTypes } from "./postgres_types.ts";
import { transactionAborted, withRetries } from "./sql_error.ts";
import { textParameters } from "./text_parameter.ts";

/** Runs `fn` on a connection: any of the pool, or the one of a transaction. */
type Runner = <T>(fn: (sql: postgres.Sql) => Promise<T>) => Promise<T>;

export interface PostgresOptions {
  /** Most connections of the pool. Default 10. */
  max?: number;
  /** Bound on each statement, in milliseconds. Default 60,000. */
  statementTimeout?: number;
  /** Bound on waiting for a free connection, in milliseconds. Default 10,000. */
  acquireTimeout?: number;
}

/** Connects lazily to the PostgreSQL server at `url`. */
export function openPostgres(url: string, options: PostgresOptions = {}): Database {
  const connect = (more: postgres.Options<Record<string, postgres.PostgresType>>) =>
    postgres(url, { ...clientOptions(options.statementTimeout ?? 60_000), ...more });
  const pool = new ConnectionPool({
    max: options.max ?? 10,
    acquireTimeout: options.acquireTimeout ?? 10_000,
    connect: (onclose) => connect({ onclose }),
  });
  // postgres.js keeps a connection of its own for this, and listens again when that is lost.
  let listener: postgres.Sql | undefined;
  return {
    kind: "postgres",
    pool: () => pool.counts,
    ...connectionOver((fn) => pool.use((connection) => connection.run(fn))),
    transaction: <T>(options: TransactionOptions, fn: (tx: Transaction) => Promise<T>) =>
      withRetries(
        options.retries ?? 0,
        () => pool.use((connection) => inTransaction(connection, options, fn)),
      ),
    async listen(channel, fn, missed) {
      listener ??= connect({ backoff: (retries: number) => Math.min(2 ** retries / 10, 2) });
      let again = false;
      const { unlisten } = await listener.listen(channel, fn, () => {
        if (again) missed?.();
        again = true;
      });
      return unlisten;
    },
    async close() {
      await Promise.all([pool.close(), listener?.end({ timeout: 0 })]);
    },
  };
}

function clientOptions(statementTimeout: number) {
  return {
    max: 1,
    connect_timeout: 10,
    // Here the driver would close a connection between two statements of a transaction.
    max_lifetime: null,
    onnotice: () => {},
    connection: {
      application_name: "lockstep",
      // Compiling a plan costs more than any of our statements takes.
      jit: "off",
      TimeZone: "UTC",
      IntervalStyle: "iso_8601",
      DateStyle: "ISO, YMD",
      extra_float_digits: "1",
      statement_timeout: statementTimeout,
      idle_in_transaction_session_timeout: 60_000,
    } as Record<string, string | number>,
    // The driver's own reading of arrays takes NULL for a text.
    fetch_types: false,
    types: postgresTypes,
  };
}

async function inTransaction<T>(
  connection: PooledConnection,
  options: TransactionOptions,
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const simple = (text: string) => connection.run(async (sql) => await sql.unsafe(text).simple());
  let open = true;
  const runner: Runner = async (fn) => {
    if (!open) throw new Error("The transaction has ended");
    return await connection.run(fn);
  };
  let result: T;
  try {
    await simple(`BEGIN; ${configureStatement(options)}`);
    result = await fn({ ...connectionOver(runner), inTransaction: true });
  } catch (error) {
    open = false;
    // Where the connection is lost, so is the transaction.
    await simple("ROLLBACK").catch(() => connection.end());
    throw error;
  }
  open = false;
  const { command } = await simple("COMMIT");
  if (command === "ROLLBACK") throw transactionAborted();
  return result;
}

function connectionOver(run: Runner): Connection {
  const statement = async (text: string, params: unknown[] = []) => {
    const texts = textParameters(params);
    return await run(async (sql) => await sql.unsafe(text, texts, { prepare: true }));
  };
  const connection: Connection = {
    async execute<T>(text: string, params?: unknown[]) {
      const rows = await statement(text, params);
      return { rows: rows as unknown as T[], count: rows.count ?? 0 };
    },
    async query<T>(text: string, params?: unknown[]) {
      return await statement(text, params) as unknown as T[];
    },
    async bytes(text, params = []) {
      const texts = textParameters(params);
      const rows = await run(async (sql) => await sql.unsafe(text, texts, { prepare: true }).raw());
      return rows as unknown as (Uint8Array | null)[][];
    },
    async script(text) {
      await run(async (sql) => await sql.unsafe(text).simple());
    },
  };
  return connection;
}
