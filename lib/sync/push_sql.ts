import { compileScope, type OrganizationTenant, type Scope, tenantTable } from "../access/mod.ts";
import { identifier, literal } from "../db/mod.ts";
import type { Catalog, Column, ForeignKey, Model } from "../models/mod.ts";
import { columnType } from "./change_log.ts";
import type { Statement } from "./pull_sql.ts";
import type { PushRecord } from "./push_record.ts";

/** What the statements of one group of records, alike in model, columns and treatment, are built for. */
export interface PushGroup {
  model: Model;
  operation: PushRecord["operation"];
  tenant: OrganizationTenant;
  scope: Scope;
  /** Columns that the records name, without the tenant column. */
  columns: string[];
  /** The key was drawn by the server: such a record may never overwrite a row. */
  inserting: boolean;
  versioned: boolean;
  merging: boolean;
  /** Required columns that the records leave out. */
  missing: string[];
  /** The records can only change rows that exist. */
  updating: boolean;
  /** Foreign keys to models with tenants, by columns that the records name. */
  owned: { key: ForeignKey; target: Model; self: boolean }[];
}

export function groupOf(
  first: PushRecord,
  catalog: Catalog,
  tenant: OrganizationTenant,
  scope: Scope,
): PushGroup {
  const { model } = first;
  const inserting = first.missingKey.length > 0;
  const columns = first.operation === "delete"
    ? model.key.filter((name) => name !== model.tenantColumn)
    : [...new Set([...first.form.split("\u0000").filter(Boolean), ...first.missingKey])];
  const required = (column: Column) =>
    !column.nullable && !column.hasDefault && column.identity === "" && !column.generated &&
    column.name !== model.tenantColumn && !columns.includes(column.name);
  const missing = model.columns.filter(required).map(({ name }) => name);
  const owned = model.foreignKeys.flatMap((key) => {
    const target = catalog.find(`${key.targetSchema}.${key.targetTable}`);
    const named = key.columns.some((name) => columns.includes(name));
    if (!target?.tenantColumn || !named) return [];
    return [{ key, target, self: target.oid === model.oid }];
  });
  return {
    model,
    operation: first.operation,
    tenant,
    scope,
    columns,
    inserting,
    versioned: first.versioned,
    merging: first.merging,
    missing,
    updating: first.versioned || missing.length > 0,
    owned,
  };
}

/** The record `r` would change the row `t`; of a merge only the columns that it changed count. */
function changes(group: PushGroup): string {
  const { model, merging } = group;
  const sets = changeable(group);
  if (!merging) return differs(model, sets, "t", "r");
  const changed = sets.map((name) =>
    `((${current} OR ${based(name)}) AND ${differs(model, [name], "t", "r")})`
  );
  return `(${changed.join(" OR ") || "false"})`;
}

/**
 * What a statement that writes gives: `counts`, one row for all records; `rows`, one for each record
 * that was written; `each`, the row of the only record, with the parameters as an array in `$2`.
 */
export type WriteMode = "counts" | "rows" | "each";

/** The records in `$1`, then the other parameters. */
class Params {
  readonly values: unknown[];
  readonly #inArray: boolean;
  constructor(records: string, mode?: WriteMode) {
    this.values = [records];
    this.#inArray = mode === "each";
  }
  add = (value: unknown): string => {
    const position = this.values.push(value);
    return this.#inArray ? `($2::text[])[${position - 1}]` : `$${position}`;
  };
}

/** The records as a relation `r`: their columns, typed, and `ord` from 1. */
function source({ model, columns, versioned, merging }: PushGroup): string {
  const names = columns.map((name) => identifier(name));
  const typed = columns.map((name) => `${identifier(name)} ${columnType(model, name)}`);
  if (versioned) {
    names.push(`"_version"`);
    typed.push(`"_version" text`);
  }
  if (merging) {
    names.push(`"_base"`);
    typed.push(`"_base" json`);
  }
  return `ROWS FROM (json_to_recordset($1::text::json) AS (${typed.join(", ")}))
      WITH ORDINALITY AS r (${[...names, "ord"].join(", ")})`;
}

/** Types whose equality is identity; of others the text is compared, so that 1.10 is not 1.1. */
const exactTypes = new Set([
  "int2",
  "int4",
  "int8",
  "text",
  "varchar",
  "bool",
  "uuid",
  "date",
  "time",
  "timestamp",
  "timestamptz",
  "bytea",
]);

