import { type Tenant, tenantTable } from "../access/mod.ts";
import { type Connection, identifier, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Column, Model } from "../models/mod.ts";
import {
  columnNamed,
  isJson,
  isTextual,
  keyColumns,
  keyTexts,
  labelColumn,
  shownText,
} from "./record_columns.ts";

/** What a column must be. Texts are read as the column's type. */
export interface RecordCondition {
  column: string;
  /** `to` is included; of points in time a date means the whole day in UTC. */
  test: "is" | "from" | "to" | "empty";
  value: string;
}

export interface RecordQuery {
  /** Occurs in a text column, or is the key. */
  q?: string;
  conditions: RecordCondition[];
  /** Null for the order of the key. */
  sort: string | null;
  descending: boolean;
}

/** A page begins after a place in the list, or ends before one. */
export interface RecordPlace {
  after?: string;
  before?: string;
}

export interface ListedRecord {
  key: string[];
  label: string;
  organizationId: number | null;
  /** In the order of the columns asked for. */
  values: (string | null)[];
}

export interface RecordPage {
  rows: ListedRecord[];
  /** `before` of the page before this one. */
  previous?: string;
  /** `after` of the page after this one. */
  next?: string;
}

export interface ListOptions {
  /** Most rows. */
  limit: number;
  /** Most characters of a value; without it values are whole. */
  cut?: number;
}

/**
 * A page of the rows within the reach that fulfil the query.
 *
 * @throws LockstepError `invalid_value` for a place that is none, or a value that its column can't read
 */
export async function listRecords(
  conn: Connection,
  model: Model,
  reach: Tenant,
  query: RecordQuery,
  columns: readonly Column[],
  place: RecordPlace,
  { limit, cut }: ListOptions,
): Promise<RecordPage> {
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const { table, within } = tenantTable(model, reach, "t", addParam);
  const backwards = place.before !== undefined;
  const edge = place.before ?? place.after;
  const order = orderOf(model, query, backwards);
  const conditions = [within, ...conditionsOf(model, query, addParam)];
  if (edge !== undefined) conditions.push(beyond(order, placeParts(order, edge), addParam));
  const shown = (column: Column) => {
    const text = isJson(column) && cut ? `t.${identifier(column.name)}::text` : shownText(column);
    return cut ? `left(${text}, ${cut})` : text;
  };
  const statement = `
    SELECT ${keyTexts(model)} AS key,
      ${
    model.tenantColumn === null ? "NULL" : `t.${identifier(model.tenantColumn)}::text`
  } AS tenant,
      left(t.${identifier(labelColumn(model).name)}::text, 200) AS label,
      ARRAY[${order.columns.map(({ name }) => `t.${identifier(name)}::text`).join(", ")}]::text[]
        AS place,
      ARRAY[${columns.map(shown).join(", ")}]::text[] AS values
    FROM ${table}
    WHERE ${conditions.join(" AND ")}
    ORDER BY ${
    order.columns.map(({ name }) => `t.${identifier(name)} ${order.descending ? "DESC" : "ASC"}`)
      .join(", ")
  }
    LIMIT ${limit + 1}`;
  const found = await readable(conn.query<ListedRow>(statement, params));
  const more = found.length > limit;
  const rows = found.slice(0, limit);
  if (backwards) rows.reverse();
  const placeOf = (row: ListedRow | undefined) => row && JSON.stringify(row.place);
  const [hasPrevious, hasNext] = backwards ? [more, true] : [edge !== undefined, more];
  return {
    rows: rows.map(({ key, label, tenant, values }) => ({
      key,
      label: label || key.join(", "),
      organizationId: tenant === null ? null : Number(tenant),
      values,
    })),
    previous: hasPrevious ? placeOf(rows[0]) : undefined,
    next: hasNext ? placeOf(rows.at(-1)) : undefined,
  };
}

interface ListedRow {
  key: string[];
  tenant: string | null;
  label: string | null;
  place: (string | null)[];
  values: (string | null)[];
}

/** Columns by which rows are ordered, all in one direction; the key makes the order total. */
interface Order {
  columns: Column[];
  descending: boolean;
}

function orderOf(model: Model, { sort, descending }: RecordQuery, backwards: boolean): Order {
  const first = sort !== null && !model.key.includes(sort) ? [columnNamed(model, sort)] : [];
  const key = keyColumns(model);
  if (sort !== null && first.length === 0) {
    key.sort((a, b) => Number(b.name === sort) - Number(a.name === sort));
  }
  return { columns: [...first, ...key], descending: descending !== backwards };
}

