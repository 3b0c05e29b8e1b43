import { z } from "zod";
import type { AdminScope } from "../access/mod.ts";
import { type Connection, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";

/** How a field's values look in JSON, in query parameters and in SQL. */
export type FieldType = "integer" | "number" | "boolean" | "text" | "time" | "uuid" | "json";

/** A member of the listed objects. */
export interface ListField {
  /** SQL over the source's `from`. */
  sql: string;
  type: FieldType;
  nullable?: boolean;
  /** JSON schema of a field of type `json`, or a narrower one. */
  schema?: z.ZodType;
  description?: string;
  /** A query parameter of its name; for times also `_from` and `_to` (exclusive). */
  filter?: boolean;
  /** The list can be sorted by it. Where it can be NULL, `sortSql` says what it counts as. */
  sort?: boolean;
  sortSql?: string;
  /** `q` is searched for in it. */
  search?: boolean;
}

/** Objects that are listed and read, within what the reader administers. */
export interface ListSource {
  /** FROM and its joins. */
  from: string;
  fields: Record<string, ListField>;
  /** The field that identifies an object, and its SQL type. */
  key: { field: string; type: "integer" | "bigint" | "uuid" | "text" };
  /** Field to sort by when the request says nothing, with `-` for descending. */
  sort: string;
  /** SQL of the version for ETag; absent where objects are not changed by their version. */
  version?: string;
  /** The condition that keeps to what `scope` holds. */
  within(scope: AdminScope, addParam: (value: unknown) => string): string;
}

/** What lists are asked for. */
export interface ListQuery {
  limit: number;
  cursor?: string;
  sort?: string;
  q?: string;
  [filter: string]: unknown;
}

export interface ListPage {
  items: Record<string, unknown>[];
  /** `cursor` of the next page, or null at the end. */
  next: string | null;
}

const text = (max: number) =>
  z.string().max(max).refine(
    (value) => value.isWellFormed() && !value.includes("\0"),
    "Must be valid Unicode without NUL.",
  );
const integer = z.string().regex(/^-?\d{1,15}$/, "Must be a whole number.").transform(Number)
  .pipe(z.int());
/** A time that PostgreSQL holds too: ISO's year 0 is none there. */
export const instant = z.iso.datetime({ offset: true }).refine(
  (value) => new Date(value).getUTCFullYear() > 0,
  "Must be after the year 0.",
);
const parameterSchemas: Record<FieldType, z.ZodType> = {
  integer,
  number: integer,
  boolean: z.enum(["true", "false"]).transform((value) => value === "true").pipe(z.boolean()),
  text: text(500),
  time: instant,
  uuid: z.uuid(),
  json: text(500),
};
const valueSchemas: Record<FieldType, z.ZodType> = {
  integer: z.int(),
  number: z.number(),
  boolean: z.boolean(),
  text: z.string(),
  time: z.iso.datetime(),
  uuid: z.uuid(),
  json: z.unknown(),
};
const sqlTypes: Record<FieldType, string> = {
  integer: "bigint",
  number: "float8",
  boolean: "boolean",
  text: "text",
  time: "timestamptz",
  uuid: "uuid",
  json: "text",
};

/** The schema of the query parameters of a list. */
export function listQuery(source: ListSource): z.ZodType<ListQuery> {
  const fields = Object.entries(source.fields);
  const sorts = fields.filter(([, { sort }]) => sort).flatMap(([name]) => [name, `-${name}`]);
  const shape: Record<string, z.ZodType> = {
    limit: z.string().regex(/^\d{1,4}$/, "Must be from 1 to 1000.").default("50").transform(Number)
      .pipe(z.int().min(1).max(1000)).describe("Most items of the page."),
    cursor: z.string().max(2000).optional().describe("The `next` of the page before."),
    sort: z.enum(sorts).default(source.sort).describe("A field, with - for descending."),
  };
  if (fields.some(([, { search }]) => search)) {
    shape.q = text(200).optional().describe("Occurs, in any case of letters, in the item.");
  }
  for (const [name, { filter, type }] of fields) {
    if (!filter) continue;
    shape[name] = parameterSchemas[type].optional();
    if (type !== "time") continue;
    shape[`${name}_from`] = parameterSchemas[type].optional().describe("Not before.");
    shape[`${name}_to`] = parameterSchemas[type].optional().describe("Before.");
  }
  return z.strictObject(shape) as unknown as z.ZodType<ListQuery>;
}

/** The schema of one object. */
export function itemSchema(source: ListSource): z.ZodObject {
  return z.object({
    ...Object.fromEntries(
      Object.entries(source.fields).map(([name, { type, nullable, schema, description }]) => {
        const value = schema ?? valueSchemas[type];
        const shown = nullable ? value.nullable() : value;
        return [name, description ? shown.describe(description) : shown];
      }),
    ),
    ...(source.version ? { version: z.string().describe("For If-Match; also the ETag.") } : {}),
  });
}

/** The schema of a page of objects. */
export function pageSchema(item: z.ZodType): z.ZodType {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe("`cursor` of the next page; null at the end."),
  });
}

