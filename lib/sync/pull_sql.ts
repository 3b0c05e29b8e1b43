import { compileScope, type OrganizationTenant, type Scope, tenantTable } from "../access/mod.ts";
import { identifier, literal } from "../db/mod.ts";
import type { Column, Model } from "../models/mod.ts";
import {
  changeTable,
  columnType,
  keyColumn,
  organizationType,
  organizationValue,
  previousColumn,
  type TrackedModel,
} from "./change_log.ts";
import type { Position } from "./cursor.ts";

/** A statement and its parameters. */
export interface Statement {
  text: string;
  params: unknown[];
}

/** The model, tenant and form of answer that a pull's statements are built for. */
export interface PullTarget {
  model: Model;
  tracked: TrackedModel;
  tenant: OrganizationTenant;
  /** Columns to send, key included; null for all. */
  columns: readonly string[] | null;
  /** Send integers beyond 2^53 and numerics as strings. */
  numbersAsStrings: boolean;
  /** What joins records: a line break asks for records without any of their own. */
  separator: "," | "\n";
}

/** A target whose records carry the model's name as the client wrote it. */
export interface PulledTarget extends PullTarget {
  name: string;
}

class Params {
  readonly values: unknown[] = [];
  /** Adds a value as text and gives its placeholder, cast to `type`. */
  add = (value: unknown, type = "text"): string => {
    this.values.push(value);
    return `$${this.values.length}::text::${type}`;
  };
  /** Adds a value in the driver's own type. */
  addRaw = (value: unknown): string => {
    this.values.push(value);
    return `$${this.values.length}`;
  };
}

const wide = new Set(["int8", "numeric"]);

function output(column: Column, row: string, numbersAsStrings: boolean): string {
  const name = identifier(column.name);
  if (!numbersAsStrings) return `${row}.${name}`;
  if (wide.has(column.baseType)) return `${row}.${name}::text AS ${name}`;
  if (wide.has(column.elementType ?? "")) return `${row}.${name}::text[] AS ${name}`;
  return `${row}.${name}`;
}

/**
 * The select list that makes a record as it is pulled: `_model`, the columns, `_version`.
 *
 * @param name the model's name, as SQL
 */
function record({ model, columns, numbersAsStrings }: PullTarget, row: string, name: string) {
  const chosen = model.columns.filter((column) => !columns || columns.includes(column.name));
  return [
    `${name} AS "_model"`,
    ...chosen.map((column) => output(column, row, numbersAsStrings)),
    `${row}.xmin AS "_version"`,
  ].join(", ");
}

/** The record of one row as JSON text. `name` is the model's name, as SQL. */
export function recordJson(
  target: PullTarget,
  row: string,
  name = literal(target.model.name),
): string {
  const json = inOneLine(target, "row_to_json(record)::text");
  return `(SELECT ${json} FROM (SELECT ${record(target, row, name)}) record)`;
}

/** The key as `deleted` carries it: the value itself, or an object when it is composite. */
function keyJson(target: PullTarget, value: (position: number) => string): string {
  const { model, numbersAsStrings } = target;
  const parts = model.key.map((name, i) => {
    const column = model.columns.find((column) => column.name === name);
    return numbersAsStrings && wide.has(column?.baseType ?? "") ? `${value(i)}::text` : value(i);
  });
  if (parts.length === 1) return `to_json(${parts[0]})::text`;
  return `json_build_object(${
    model.key.map((name, i) => `${literal(name)}, ${parts[i]}`).join(", ")
  })::text`;
}

const seesNothing = (scope: Scope) => "any" in scope && scope.any.length === 0;

/** Rows that are in some, and in all, of the scopes that a client may hold. */
function heldConditions(held: Scope[], condition: (scope: Scope) => string) {
  return {
    maybe: held.filter((scope) => !seesNothing(scope)).map(condition).join(" OR ") || "false",
    surely: held.some(seesNothing) || held.length === 0
      ? "false"
      : held.map((scope) => `(${condition(scope)})`).join(" AND "),
  };
}

/** The next `limit` rows of the table after the position's key that fulfil `condition`, by key. */
function keyPage(
  target: PullTarget,
  position: Position,
  condition: string,
  limit: number,
  list: string,
  params: Params,
): string {
  const { model, tenant } = target;
  const keys = model.key.map((name) => `t.${identifier(name)}`);
  const { table, within } = tenantTable(model, tenant, "t", params.addRaw);
  const conditions = [within];
  if (position.key) {
    const after = position.key.map((value, i) =>
      params.add(value, columnType(model, model.key[i]))
    );
    conditions.push(`(${keys.join(", ")}) > (${after.join(", ")})`);
  }
  conditions.push(condition);
  return `
    SELECT ${list}
    FROM ${table}
    WHERE ${conditions.join(" AND ")}
    ORDER BY ${keys.join(", ")}
    LIMIT ${limit}`;
}