function comparable(model: Model, name: string, row: string): string {
  const column = model.columns.find((column) => column.name === name)!;
  const exact = column.kind === "enum" || exactTypes.has(column.baseType) ||
    column.baseType === "numeric" && column.scale !== null;
  return `${row}.${identifier(name)}${exact ? "" : "::text"}`;
}

const differs = (model: Model, names: string[], a: string, b: string) =>
  names.length === 0
    ? "false"
    : `(${names.map((name) => comparable(model, name, a)).join(", ")}) IS DISTINCT FROM (${
      names.map((name) => comparable(model, name, b)).join(", ")
    })`;

/** The key columns that records carry. */
const ownKey = (model: Model) => model.key.filter((name) => name !== model.tenantColumn);

function keyMatch(model: Model, a: string, b: string): string[] {
  const own = ownKey(model);
  if (own.length === 0) return ["true"];
  return own.map((name) => `${a}.${identifier(name)} = ${b}.${identifier(name)}`);
}

/** The columns that an update sets. */
export const changeable = ({ model, columns }: PushGroup) =>
  columns.filter((name) => !model.key.includes(name));

/** The row is the one that the client knows. */
const current = `t.xmin::text = r."_version"`;

/** The column's old value is in the record's `_base`. */
const based = (name: string) => `(r."_base" -> ${literal(name)}) IS NOT NULL`;

/** What became of one record. */
export interface WrittenRow {
  /** Position of the record, from 1; null when a trigger gave the row another key. */
  ord: number | null;
  created: boolean;
  /** The row is in the pusher's scope after the change. */
  inside: boolean;
  /** For each foreign key in `owned`, how many rows refer to another organization's. */
  strays: number[];
  /** Of partitioned tables PostgreSQL cannot return it with the write: `checkStatement` gives it. */
  version: string | null;
  /** JSON text. */
  key: string;
  /** More than one of the records is the same row. */
  twins: boolean;
}

/** What became of a group of records together. */
export interface WrittenCounts extends Pick<WrittenRow, "inside" | "strays" | "twins"> {
  written: number;
  created: number;
}

/**
 * Writes a group of records; with the mode `counts` it gives `WrittenCounts`, else `WrittenRow`s. A
 * record that is not written was unchanged, out of scope, in conflict, suppressed by a trigger or,
 * with required columns left out, not there: `checkStatement` tells.
 */
