import type { Database } from "../../lib/db/mod.ts";

/** Values of columns whose constraints allow no other, by table and column. */
const fixed: Record<string, string> = {
  "organization.slug": "'org-' || n",
  "sync_log.operation": "'PUSH'",
  "sync_log.status": "'SUCCESS'",
  "quarantine.state": "'open'",
  "audit_event.source": "'sql'",
  "job.state": "'queued'",
  "job_run.outcome": "'succeeded'",
};

interface Column {
  table: string;
  name: string;
  type: string;
  refers: boolean;
}

const columnsStatement = `
  SELECT c.relname AS table, a.attname AS name, a.atttypid::regtype::text AS type,
    EXISTS (
      SELECT FROM pg_constraint f
      WHERE f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)) AS refers
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'lockstep'::regnamespace AND c.relkind = 'r'
    AND c.relname <> 'schema_version' AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attidentity = '' AND a.attgenerated = ''
  ORDER BY c.relname, a.attnum`;

/**
 * Puts two rows into each empty table of our schema, whatever its version.
 *
 * @throws Error naming the tables that take none: their columns want a line in `fixed`
 */
export async function fillTables(db: Database): Promise<void> {
  const columns = await db.query<Column>(columnsStatement);
  let waiting = [...Map.groupBy(columns, ({ table }) => table)];
  // Again and again, because a table fills only after those that it refers to.
  for (let refusals: string[] = []; waiting.length > 0; refusals = []) {
    const left: typeof waiting = [];
    for (const [table, list] of waiting) {
      try {
        await fillTable(db, table, list);
      } catch (error) {
        left.push([table, list]);
        refusals.push(`${table}: ${(error as Error).message}`);
      }
    }
    if (left.length === waiting.length) throw new Error(refusals.join("\n"));
    waiting = left;
  }
}

async function fillTable(db: Database, table: string, columns: Column[]): Promise<void> {
  const [{ filled }] = await db.query<{ filled: boolean }>(
    `SELECT EXISTS (SELECT FROM lockstep.${table}) AS filled`,
  );
  if (filled) return;
  const names = columns.map(({ name }) => `"${name}"`).join(", ");
  await db.script(`
    INSERT INTO lockstep.${table} (${names})
    SELECT ${columns.map(filling).join(", ")} FROM generate_series(1, 2) n`);
}

/** The expression that fills a column in row `n`. */
function filling({ table, name, type, refers }: Column): string {
  const known = fixed[`${table}.${name}`];
  if (known) return known;
  // Each table's rows have the keys 1 and 2.
  if (refers) return "n";
  if (type === "boolean") return "true";
  if (type === "uuid") return "gen_random_uuid()";
  if (type === "bytea") return "decode('00ff', 'hex')";
  if (type === "pg_snapshot") return "pg_current_snapshot()";
  if (type.endsWith("[]")) return "'{}'";
  if (type.startsWith("timestamp")) return "now() + n * interval '1 second'";
  if (type.startsWith("json")) return `'{"kept": [1, "ü"]}'`;
  if (/^(integer|bigint|double precision|oid|xid8)$/.test(type)) return `n::text::${type}`;
  return `('ü' || n)::${type}`;
}

/** Rows by table. */
export type Contents = Record<string, Record<string, unknown>[]>;

/** Every row of every table of our schema, or of the tables and columns that `like` has. */
export async function tableContents(db: Database, like?: Contents): Promise<Contents> {
  const tables = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = 'lockstep'::regnamespace AND relkind = 'r'
       AND relname <> 'schema_version'
     ORDER BY relname`,
  );
  const all: Contents = {};
  for (const { name } of tables.filter(({ name }) => !like || name in like)) {
    const rows = await db.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t) AS row FROM lockstep.${name} t`,
    );
    const columns = Object.keys(like?.[name][0] ?? rows[0]?.row ?? {});
    all[name] = rows.map(({ row }) =>
      Object.fromEntries(columns.map((column) => [column, row[column]]))
    );
    const text = new Map(all[name].map((row) => [row, JSON.stringify(row)]));
    all[name].sort((a, b) => text.get(a)! < text.get(b)! ? -1 : 1);
  }
  return all;
}
