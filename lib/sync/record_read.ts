import { type Tenant, tenantTable } from "../access/mod.ts";
import { type Connection, identifier, sqlError } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import { keyColumns, keyTexts, labelColumn, shownText, valueText } from "./record_columns.ts";

/** A row of a model, as the admin shows it. */
export interface StoredRecord {
  /** Texts of the key's values, in key order. */
  key: string[];
  /** Of the row, as an opaque text that changes with every update. */
  version: string;
  /** Whose the row is; null in shared models. */
  organizationId: number | null;
  label: string;
  /** Column to text; null is SQL's NULL. */
  values: Record<string, string | null>;
  /** As the audit trail names the row. */
  auditKey: Record<string, string>;
}

export interface ReadOptions {
  /** Hold the row until the transaction ends. */
  lock?: boolean;
  /** Values of bytea too, of which otherwise only the length is read. */
  bytes?: boolean;
}

/** The row with that key, or undefined when there is none within the reach. */
export async function readRecord(
  conn: Connection,
  model: Model,
  reach: Tenant,
  key: string[],
  { lock = false, bytes = false }: ReadOptions = {},
): Promise<StoredRecord | undefined> {
  if (key.length !== model.key.length || key.some((text) => text.includes("\0"))) return;
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const { table, within } = tenantTable(model, reach, "t", addParam);
  const text = bytes ? valueText : shownText;
  const statement = `
    SELECT t.xmin::text AS version, ${keyTexts(model)} AS key,
      ${
    model.tenantColumn === null ? "NULL" : `t.${identifier(model.tenantColumn)}::text`
  } AS tenant,
      left(${valueText(labelColumn(model))}, 200) AS label,
      ARRAY[${model.columns.map((column) => text(column)).join(", ")}]::text[] AS texts,
      ARRAY[${
    model.key.map((name) => `to_jsonb(t.${identifier(name)}) #>> '{}'`).join(", ")
  }]::text[] AS audit_key
    FROM ${table}
    WHERE ${within} AND ${keyMatches(model, key, addParam)}
    ${lock ? "FOR UPDATE" : ""}`;
  const [row] = await noneIfInvalid(conn.query<RecordRow>(statement, params));
  if (!row) return;
  return {
    key: row.key,
    version: row.version,
    organizationId: row.tenant === null ? null : Number(row.tenant),
    label: row.label || row.key.join(", "),
    values: Object.fromEntries(model.columns.map(({ name }, i) => [name, row.texts[i]])),
    auditKey: Object.fromEntries(model.key.map((name, i) => [name, row.audit_key[i]])),
  };
}

interface RecordRow {
  version: string;
  key: string[];
  tenant: string | null;
  label: string | null;
  texts: (string | null)[];
  audit_key: string[];
}

/** A boolean SQL expression: the row `alias` has this key. */
export function keyMatches(
  model: Model,
  key: string[],
  addParam: (value: unknown) => string,
  alias = "t",
): string {
  return keyColumns(model).map(({ name, type }, i) =>
    `${alias}.${identifier(name)} = ${addParam(key[i])}::text::${type}`
  ).join(" AND ");
}

/** A key that its type cannot hold is no row's. */
async function noneIfInvalid<T>(rows: Promise<T[]>): Promise<T[]> {
  try {
    return await rows;
  } catch (error) {
    if (sqlError(error)?.code.startsWith("22")) return [];
    throw error;
  }
}