/**
 * One page of what `scope` holds and `query` asks for. Pages go on after the last item's sort value
 * and key, so that nothing is skipped or repeated when rows come and go meanwhile.
 *
 * @throws LockstepError `invalid_cursor`, `cursor_mismatch` for a cursor of another order
 */
export async function listPage(
  conn: Connection,
  scope: AdminScope,
  source: ListSource,
  query: ListQuery,
): Promise<ListPage> {
  const { limit, cursor, sort = source.sort } = query;
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const descending = sort.startsWith("-");
  const field = source.fields[descending ? sort.slice(1) : sort];
  const order = field.sortSql ?? field.sql;
  const key = source.fields[source.key.field].sql;
  const direction = descending ? "DESC" : "ASC";
  const conditions = [
    source.within(scope, addParam),
    ...conditionsOf(source, query, addParam),
  ];
  if (cursor !== undefined) {
    const after = decodeCursor(cursor, sort);
    const given = addParam(after.value);
    conditions.push(
      `ROW (${order}, ${key}) ${descending ? "<" : ">"} ROW (${given}::text::${
        sqlTypes[field.type]
      }, ${addParam(after.key)}::text::${source.key.type})`,
    );
  }
  const rows = await asInvalidQuery(
    cursor,
    conn.query<Record<string, unknown>>(
      `SELECT ${columnsOf(source)}, (${order})::text AS sort_value, (${key})::text AS sort_key
    FROM ${source.from}
    WHERE ${conditions.join(" AND ")}
    ORDER BY ${order} ${direction}, ${key} ${direction}
    LIMIT ${limit + 1}`,
      params,
    ),
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ sort_value: _value, sort_key: _key, ...item }) => item),
    next: rows.length > limit
      ? encodeKey([sort, String(last!.sort_value), String(last!.sort_key)])
      : null,
  };
}

/** The object with that key, or undefined when `scope` does not hold it. */
export async function readItem(
  conn: Connection,
  scope: AdminScope,
  source: ListSource,
  key: number | string,
): Promise<Record<string, unknown> | undefined> {
  const params: unknown[] = [key];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const [row] = await conn.query(
    `SELECT ${columnsOf(source)} FROM ${source.from}
    WHERE ${source.fields[source.key.field].sql} = $1::text::${source.key.type}
      AND ${source.within(scope, addParam)}`,
    params,
  );
  return row;
}

function columnsOf({ fields, version }: ListSource): string {
  const columns = Object.entries(fields).map(([name, { sql }]) => `${sql} AS "${name}"`);
  if (version) columns.push(`${version} AS version`);
  return columns.join(", ");
}

function conditionsOf(
  source: ListSource,
  query: ListQuery,
  addParam: (value: unknown) => string,
): string[] {
  const conditions: string[] = [];
  for (const [name, { sql, filter, type }] of Object.entries(source.fields)) {
    if (!filter) continue;
    const compare = (value: unknown, operator: string) => {
      if (value === undefined) return;
      conditions.push(`${sql} ${operator} ${addParam(value)}::text::${sqlTypes[type]}`);
    };
    compare(query[name], "=");
    compare(query[`${name}_from`], ">=");
    compare(query[`${name}_to`], "<");
  }
  if (query.q) {
    const pattern = addParam(`%${query.q.replace(/[\\%_]/g, "\\$&")}%`);
    const searched = Object.values(source.fields).filter(({ search }) => search);
    conditions.push(`concat_ws(' ', ${searched.map(({ sql }) => sql)}) ILIKE ${pattern}::text`);
  }
  return conditions;
}

/** Values of the right form that PostgreSQL cannot hold, such as a day of the year 0. */
async function asInvalidQuery<T>(cursor: string | undefined, statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (cause) {
    if (!sqlError(cause)?.code.startsWith("22")) throw cause;
    if (cursor !== undefined) throw invalidCursor(cause);
    throw new LockstepError("invalid_value", "A query parameter is out of range.", { cause });
  }
}

/** Texts as an opaque cursor. */
export function encodeKey(texts: string[]): string {
  return new TextEncoder().encode(JSON.stringify(texts))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws LockstepError `invalid_cursor` unless `encodeKey` made it of that many texts */
export function decodeKey(cursor: string, length: number): string[] {
  let texts: unknown;
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    texts = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidCursor(cause);
  }
  const fits = Array.isArray(texts) && texts.length === length &&
    texts.every((text) => typeof text === "string" && !text.includes("\0"));
  if (!fits) throw invalidCursor();
  return texts as string[];
}

function decodeCursor(cursor: string, sort: string): { value: string; key: string } {
  const [order, value, key] = decodeKey(cursor, 3);
  if (order === sort) return { value, key };
  throw new LockstepError(
    "cursor_mismatch",
    "The cursor is of a list in another order. Start over without a cursor.",
    { errors: [{ field: "cursor", message: "Belongs to another order." }] },
  );
}

function invalidCursor(cause?: unknown): LockstepError {
  return new LockstepError(
    "invalid_cursor",
    "The cursor is not one that this list gave. Start over without a cursor.",
    { errors: [{ field: "cursor", message: "Not a cursor of this list." }], cause },
  );
}
