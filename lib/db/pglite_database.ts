import {
  type ParserOptions,
  PGlite,
  type PGliteInterface,
  type PGliteOptions,
  type Transaction as PGliteTransaction,
} from "@electric-sql/pglite";
import { LockstepError } from "../errors/mod.ts";
import type { Connection, Database, Transaction, TransactionOptions } from "./connection.ts";
import { configureStatement } from "./connection.ts";
import { identifier } from "./identifier.ts";
import { withRetries } from "./sql_error.ts";
import { textParameters } from "./text_parameter.ts";

type Runner = Pick<PGliteInterface, "query" | "exec"> | PGliteTransaction;

const asText = (value: string) => value;
/** By type: bigint, date, timestamp, timestamptz. */
const parsers = {
  20: Number,
  1082: asText,
  1114: asText,
  1184: (text: string) => new Date(text),
};
/** Parameters come to PGlite as text already, bytea too. */
const serializers = { 17: asText };

/** Of PGlite: its extensions, the dump that a new database starts from, its program. */
export type EmbeddedOptions = Pick<
  PGliteOptions,
  "extensions" | "loadDataDir" | "pgliteWasmModule" | "fsBundle"
>;

/**
 * Opens the embedded database in `directory` (`memory://` for one that is never stored) and holds an
 * operating-system lock on it.
 *
 * @throws LockstepError `data_directory_in_use` when another process holds the directory.
 */
export async function openPglite(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<Database> {
  if (directory.startsWith("memory://")) return databaseOver(await create(directory, options));
  const lock = await lockDirectory(directory);
  try {
    const pgdata = `${directory}/pgdata`;
    if (!await exists(pgdata)) {
      // A first start that is killed must not leave half a database.
      const part = `${directory}/pgdata.new`;
      if (await exists(part)) await Deno.remove(part, { recursive: true });
      await (await create(part, options)).close();
      await Deno.rename(part, pgdata);
    }
    const { loadDataDir: _, ...others } = options;
    const database = await databaseOver(await create(pgdata, others), lock);
    await database.query("SELECT set_config('lockstep.files', $1, false)", [await filesOf(pgdata)]);
    return database;
  } catch (error) {
    lock.close();
    throw error;
  }
}

function create(dataDir: string, options: EmbeddedOptions): Promise<PGlite> {
  return PGlite.create({ ...options, dataDir, parsers, serializers });
}

async function databaseOver(pglite: PGlite, lock?: Deno.FsFile): Promise<Database> {
  await pglite.exec(
    "SET TimeZone = 'UTC'; SET IntervalStyle = 'iso_8601'; SET DateStyle = 'ISO, YMD'",
  );
  // Leaves every type that PGlite would parse as PostgreSQL wrote it.
  const textParsers = Object.fromEntries(Object.keys(pglite.parsers).map((type) => [type, asText]));
  return {
    kind: "pglite",
    ...connectionOver(pglite, textParsers),
    transaction: <T>(options: TransactionOptions, fn: (tx: Transaction) => Promise<T>) =>
      withRetries(options.retries ?? 0, () =>
        pglite.transaction(async (tx) => {
          await tx.exec(configureStatement(options));
          return await fn({ ...connectionOver(tx, textParsers), inTransaction: true });
        })),
    async listen(channel, fn) {
      const listener = (payload: string) => fn(payload);
      await pglite.listen(identifier(channel), listener);
      // What listen() gives would fold the channel's name to lower case.
      return () => pglite.unlisten(identifier(channel), listener);
    },
    async close() {
      if (pglite.closed) return;
      await pglite.close();
      lock?.close();
    },
  };
}

function connectionOver(runner: Runner, textParsers: ParserOptions): Connection {
  const connection: Connection = {
    async execute<T>(text: string, params: unknown[] = []) {
      const { rows, affectedRows } = await runner.query<T>(text, textParameters(params));
      return { rows, count: affectedRows ?? rows.length };
    },
    async query<T>(text: string, params: unknown[] = []) {
      return (await runner.query<T>(text, textParameters(params))).rows;
    },
    async bytes(text, params = []) {
      const { rows } = await runner.query<(string | null)[]>(text, textParameters(params), {
        rowMode: "array",
        parsers: textParsers,
      });
      const encoder = new TextEncoder();
      return rows.map((row) => row.map((value) => value === null ? null : encoder.encode(value)));
    },
    async script(text) {
      await runner.exec(text);
    },
  };
  return connection;
}

/**
 * Tells the database's files from a copy of them, which has the same contents: the file that every
 * copy must hold anew, by the number and the birth of its inode.
 */
async function filesOf(pgdata: string): Promise<string> {
  const { ino, birthtime } = await Deno.stat(`${pgdata}/global/pg_control`);
  return `${ino}-${birthtime?.getTime()}`;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function lockDirectory(directory: string): Promise<Deno.FsFile> {
  await Deno.mkdir(directory, { recursive: true });
  const file = await Deno.open(`${directory}/lock`, { create: true, read: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new LockstepError(
    "data_directory_in_use",
    `The data directory ${directory} is in use by another Lockstep process. The embedded database ` +
      "takes one process: stop the other one, choose another LOCKSTEP_DATA_DIR, or set DATABASE_URL " +
      "to a PostgreSQL server.",
  );
}
