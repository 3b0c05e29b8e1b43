import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Column, columnValidator, type JsonKind, type Model } from "../models/mod.ts";
import {
  columnOfUpdate,
  isBytes,
  isJson,
  isTextual,
  isTime,
  rawValue,
  reachOfOne,
  type RecordReference,
  referencedRows,
  referencesOf,
  type StoredRecord,
} from "../sync/mod.ts";
import type { RecordFieldView } from "../ui/mod.ts";
import { mediaType, readText } from "./body.ts";
import { fencingToken } from "./collab_records.ts";
import { columnHint } from "./page_records_hint.ts";
import { humanName, modelPath, recordPath, type RecordsVisit } from "./page_records.ts";

const largestForm = 8_388_608;

/** Column to text, as the form shows it; null is SQL's NULL. */
export type RecordTexts = Record<string, string | null>;

/** What a person sent of a record's form. */
export interface RecordForm {
  /** Of the row that the form was made from; empty for a new one. */
  version: string;
  /** The values that it was made from. */
  base: RecordTexts;
  /** The values of the fields, and of those that were left to their default nothing. */
  texts: RecordTexts;
  /** JSON texts of the values to write: of those that differ from `base`. */
  fields: Map<string, string>;
  /** Column to what is wrong with its value. */
  problems: Map<string, string>;
  /** Whose value the person keeps of columns that both changed. */
  keeps: Map<string, "yours" | "theirs">;
  /** Of the edit lock that the page holds. */
  token?: number;
}

/** Columns that a form lets people set. */
export function editableColumns(model: Model, creating: boolean): Column[] {
  const updated = columnOfUpdate(model);
  return model.columns.filter((column) => {
    if (column.generated || column.name === model.tenantColumn || column === updated) return false;
    if (isBytes(column)) return creating && !column.nullable && !column.hasDefault;
    if (model.key.includes(column.name)) return creating;
    return column.identity !== "a";
  });
}

/**
 * Reads a record's form.
 *
 * @throws LockstepError `unsupported_media_type`, `too_large`, `bad_request`
 */
export async function readRecordForm(
  req: Request,
  model: Model,
  creating: boolean,
): Promise<RecordForm> {
  if (mediaType(req) !== "application/x-www-form-urlencoded") {
    throw new LockstepError(
      "unsupported_media_type",
      "Send the form as application/x-www-form-urlencoded.",
    );
  }
  const sent = new URLSearchParams(await readText(req, largestForm));
  const form: RecordForm = {
    version: sent.get("version") ?? "",
    base: creating ? {} : readBase(sent.get("base")),
    texts: {},
    fields: new Map(),
    problems: new Map(),
    keeps: new Map(),
    token: fencingToken(sent.get("fencing_token")),
  };
  for (const column of editableColumns(model, creating)) {
    const { name } = column;
    const given = sent.get(`v.${name}`);
    if (given === null) continue;
    const keep = sent.get(`keep.${name}`);
    if (keep === "yours" || keep === "theirs") form.keeps.set(name, keep);
    const base = form.base[name];
    const text = keep === "theirs" && base !== undefined
      ? base
      : textOf(column, given, sent.has(`null.${name}`), base);
    form.texts[name] = text;
    if (creating ? leftToDefault(column, text) : text === base) continue;
    const read = readField(column, text, creating);
    if ("problem" in read) form.problems.set(name, read.problem);
    else form.fields.set(name, read.raw);
  }
  return form;
}

function readBase(json: string | null): RecordTexts {
  try {
    const base = JSON.parse(json ?? "");
    const fits = typeof base === "object" && base !== null &&
      Object.values(base).every((value) => value === null || typeof value === "string");
    if (fits) return base;
  } catch { /* Told below. */ }
  throw new LockstepError("bad_request", "The form is not complete. Open the record again.");
}

/** The value of a field as the column's text. Browsers send line ends as CRLF, whatever they were. */
function textOf(
  column: Column,
  given: string,
  isNull: boolean,
  base: string | null | undefined,
): string | null {
  const text = given.replaceAll("\r\n", "\n");
  if (base?.includes("\r")) {
    if (base.replaceAll("\r\n", "\n") === text) return base;
    return text.replaceAll("\n", "\r\n");
  }
  if (isTextual(column)) return text === "" && isNull ? null : text;
  const trimmed = text.trim();
  if (trimmed === "") return null;
  return base?.trim() === trimmed ? base : trimmed;
}

function leftToDefault(column: Column, text: string | null): boolean {
  return column.hasDefault && (text === null || text === "") && !column.generated;
}

