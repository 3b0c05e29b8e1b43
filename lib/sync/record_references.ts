import { type Tenant, tenantTable } from "../access/mod.ts";
import { type Connection, identifier } from "../db/mod.ts";
import type { Catalog, ForeignKey, Model } from "../models/mod.ts";
import { columnNamed, keyTexts, labelColumn, type RecordReference } from "./record_columns.ts";
import { keyMatches } from "./record_read.ts";

/** A row that a foreign key may point to. */
export interface ReferencedRow {
  /** What the foreign key holds. */
  value: string;
  label: string;
  key: string[];
}

/** The rows within the reach that these values of a foreign key point to. */
export async function referencedRows(
  conn: Connection,
  { target, targetColumn }: RecordReference,
  reach: Tenant,
  values: readonly string[],
): Promise<ReferencedRow[]> {
  if (values.length === 0) return [];
  const column = columnNamed(target, targetColumn);
  return await chosenRows(
    conn,
    target,
    targetColumn,
    reach,
    values.length,
    (addParam) =>
      `t.${identifier(column.name)} = ANY (${addParam(values)}::text[]::${column.type}[])`,
  );
}

/** At most 20 rows within the reach that a foreign key may point to, by a part of their label or by key. */
export async function findReferenced(
  conn: Connection,
  { target, targetColumn }: RecordReference,
  reach: Tenant,
  q: string,
): Promise<ReferencedRow[]> {
  return await chosenRows(conn, target, targetColumn, reach, 20, (addParam) => {
    if (q === "") return "TRUE";
    const pattern = addParam(`%${q.replace(/[\\%_]/g, "\\$&")}%`);
    return `(t.${identifier(labelColumn(target).name)}::text ILIKE ${pattern}::text
      OR t.${identifier(targetColumn)}::text = ${addParam(q)}::text)`;
  });
}

async function chosenRows(
  conn: Connection,
  target: Model,
  targetColumn: string,
  reach: Tenant,
  limit: number,
  condition: (addParam: (value: unknown) => string) => string,
): Promise<ReferencedRow[]> {
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const { table, within } = tenantTable(target, reach, "t", addParam);
  const label = `t.${identifier(labelColumn(target).name)}`;
  const rows = await conn.query<{ value: string; label: string | null; key: string[] }>(
    `SELECT t.${identifier(targetColumn)}::text AS value, left(${label}::text, 100) AS label,
      ${keyTexts(target)} AS key
    FROM ${table}
    WHERE ${within} AND ${condition(addParam)} AND t.${identifier(targetColumn)} IS NOT NULL
    ORDER BY ${label}, t.${identifier(targetColumn)}
    LIMIT ${limit}`,
    params,
  );
  return rows.map((row) => ({ ...row, label: row.label || row.key.join(", ") }));
}

/**
 * The first of `columns` whose foreign key points from the row to one that is not within `reach`: to
 * another organization's. Shared rows may be pointed to by everybody.
 */
export async function strayColumn(
  conn: Connection,
  model: Model,
  catalog: Catalog,
  reach: Tenant,
  key: string[],
  columns: readonly string[],
): Promise<string | undefined> {
  for (const foreign of model.foreignKeys) {
    const target = catalog.find(`${foreign.targetSchema}.${foreign.targetTable}`);
    const named = foreign.columns.find((name) => columns.includes(name));
    if (!target?.tenantColumn || named === undefined) continue;
    const params: unknown[] = [];
    const addParam = (value: unknown) => `$${params.push(value)}`;
    const own = tenantTable(model, reach, "t", addParam);
    const other = tenantTable(target, reach, "f", addParam);
    const [row] = await conn.query(
      `SELECT FROM ${own.table}
      WHERE ${own.within} AND ${keyMatches(model, key, addParam)}
        AND ${foreign.columns.map((name) => `t.${identifier(name)} IS NOT NULL`).join(" AND ")}
        AND NOT EXISTS (SELECT FROM ${other.table}
          WHERE ${other.within} AND ${joined(foreign, "t", "f")})`,
      params,
    );
    if (row) return named;
  }
}