export function writeStatement(group: PushGroup, records: string, mode: WriteMode): Statement {
  const { model, scope, tenant, columns, owned, updating } = group;
  const params = new Params(records, mode);
  // An INSERT into a partitioned table cannot return system columns.
  const partitioned = model.kind === "partitioned";
  const { name, table, within, organization } = tenantTable(model, tenant, "t", params.add);
  const owner = model.tenantColumn === null ? [] : [identifier(model.tenantColumn)];
  const inScope = () => compileScope(scope, model, (name) => `t.${identifier(name)}`, params.add);
  const returned = [
    ...new Set([...model.key, ...owned.flatMap(({ key }) => key.columns)]),
  ];
  const returning = (created: string) => `
    RETURNING ${returned.map((name) => `t.${identifier(name)}`).join(", ")},
      ${created} AS "$created", coalesce(${within} AND ${inScope()}, false) AS "$inside",
      ${partitioned ? "NULL::text" : "t.xmin::text"} AS "$version"`;
  const sets = changeable(group);
  /** Whether the records are needed more than once. */
  const named = mode !== "counts" || updating || partitioned;
  let write: string;
  if (updating) {
    const conditions = [...keyMatch(model, "t", "r"), within, inScope(), changes(group)];
    let value = (name: string) => `r.${identifier(name)}`;
    if (group.versioned) {
      if (group.merging) {
        const mergeable = sets.map((name) =>
          `(NOT ${based(name)} OR NOT ${differs(model, [name], "t", "b")}
            OR NOT ${differs(model, [name], "t", "r")})`
        );
        conditions.push(`(${current} OR ${mergeable.join(" AND ") || "true"})`);
        value = (name) =>
          `CASE WHEN ${current} OR ${based(name)} THEN r.${identifier(name)}
            ELSE t.${identifier(name)} END`;
      } else conditions.push(current);
    }
    write = `
    UPDATE ${table}
    SET ${sets.map((name) => `${identifier(name)} = ${value(name)}`).join(", ")}
    FROM src AS r ${
      group.merging ? `, LATERAL json_populate_record(NULL::${name}, r."_base") AS b` : ""
    }
    WHERE ${conditions.join(" AND ")}
    ${returning("false")}`;
  } else {
    const into = [...columns.map((name) => identifier(name)), ...owner];
    const values = [
      ...columns.map((name) => `r.${identifier(name)}`),
      ...owner.map(() => organization),
    ];
    const keys = model.key.map((name) => identifier(name)).join(", ");
    // Conditions that are not used would leave their parameters without a type.
    const conflict = group.inserting
      ? ""
      : sets.length === 0
      ? `ON CONFLICT (${keys}) DO NOTHING`
      : `ON CONFLICT (${keys}) DO UPDATE
    SET ${sets.map((name) => `${identifier(name)} = excluded.${identifier(name)}`).join(", ")}
    WHERE ${[within, inScope(), differs(model, sets, "t", "excluded")].join(" AND ")}`;
    write = `
    INSERT INTO ${table} (${into.join(", ")}) OVERRIDING SYSTEM VALUE
    SELECT ${values.join(", ")} FROM ${named ? "src AS r" : source(group)}
    ${conflict}
    ${returning(partitioned ? "NULL::boolean" : "t.xmax = 0")}`;
  }
  const foreign = owned.map(({ key, target, self }) => {
    const set = key.columns.map((name) => `w.${identifier(name)} IS NOT NULL`);
    const refers = key.targetColumns.map((name, i) =>
      `f.${identifier(name)} = w.${identifier(key.columns[i])}`
    );
    const own = tenantTable(target, tenant, "f", params.add);
    const itself = self && key.targetColumns.every((name) => returned.includes(name))
      ? `AND NOT EXISTS (SELECT FROM written f WHERE ${refers.join(" AND ")})`
      : "";
    return `(SELECT count(*) FROM written w WHERE ${set.join(" AND ")} AND NOT EXISTS (
      SELECT FROM ${own.table}
      WHERE ${[...refers, own.within].join(" AND ")}) ${itself})::int`;
  });
  const ctes = named ? [`src AS MATERIALIZED (SELECT r.* FROM ${source(group)})`] : [];
  // Which rows were there before, where the write itself cannot tell.
  const asks = partitioned && !updating;
  if (asks) {
    ctes.push(`before AS MATERIALIZED (
      SELECT ${model.key.map((name) => `t.${identifier(name)}`).join(", ")}
      FROM ${table} JOIN src r ON ${[...keyMatch(model, "t", "r"), within].join(" AND ")})`);
  }
  ctes.push(`written AS (${write})`);
  const created = asks
    ? `(NOT EXISTS (SELECT FROM before b WHERE ${keyMatch(model, "b", "w").join(" AND ")}))`
    : `w."$created"`;
  const strays = foreign.length > 0 ? `ARRAY[${foreign.join(", ")}]` : "'{}'::int[]";
  // INSERT refuses records of the same row itself; UPDATE would take any of them.
  const twins = updating && mode !== "each"
    ? `EXISTS (SELECT FROM src r GROUP BY ${
      ownKey(model).map((name) => `r.${identifier(name)}`).join(", ") || "()"
    } HAVING count(*) > 1)`
    : "false";
  const text = mode === "counts"
    ? `
    WITH ${ctes.join(", ")}
    SELECT count(*)::int AS written, (count(*) FILTER (WHERE ${created}))::int AS created,
      coalesce(bool_and(w."$inside"), true) AS inside, ${strays} AS strays, ${twins} AS twins
    FROM written w`
    : `
    WITH ${ctes.join(", ")}
    SELECT ${mode === "each" ? "1" : "src.ord::int"} AS ord, ${created} AS created,
      w."$inside" AS inside, w."$version" AS version, ${keyObject(model, "w")} AS key,
      whole.strays, whole.twins
    FROM written w
    ${mode === "each" ? "" : `LEFT JOIN src ON ${keyMatch(model, "w", "src").join(" AND ")}`}
    CROSS JOIN (SELECT ${strays} AS strays, ${twins} AS twins) whole`;
  return { text, params: params.values };
}