/** Whether a client that holds these scopes holds no row, as before its first pull. */
export function holdsNothing(held: Scope[]): boolean {
  return held.every(seesNothing);
}

/**
 * A page of a first pull in one piece: PostgreSQL joins the records, which saves a message and four
 * objects for each. Columns: the joined records or null, their number, then each key column of the last.
 */
export function joinedScanStatement(
  target: PulledTarget,
  position: Position,
  scope: Scope,
  limit: number,
): Statement {
  const { model, separator, name } = target;
  const params = new Params();
  const wanted = compileScope(scope, model, (name) => `t.${identifier(name)}`, params.addRaw);
  const last = model.key.map((name) => `(array_agg(page.${identifier(name)}))[count(*)::int]`);
  const text = `
    SELECT string_agg(${inOneLine(target, "row_to_json(page)::text")}, ${
    separator === "," ? "','" : "E'\\n'"
  }), count(*), ${last.join(", ")}
    FROM (${
    keyPage(target, position, wanted, limit, record(target, "t", params.add(name)), params)
  }) page`;
  return { text, params: params.values };
}

/** A json column keeps the line breaks between its tokens; where lines count, a space means the same. */
function inOneLine({ model, separator }: PullTarget, json: string): string {
  const breaks = model.columns.some(({ baseType, elementType, kind }) =>
    baseType === "json" || elementType === "json" || kind === "composite"
  );
  return separator === "\n" && breaks ? `translate(${json}, E'\\n', ' ')` : json;
}

/**
 * The next `limit` rows of the table after the position's key, of which the client lacks the record
 * or must drop it. Columns: record or null, key for removal or null, then each key column.
 */
export function scanStatement(
  target: PulledTarget,
  position: Position,
  held: Scope[],
  scope: Scope,
  limit: number,
): Statement {
  const { model } = target;
  const params = new Params();
  const keys = model.key.map((name) => `t.${identifier(name)}`);
  const of = (scope: Scope) =>
    compileScope(scope, model, (column) => `t.${identifier(column)}`, params.addRaw);
  const wanted = of(scope);
  const { maybe, surely } = heldConditions(held, of);
  const condition = `((${wanted}) AND NOT (${surely}) OR NOT (${wanted}) AND (${maybe}))`;
  const list = [
    `CASE WHEN ${wanted} THEN ${recordJson(target, "t", params.add(target.name))} END`,
    `CASE WHEN NOT (${wanted}) THEN ${keyJson(target, (i) => keys[i])} END`,
    ...keys,
  ].join(", ");
  const text = keyPage(target, position, condition, limit, list, params);
  return { text, params: params.values };
}

/** How many rows a client has to expect from a scan, for a progress display. */
export function countStatement(target: PullTarget, scope: Scope): Statement {
  const { model, tenant } = target;
  const params = new Params();
  const { table, within } = tenantTable(model, tenant, "t", params.addRaw);
  const wanted = compileScope(scope, model, (column) => `t.${identifier(column)}`, params.addRaw);
  const text = `
    SELECT count(*) FROM ${table} WHERE ${within} AND ${wanted}`;
  return { text, params: params.values };
}

/**
 * Row count and hash of the caller's scope. The hash is the sum, modulo 2^64, of the first eight
 * bytes of `md5(<key as in "deleted"> ":" <_version>)` of each row, so that a client can compute it
 * from its own rows in any order.
 */
export function checksumStatement(target: PullTarget, scope: Scope): Statement {
  const { model, tenant } = target;
  const params = new Params();
  const { table, within } = tenantTable(model, tenant, "t", params.addRaw);
  const wanted = compileScope(scope, model, (column) => `t.${identifier(column)}`, params.addRaw);
  const key = keyJson(target, (i) => `t.${identifier(model.key[i])}`);
  const text = `
    SELECT count(*), coalesce(sum(
      ('x' || substr(md5(${key} || ':' || t.xmin), 1, 16))::bit(64)::bigint::numeric), 0)
    FROM ${table}
    WHERE ${within} AND ${wanted}`;
  return { text, params: params.values };
}