/** The JSON text to write for a column's text, or what is wrong with it in a sentence. */
export function readField(
  column: Column,
  text: string | null,
  creating: boolean,
): { raw: string } | { problem: string } {
  const name = humanName(column.name);
  if (text === null && !column.nullable || creating && text === "" && !column.nullable) {
    return { problem: `${name} must have a value.` };
  }
  const raw = rawValue(column, text);
  if (isJson(column) || column.kind === "array" && raw.trimStart().startsWith("[")) {
    const problem = jsonProblem(raw);
    if (problem) return { problem };
  }
  // A key that the database numbers can be given for a new row.
  const validate = columnValidator({ ...column, readOnly: false });
  const problem = validate(kindOf(raw), raw.trim());
  return problem ? { problem: problem.message } : { raw };
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}.`;
  }
}

function kindOf(raw: string): JsonKind {
  const first = raw.trimStart()[0];
  const kinds: Record<string, JsonKind> = {
    '"': "string",
    "{": "object",
    "[": "array",
    t: "true",
    f: "false",
    n: "null",
  };
  return kinds[first] ?? "number";
}

/** What a form shows: the values, what is wrong with them, and rules of the table by column. */
export interface FormState {
  creating: boolean;
  /** Of the row that is edited; for a new one null. */
  organizationId: number | null;
  texts: RecordTexts;
  /** The stored values. */
  base: RecordTexts;
  problems: ReadonlyMap<string, string>;
}

/** The fields of a record's form, in the order of the table. */
export async function recordFields(
  conn: Connection,
  visit: RecordsVisit,
  { creating, organizationId, texts, base, problems }: FormState,
): Promise<RecordFieldView[]> {
  const { model, catalog, reach } = visit;
  const editable = new Set(editableColumns(model, creating));
  const rules = await columnRules(conn, model);
  const references = referencesOf(model, catalog);
  const own = reachOfOne(reach, organizationId);
  const fields: RecordFieldView[] = [];
  for (const column of model.columns) {
    const { name } = column;
    if (creating && !editable.has(column) || name === model.tenantColumn) continue;
    const stored = base[name] ?? null;
    const value = name in texts
      ? texts[name]
      : isBytes(column) && stored !== null
      ? `${Number(stored).toLocaleString("en")} bytes`
      : stored;
    const reference = references.find((reference) => reference.column === name);
    fields.push({
      name,
      label: fieldLabel(name, references),
      hint: reference && editable.has(column)
        ? `Key of a record of ${reference.target.name}.`
        : columnHint(model, column, rules.get(name) ?? [], creating, editable.has(column)),
      control: editable.has(column) ? controlOf(column, value, reference) : "fixed",
      value,
      was: creating ? undefined : base[name],
      required: editable.has(column) && isRequired(column, creating),
      clearable: column.nullable && isTextual(column) && column.kind === "scalar",
      emptyLabel: creating && column.hasDefault
        ? "Default"
        : column.nullable
        ? "No value"
        : undefined,
      options: optionsOf(column),
      error: problems.get(name),
      reference: reference && await referenceView(conn, reference, own, value, visit),
    });
  }
  return fields;
}

/** What a form calls a column: a reference by what it points to. */
export function fieldLabel(name: string, references: readonly RecordReference[]): string {
  const isReference = references.some(({ column }) => column === name);
  return humanName(isReference ? name.replace(/_id$/, "") : name);
}

function isRequired(column: Column, creating: boolean): boolean {
  if (column.nullable || creating && column.hasDefault) return false;
  return creating || !isTextual(column);
}

function controlOf(
  column: Column,
  value: string | null,
  reference: RecordReference | undefined,
): RecordFieldView["control"] {
  if (reference) return "reference";
  if (optionsOf(column)) return "select";
  if (isJson(column)) return "json";
  if (column.kind === "array") return "list";
  if (column.kind === "scalar") {
    if (column.baseType === "date" && (value === null || /^\d{4}-\d\d-\d\d$/.test(value))) {
      return "date";
    }
    if (/^int[248]$/.test(column.baseType)) return "integer";
    if (column.baseType === "numeric") return "decimal";
    if (column.baseType === "text" || (column.maxLength ?? 0) > 255 || value?.includes("\n")) {
      return "textarea";
    }
  }
  return isTime(column) ? "time" : "text";
}

function optionsOf(column: Column): RecordFieldView["options"] {
  if (column.kind === "enum") {
    return column.enumValues!.map((value) => ({ value, label: value }));
  }
  if (column.kind === "scalar" && column.baseType === "bool") {
    return [{ value: "true", label: "Yes" }, { value: "false", label: "No" }];
  }
}

async function referenceView(
  conn: Connection,
  reference: RecordReference,
  reach: RecordsVisit["reach"],
  value: string | null,
  visit: RecordsVisit,
): Promise<RecordFieldView["reference"]> {
  const { target, column } = reference;
  const visible = target.tenantColumn !== null || reach.shared;
  if (!visible) return { model: target.name };
  const [organizationId = ""] = reach.organizationIds;
  const [row] = value === null ? [] : await safely(referencedRows(conn, reference, reach, [value]));
  const query = new URLSearchParams({ column, for: String(organizationId) });
  return {
    model: target.name,
    list: modelPath(target),
    options: `${visit.path}options/?${query}`,
    label: row?.label,
    href: row && recordPath(target, row.key),
  };
}

/** A value that its column refuses names no row either. */
export async function safely<T>(rows: Promise<T[]>): Promise<T[]> {
  return await rows.catch(() => []);
}

/** The checks of the table that are about one column, as SQL. */
async function columnRules(conn: Connection, model: Model): Promise<Map<string, string[]>> {
  const rows = await conn.query<{ name: string; rule: string }>(
    `SELECT a.attname::text AS name, pg_get_expr(c.conbin, c.conrelid, true) AS rule
    FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.conrelid = $1::oid AND c.contype = 'c' AND cardinality(c.conkey) = 1
    ORDER BY c.conname`,
    [model.oid],
  );
  const rules = new Map<string, string[]>();
  for (const { name, rule } of rows) rules.set(name, [...rules.get(name) ?? [], rule]);
  return rules;
}

/** The values that a form is made from: those of the columns that it lets people set. */
export function baseOf(model: Model, record: StoredRecord): RecordTexts {
  return Object.fromEntries(
    editableColumns(model, false).map(({ name }) => [name, record.values[name]]),
  );
}
