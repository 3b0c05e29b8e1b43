import { literal } from "./identifier.ts";

/** What one statement gave: its rows and how many rows it inserted, updated or deleted. */
export interface Result<T> {
  rows: T[];
  count: number;
}

/**
 * Something that runs statements: a pool, or the one connection of a transaction. Parameters are
 * `$1, $2, …`: strings, numbers, bigints, booleans, `Date`, `Uint8Array`, null, and arrays of these;
 * the statement gives them their types. JSON parameters are passed as text (`$1::text::json`).
 * `bigint` arrives as a number, `numeric`, `xid8`, `pg_snapshot`, `date` and `timestamp` as strings,
 * `timestamptz` as `Date`, `bytea` as `Uint8Array`, `json` parsed, arrays of the common built-in types as
 * arrays (those of other types, such as enums, are cast to `text[]`).
 */
export interface Connection {
  execute<T = Record<string, unknown>>(text: string, params?: unknown[]): Promise<Result<T>>;
  /** The rows alone. */
  query<T = Record<string, unknown>>(text: string, params?: unknown[]): Promise<T[]>;
  /** Every column of every row as PostgreSQL's own text, in UTF-8 and undecoded. */
  bytes(text: string, params?: unknown[]): Promise<(Uint8Array | null)[][]>;
  /** Several statements separated by semicolons, without parameters. */
  script(text: string): Promise<void>;
}

/** A connection inside a transaction. */
export interface Transaction extends Connection {
  readonly inTransaction: true;
}

export interface TransactionOptions {
  /** Default `read committed`. */
  isolation?: "read committed" | "repeatable read" | "serializable";
  readOnly?: boolean;
  /** Settings for this transaction alone, as by `set_config(name, value, true)`. */
  settings?: Record<string, string>;
  /** How often to try again after a serialization failure or deadlock. Default 0. */
  retries?: number;
}

/** PostgreSQL behind one interface, whether a server or the embedded PGlite. */
export interface Database extends Connection {
  readonly kind: "postgres" | "pglite";
  /** Connections by state, and the callers that wait for one. Absent: there is no pool. */
  pool?(): { busy: number; idle: number; waiting: number };
  /**
   * Commits when `fn` resolves and rolls back when it throws. Inside `fn` only `tx` is used: the
   * embedded database has one connection, and statements on `db` wait for the transaction's end.
   */
  transaction<T>(options: TransactionOptions, fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Calls `fn` with the payload of each `NOTIFY` on `channel`, and `missed` when it listens again
   * after a lost connection. Resolves to the way to stop.
   */
  listen(
    channel: string,
    fn: (payload: string) => void,
    missed?: () => void,
  ): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** The statements that give a transaction, once begun, its isolation and settings. */
export function configureStatement(options: TransactionOptions): string {
  const isolation = (options.isolation ?? "read committed").toUpperCase();
  const settings = Object.entries(options.settings ?? {}).map(([name, value]) =>
    `set_config(${literal(name)}, ${literal(value)}, true)`
  );
  return `SET TRANSACTION ISOLATION LEVEL ${isolation}${options.readOnly ? ", READ ONLY" : ""};` +
    (settings.length > 0 ? ` SELECT ${settings.join(", ")}` : "");
}