/**
 * The changes that the client's snapshot doesn't see, `window` of them after the position, made into
 * records and removals, each key once. Columns: record or null, key for removal or null, xid and seq
 * of the key's first change in the window, the number of changes in the window, xid and seq of its
 * last one. The last row has the window's figures alone. One more than `limit` keys are answered, to
 * tell where the next page has to begin: before the first change of a key that it is about, because
 * the first change may be the only one that tells of a row that the client holds.
 *
 * A key that is no longer in scope is removed if the client could see it: it was in scope before *any*
 * of the changes. Before the first would not do: the client may hold rows newer than its snapshot, out
 * of a page of which it kept the rows and lost the cursor.
 */
export function logStatement(
  target: PulledTarget,
  position: Position,
  held: Scope[],
  scope: Scope,
  window: number,
  limit: number,
): Statement {
  const { model, tracked, tenant } = target;
  const params = new Params();
  const keys = model.key.map((_, i) => keyColumn(i)).join(", ");
  const logged = [
    `l.org = ${
      params.add(organizationValue(model, tenant.organizationId), organizationType(model))
    }`,
  ];
  const s0 = params.add(position.s0, "pg_snapshot");
  logged.push(`l.xid >= pg_snapshot_xmin(${s0})`, `NOT pg_visible_in_snapshot(l.xid, ${s0})`);
  if (position.s1) {
    logged.push(`pg_visible_in_snapshot(l.xid, ${params.add(position.s1, "pg_snapshot")})`);
  }
  if (position.after) {
    const [xid, seq] = position.after;
    logged.push(`(l.xid, l.seq) > (${params.add(xid, "xid8")}, ${params.add(seq, "bigint")})`);
  }
  const before = seenBefore(model, tracked, [...held, scope], params);
  const row = model.key.map((name, i) => `t.${identifier(name)} = c.${keyColumn(i)}`);
  const { table, within } = tenantTable(model, tenant, "t", params.addRaw);
  row.push(within);
  row.push(compileScope(scope, model, (column) => `t.${identifier(column)}`, params.addRaw));
  const text = `
    WITH changes AS MATERIALIZED (
      SELECT l.*, ${before} AS seen
      FROM ${changeTable(tracked.id)} l
      WHERE ${logged.join(" AND ")}
      ORDER BY l.xid, l.seq
      LIMIT ${window}
    ), size AS (
      SELECT count(*) AS changes FROM changes
    ), last AS (
      SELECT xid, seq FROM changes ORDER BY xid DESC, seq DESC LIMIT 1
    ), by_key AS (
      SELECT DISTINCT ON (${keys}) c.*,
        bool_or(seen) OVER (PARTITION BY ${keys}) AS held
      FROM changes c
      ORDER BY ${keys}, xid, seq
    ), answer AS (
      SELECT r.record, CASE WHEN r.record IS NULL THEN ${
    keyJson(target, (i) => `c.${keyColumn(i)}`)
  } END AS removed, c.xid, c.seq
      FROM by_key c
      LEFT JOIN LATERAL (
        SELECT ${recordJson(target, "t", params.add(target.name))} AS record
        FROM ${table}
        WHERE ${row.join(" AND ")}
        OFFSET 0) r ON true
      WHERE r.record IS NOT NULL OR c.held
      ORDER BY c.xid, c.seq
      LIMIT ${limit + 1}
    )
    (SELECT record, removed, xid, seq, NULL::bigint, NULL::xid8, NULL::bigint
     FROM answer ORDER BY xid, seq)
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, size.changes, last.xid, last.seq
    FROM size LEFT JOIN last ON true`;
  return { text, params: params.values };
}

/** Whether the row was there and in one of `scopes` before the logged change. */
function seenBefore(model: Model, tracked: TrackedModel, scopes: Scope[], params: Params): string {
  const conditions = scopes.filter((scope) => !seesNothing(scope)).map((scope) => {
    const since: string[] = [];
    const condition = compileScope(scope, model, (column) => {
      const seq = tracked.previousColumns[column];
      // A key column is its own previous value: a changed key is logged as removal and insertion.
      if (model.key.includes(column)) return `l.${keyColumn(model.key.indexOf(column))}`;
      if (column === model.tenantColumn) return "l.org";
      if (seq) since.push(`l.seq > ${params.add(seq, "bigint")}`);
      return `l.${previousColumn(column)}`;
    }, params.addRaw);
    return [...new Set(since), `(${condition})`].join(" AND ");
  });
  return conditions.length === 0 ? "false" : `(l.op <> 'I' AND (${conditions.join(" OR ")}))`;
}

/** Columns whose previous values a scope needs from the log. */
export function neededPrevious(model: Model, columns: readonly string[]): string[] {
  return columns.filter((name) => !model.key.includes(name) && name !== model.tenantColumn);
}
