import { type Database, identifier, sqlError } from "../db/mod.ts";

/** What was done for a table, and why. */
export interface OptimizedTable {
  table: string;
  live_rows: number;
  dead_rows: number;
  /** Dead rows of all, 0 to 1. */
  dead_ratio: number;
  done: "ANALYZE" | "VACUUM" | "nothing";
  /** SQLSTATE of what went wrong. */
  error?: string;
}

/** A table with more dead rows, and a larger share of them, is worth a vacuum of its own. */
const deadRows = 1000;
const deadRatio = 0.1;

/**
 * Renews the planner's statistics of our own tables and of the tracked ones, and vacuums those of
 * them with many dead rows on a PostgreSQL server. Ends early when `signal` aborts.
 */
export async function optimizeTables(
  db: Database,
  signal: AbortSignal,
): Promise<OptimizedTable[]> {
  const tables = await db.query<{ schema: string; name: string; live: number; dead: number }>(`
    SELECT n.nspname AS schema, c.relname AS name,
      coalesce(s.n_live_tup, 0)::float8 AS live, coalesce(s.n_dead_tup, 0)::float8 AS dead
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind IN ('r', 'p')
      AND (n.nspname = 'lockstep' OR c.oid IN (SELECT table_oid FROM lockstep.tracked_model))
    ORDER BY n.nspname, c.relname`);
  const optimized: OptimizedTable[] = [];
  for (const { schema, name, live, dead } of tables) {
    if (signal.aborted) break;
    const ratio = dead > 0 ? dead / (live + dead) : 0;
    const vacuum = db.kind === "postgres" && dead > deadRows && ratio > deadRatio;
    const table: OptimizedTable = {
      table: `${schema}.${name}`,
      live_rows: live,
      dead_rows: dead,
      dead_ratio: Math.round(ratio * 1000) / 1000,
      done: vacuum ? "VACUUM" : "ANALYZE",
    };
    try {
      await db.query(`${vacuum ? "VACUUM (ANALYZE)" : "ANALYZE"} ${identifier(schema, name)}`);
    } catch (error) {
      const sql = sqlError(error);
      if (!sql) throw error;
      table.done = "nothing";
      table.error = sql.code;
    }
    optimized.push(table);
  }
  return optimized;
}
