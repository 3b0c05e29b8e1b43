import { identifier } from "../db/mod.ts";
import type { Catalog, Column, ForeignKey, Model } from "../models/mod.ts";

const textTypes = new Set(["text", "varchar", "bpchar", "citext", "name"]);
const numberTypes = new Set(["int2", "int4", "int8", "numeric", "float4", "float8", "money"]);
const timeTypes = new Set(["date", "timestamp", "timestamptz"]);
const orderedTypes = new Set(["bool", "uuid", "time", "timetz", "interval", "inet", "cidr"]);

export const isTextual = ({ kind, baseType }: Column) =>
  kind === "scalar" && textTypes.has(baseType);
export const isNumeric = ({ kind, baseType }: Column) =>
  kind === "scalar" && numberTypes.has(baseType);
export const isTime = ({ kind, baseType }: Column) => kind === "scalar" && timeTypes.has(baseType);
export const isJson = ({ kind, baseType }: Column) =>
  kind === "scalar" && /^jsonb?$/.test(baseType);
export const isBytes = ({ kind, baseType }: Column) => kind === "scalar" && baseType === "bytea";

/** Whether rows can be put in the order of the column. */
export function isSortable(column: Column): boolean {
  return column.kind === "enum" || isTextual(column) || isNumeric(column) || isTime(column) ||
    column.kind === "scalar" && orderedTypes.has(column.baseType);
}

export function columnNamed(model: Model, name: string): Column {
  return model.columns.find((column) => column.name === name)!;
}

export function keyColumns(model: Model): Column[] {
  return model.key.map((name) => columnNamed(model, name));
}

const names = ["name", "title", "label", "full_name", "subject", "username", "email", "number"];
const codes = ["code", "sku", "slug", "reference", "key"];

/** The column by which people tell rows apart: a name, else a code, else the first text, else the key. */
export function labelColumn(model: Model): Column {
  const own = model.columns.filter(({ name }) => name !== model.tenantColumn);
  const named = [...names, ...codes].map((name) => own.find((column) => column.name === name));
  return named.find((column) => column !== undefined && isTextual(column)) ??
    own.find((column) => isTextual(column) && !column.nullable && !column.hasDefault) ??
    own.find(({ name }) => name === model.key.find((key) => key !== model.tenantColumn)) ??
    columnNamed(model, model.key[0]);
}

/**
 * SQL of a value's text, which the column takes back: PostgreSQL's own, but arrays as JSON, JSON
 * indented, and UTC as `Z`.
 */
export function valueText(column: Column, alias = "t"): string {
  const sql = `${alias}.${identifier(column.name)}`;
  if (column.kind === "array") return `to_json(${sql})::text`;
  if (column.kind === "scalar" && column.baseType === "jsonb") return `jsonb_pretty(${sql})`;
  if (column.kind === "scalar" && column.baseType === "timestamptz") {
    return `regexp_replace(${sql}::text, '\\+00$', 'Z')`;
  }
  return `${sql}::text`;
}

/** As `valueText`, but of bytes only how many they are. */
export function shownText(column: Column, alias = "t"): string {
  if (!isBytes(column)) return valueText(column, alias);
  return `octet_length(${alias}.${identifier(column.name)})::text`;
}

/** The JSON text that gives a column the value that `valueText` wrote. */
export function rawValue(column: Column, text: string | null): string {
  if (text === null) return "null";
  const json = isJson(column) || column.kind === "array" && text.trimStart().startsWith("[");
  return json ? text : JSON.stringify(text);
}

/** SQL of the key's values, as an array of texts. */
export function keyTexts(model: Model, alias = "t"): string {
  return `ARRAY[${
    model.key.map((name) => `${alias}.${identifier(name)}::text`).join(", ")
  }]::text[]`;
}

/** A column that holds the key of a row of another model. */
export interface RecordReference {
  column: string;
  key: ForeignKey;
  target: Model;
  targetColumn: string;
}

/** The foreign keys of one column, beside the organization's, that lead to models of the catalog. */
export function referencesOf(model: Model, catalog: Catalog): RecordReference[] {
  return model.foreignKeys.flatMap((key) => {
    const target = catalog.find(`${key.targetSchema}.${key.targetTable}`);
    const own = key.columns.filter((name) => name !== model.tenantColumn);
    if (!target?.enabled || own.length !== 1) return [];
    const targetColumn = key.targetColumns[key.columns.indexOf(own[0])];
    return [{ column: own[0], key, target, targetColumn }];
  });
}