function joined({ columns, targetColumns }: ForeignKey, from: string, to: string): string {
  return columns.map((name, i) =>
    `${from}.${identifier(name)} = ${to}.${identifier(targetColumns[i])}`
  ).join(" AND ");
}

/** Rows of one table that the deletion of a record concerns. */
export interface AffectedRows {
  model: Model;
  /** The columns that refer to what is deleted. */
  columns: string[];
  /** They are deleted too, lose the reference, or forbid the deletion as long as they are there. */
  effect: "deleted" | "cleared" | "forbids";
  /** Not more than `mostCounted` + 1. */
  count: number;
  /** They refer to the record itself, not to rows that are deleted with it. */
  direct: boolean;
  /** Some are outside of the reach: another organization's. */
  foreign: boolean;
}

export const mostCounted = 10_000;
const deepest = 4;

const effects: Record<string, AffectedRows["effect"]> = {
  c: "deleted",
  n: "cleared",
  d: "cleared",
  r: "forbids",
  a: "forbids",
};

/** What the deletion of a row would do to the rows that refer to it, through cascades too. */
export async function affectedRows(
  conn: Connection,
  model: Model,
  catalog: Catalog,
  reach: Tenant,
  key: string[],
): Promise<AffectedRows[]> {
  const actions = await deleteActions(conn);
  const found: AffectedRows[] = [];

  /** `condition` holds for the rows of `parent`, as `x<depth>`, that are deleted. */
  async function follow(parent: Model, path: Model[], condition: Condition): Promise<void> {
    const depth = path.length;
    for (const child of catalog.models) {
      for (const foreign of child.foreignKeys) {
        const action = actions.get(`${child.oid}/${foreign.name}`);
        const refers = foreign.targetSchema === parent.schema &&
          foreign.targetTable === parent.table;
        if (!refers || action === undefined || child.kind === "partition") continue;
        const [from, to] = [`x${depth + 1}`, `x${depth}`];
        const chain: Condition = (addParam) => {
          const { table, within } = tenantTable(parent, reach, to, addParam);
          return `EXISTS (SELECT FROM ${table}
            WHERE ${within} AND ${joined(foreign, from, to)} AND ${condition(addParam)})`;
        };
        const params: unknown[] = [];
        const addParam = (value: unknown) => `$${params.push(value)}`;
        const { table, within } = tenantTable(child, reach, from, addParam);
        const own = child.oid === model.oid ? `AND NOT (${isRecord(from, addParam)})` : "";
        const [{ count, foreign: strays }] = await conn.query<
          { count: number; foreign: boolean }
        >(
          `SELECT count(*)::int AS count, coalesce(bool_or(NOT inside), false) AS foreign
          FROM (SELECT coalesce(${within}, false) AS inside FROM ${table}
            WHERE ${chain(addParam)} ${own} LIMIT ${mostCounted + 1}) rows`,
          params,
        );
        if (count === 0) continue;
        const effect = effects[action];
        found.push({
          model: child,
          columns: foreign.columns,
          effect,
          count,
          direct: depth === 0,
          foreign: strays,
        });
        if (effect === "deleted" && depth < deepest && !path.includes(child)) {
          await follow(child, [...path, child], chain);
        }
      }
    }
  }

  const isRecord = (alias: string, addParam: (value: unknown) => string) =>
    keyMatches(model, key, addParam, alias);
  await follow(model, [], (addParam) => isRecord("x0", addParam));
  return found;
}

type Condition = (addParam: (value: unknown) => string) => string;

/** `pg_constraint.confdeltype` by table and name of the foreign key. */
async function deleteActions(conn: Connection): Promise<Map<string, string>> {
  const rows = await conn.query<{ table: number; name: string; action: string }>(
    `SELECT conrelid::bigint AS table, conname::text AS name, confdeltype::text AS action
    FROM pg_constraint WHERE contype = 'f'`,
  );
  return new Map(rows.map(({ table, name, action }) => [`${table}/${name}`, action]));
}
