/** PostgreSQL and PGlite behind one interface. @module */
import { isTracing } from "../log/mod.ts";
import type { Database } from "./connection.ts";
import { openPglite } from "./pglite_database.ts";
import { openPostgres } from "./postgres_database.ts";
import { tracedDatabase } from "./traced_database.ts";

export * from "./connection.ts";
export * from "./identifier.ts";
export * from "./migrate.ts";
export * from "./settings_store.ts";
export { type SqlError, sqlError } from "./sql_error.ts";
export { openPglite, openPostgres };

/** Opens the server at `databaseUrl`, or else the embedded database in `dataDir`. */
export async function openDatabase(
  options: { databaseUrl?: string; dataDir: string; poolSize?: number },
): Promise<Database> {
  const db = options.databaseUrl
    ? openPostgres(options.databaseUrl, { max: options.poolSize })
    : await openPglite(options.dataDir);
  return isTracing ? tracedDatabase(db) : db;
}