/** The key as results and errors carry it, as JSON text. */
function keyObject(model: Model, row: string): string {
  if (model.key.length === 1) return `to_json(${row}.${identifier(model.key[0])})::text`;
  return `json_build_object(${
    model.key.map((name) => `${literal(name)}, ${row}.${identifier(name)}`).join(", ")
  })::text`;
}

/** What stands in the database where a record belongs. */
export interface CheckRow {
  ord: number;
  present: boolean;
  /** In the pusher's organization and scope. */
  visible: boolean;
  /** As the record says. */
  same: boolean;
  version: string | null;
  /** JSON text. */
  key: string | null;
  /** JSON text of the row as it is pulled, where the pusher may read it. */
  server: string | null;
}

/** Gives a `CheckRow` for each record of a group; `readable` is what the pusher may pull. */
export function checkStatement(
  group: PushGroup,
  records: string,
  readable: Scope | null,
  json: (row: string) => string,
): Statement {
  const { model, scope, tenant } = group;
  const params = new Params(records);
  const column = (name: string) => `t.${identifier(name)}`;
  const { table, within } = tenantTable(model, tenant, "t", params.add);
  const match = keyMatch(model, "t", "r");
  // Otherwise a key would also find the rows of other organizations that have the same.
  if (model.key.some((name) => name === model.tenantColumn)) match.push(within);
  const text = `
    SELECT r.ord::int, t.xmin IS NOT NULL AS present,
      coalesce(${within} AND ${compileScope(scope, model, column, params.add)}, false) AS visible,
      t.xmin IS NOT NULL AND NOT coalesce(${changes(group)}, false) AS same,
      t.xmin::text AS version,
      CASE WHEN t.xmin IS NOT NULL THEN ${keyObject(model, "t")} END AS key,
      CASE WHEN ${within} AND ${
    readable ? compileScope(readable, model, column, params.add) : "false"
  } THEN ${json("t")} END AS server
    FROM ${source(group)}
    LEFT JOIN ${table} ON ${match.join(" AND ")}`;
  return { text, params: params.values };
}

/** Deletes the rows of a group: gives a `WrittenRow` for each that was there, in scope and current. */
export function deleteStatement(group: PushGroup, records: string, mode: WriteMode): Statement {
  const { model, scope, tenant } = group;
  const params = new Params(records, mode);
  const { table, within } = tenantTable(model, tenant, "t", params.add);
  const conditions = [...keyMatch(model, "t", "r"), within];
  conditions.push(compileScope(scope, model, (name) => `t.${identifier(name)}`, params.add));
  if (group.versioned) conditions.push(current);
  const text = `
    DELETE FROM ${table}
    USING ${source(group)}
    WHERE ${conditions.join(" AND ")}
    RETURNING r.ord::int AS ord, false AS created, true AS inside, NULL AS version,
      ${keyObject(model, "t")} AS key, '{}'::int[] AS strays, false AS twins`;
  return { text, params: params.values };
}

/**
 * Draws `tries` values for the key columns that records leave out and gives at most `wanted` of those
 * that are free, as JSON objects.
 */
export function keysStatement(
  model: Model,
  missing: string[],
  tries: number,
  wanted: number,
): Statement {
  const drawn = missing.map((name) => {
    const column = model.columns.find((column) => column.name === name)!;
    const table = literal(identifier(model.schema, model.table));
    const value = column.identity !== ""
      ? `nextval(pg_get_serial_sequence(${table}, ${literal(name)}))`
      : column.defaultExpression!;
    return `(${value})::${column.type} AS ${identifier(name)}`;
  });
  // A drawn key may be taken, where clients or imports brought their own: the next one is drawn then.
  const taken = missing.length === model.key.length
    ? `WHERE NOT EXISTS (SELECT FROM ${identifier(model.schema, model.table)} t
        WHERE ${
      missing.map((name) => `t.${identifier(name)} = d.${identifier(name)}`).join(" AND ")
    })`
    : "";
  const text = `
    SELECT row_to_json(d)::text AS key
    FROM (SELECT ${drawn.join(", ")} FROM generate_series(1, ${tries}) OFFSET 0) d
    ${taken}
    LIMIT ${wanted}`;
  return { text, params: [] };
}