/** The rows that follow a place. NULL is greater than every value, as PostgreSQL orders it. */
function beyond(
  { columns, descending }: Order,
  place: (string | null)[],
  addParam: (value: unknown) => string,
): string {
  const sql = columns.map(({ name }) => `t.${identifier(name)}`);
  const compare = descending ? "<" : ">";
  const from = place[0] === null ? 1 : 0;
  const values = columns.slice(from).map(({ type }, i) =>
    `${addParam(place[from + i])}::text::${type}`
  );
  const row = `ROW (${sql.slice(from).join(", ")}) ${compare} ROW (${values.join(", ")})`;
  if (!columns[0].nullable) return row;
  if (place[0] === null) {
    return `(${sql[0]} IS NULL AND ${row}${descending ? ` OR ${sql[0]} IS NOT NULL` : ""})`;
  }
  return descending ? row : `(${row} OR ${sql[0]} IS NULL)`;
}

function placeParts({ columns }: Order, place: string): (string | null)[] {
  let parts: unknown;
  try {
    parts = JSON.parse(place);
  } catch { /* Told below. */ }
  const fits = Array.isArray(parts) && parts.length === columns.length &&
    parts.every((part, i) =>
      typeof part === "string" && !part.includes("\0") || part === null && columns[i].nullable
    );
  if (fits) return parts as (string | null)[];
  throw new LockstepError(
    "invalid_value",
    "The address names no place in this list. Start from its first page.",
  );
}

function conditionsOf(
  model: Model,
  { q, conditions }: RecordQuery,
  addParam: (value: unknown) => string,
): string[] {
  const asked = conditions.map(({ column: name, test, value }) => {
    const column = columnNamed(model, name);
    const sql = `t.${identifier(name)}`;
    if (test === "empty") return `${sql} IS NULL`;
    const given = `${addParam(value)}::text::${column.type}`;
    if (test === "is") return `${sql} = ${given}`;
    if (test === "from") return `${sql} >= ${given}`;
    const wholeDay = column.baseType.startsWith("timestamp") && /^\d{4}-\d\d-\d\d$/.test(value);
    return wholeDay ? `${sql} < ${given} + interval '1 day'` : `${sql} <= ${given}`;
  });
  if (q) {
    const pattern = addParam(`%${q.replace(/[\\%_]/g, "\\$&")}%`);
    const texts = model.columns.filter((column) =>
      isTextual(column) && column.name !== model.tenantColumn
    ).map(({ name }) => `t.${identifier(name)}::text ILIKE ${pattern}::text`);
    const keys = model.key.map((name) => `t.${identifier(name)}::text = ${addParam(q)}::text`);
    asked.push(`(${[...texts, ...keys].join(" OR ")})`);
  }
  return asked;
}

async function readable<T>(rows: Promise<T>): Promise<T> {
  try {
    return await rows;
  } catch (cause) {
    if (!sqlError(cause)?.code.startsWith("22")) throw cause;
    throw new LockstepError(
      "invalid_value",
      "The address asks for a value that its column cannot hold. Start from the list's first page.",
      { cause },
    );
  }
}

/** Rows that are counted one by one; of larger tables the planner's estimate is taken. */
const counted = 1_000;
const large = 100_000;

export interface RecordCount {
  count: number;
  /** Not the exact number: more than it, or about it. */
  kind: "exact" | "more" | "about";
}

/** How many rows of each model are within the reach, in bounded time. */
export async function countRecords(
  conn: Connection,
  models: readonly Model[],
  reach: Tenant,
): Promise<Map<Model, RecordCount>> {
  const counts = new Map<Model, RecordCount>();
  const small = models.filter(({ estimatedRows }) => estimatedRows <= large);
  for (let i = 0; i < small.length; i += 50) {
    const part = small.slice(i, i + 50);
    const params: unknown[] = [];
    const parts = part.map((model) => {
      const { table, within } = tenantTable(model, reach, "t", (value) => `$${params.push(value)}`);
      return `(SELECT count(*) FROM (SELECT FROM ${table} WHERE ${within} LIMIT ${counted + 1}) x)`;
    });
    const [{ found }] = await conn.query<{ found: number[] }>(
      `SELECT ARRAY[${parts.join(", ")}] AS found`,
      params,
    );
    part.forEach((model, j) => {
      const more = found[j] > counted;
      counts.set(model, { count: more ? counted : found[j], kind: more ? "more" : "exact" });
    });
  }
  for (const model of models.filter(({ estimatedRows }) => estimatedRows > large)) {
    const params: unknown[] = [];
    const { table, within } = tenantTable(model, reach, "t", (value) => `$${params.push(value)}`);
    const [row] = await conn.query<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
      `EXPLAIN (FORMAT JSON) SELECT FROM ${table} WHERE ${within}`,
      params,
    );
    counts.set(model, { count: row["QUERY PLAN"][0].Plan["Plan Rows"], kind: "about" });
  }
  return counts;
}
