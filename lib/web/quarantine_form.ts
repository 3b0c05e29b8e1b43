import type { Catalog, Column, Model } from "../models/mod.ts";
import { isJson, isTextual, JsonScanner, type Member, type RawObject } from "../sync/mod.ts";
import { humanName } from "./page_records.ts";

/** A member of a refused record as a field of the form that repairs it. */
export interface RepairField {
  name: string;
  label: string;
  /** Null is JSON's null, or that the record does not have it. */
  text: string | null;
  control: "text" | "textarea";
  hint?: string;
  /** The record has no such member yet. */
  isMissing: boolean;
  /** It is left out when the record is pushed. */
  isLeftOut: boolean;
  error?: string;
}

const longestLine = 80;

/** The members of a record, and columns that it lacks and needs, for people to repair. */
export function repairFields(
  { members }: RawObject,
  catalog: Catalog,
  refusal: { field: string; message: string },
): RepairField[] {
  const model = modelOf(members, catalog);
  const lower = refusal.field.toLowerCase();
  const fields = [...byName(members).values()].filter(({ name }) => !isOurs(name))
    .map((member): RepairField => {
      const column = columnNamed(model, member.name);
      const text = textOf(member);
      return {
        name: member.name,
        label: humanName(member.name),
        text,
        control: isLong(text, member, column) ? "textarea" : "text",
        hint: hintOf(model, column),
        isMissing: false,
        isLeftOut: false,
        error: member.name.toLowerCase() === lower ? refusal.message : undefined,
      };
    });
  const given = new Set(fields.map(({ name }) => name.toLowerCase()));
  const missing = (model?.columns ?? []).filter((column) =>
    !given.has(column.name.toLowerCase()) && column.name !== model!.tenantColumn &&
    (column.name.toLowerCase() === lower ||
      !column.nullable && !column.hasDefault && !column.readOnly)
  );
  return [
    ...fields,
    ...missing.map((column): RepairField => ({
      name: column.name,
      label: humanName(column.name),
      text: null,
      control: isJson(column) ? "textarea" : "text",
      hint: hintOf(model, column),
      isMissing: true,
      isLeftOut: false,
      error: column.name.toLowerCase() === lower ? refusal.message : undefined,
    })),
  ];
}

/** What a person made of the record's form. */
export interface Repaired {
  /** JSON text. */
  record: string;
  /** Fields that cannot be read, by name. */
  problems: Map<string, string>;
}

/** The record with what the form changes; everything else keeps its text. */
export function repairedRecord(
  kept: RawObject,
  catalog: Catalog,
  form: URLSearchParams,
): Repaired {
  const members = byName(kept.members);
  const model = modelOf(kept.members, catalog);
  const problems = new Map<string, string>();
  for (const [key, given] of form) {
    if (!key.startsWith("v.")) continue;
    const name = key.slice(2);
    if (isOurs(name)) continue;
    if (form.has(`out.${name}`)) {
      members.delete(name);
      continue;
    }
    const member = members.get(name);
    const text = given.replaceAll("\r\n", "\n");
    const shown = member && (textOf(member) ?? "").replaceAll("\r\n", "\n");
    if (text === (shown ?? "")) continue;
    const raw = rawOf(columnNamed(model, name), member, text);
    if (raw === undefined) problems.set(name, "This is not JSON. Correct it, or leave it out.");
    else members.set(name, { name, kind: "string", raw });
  }
  const record = [...members.values()].map(({ name, raw }) => `${JSON.stringify(name)}:${raw}`);
  return { record: `{${record.join(",")}}`, problems };
}

/** Reads a record's text. */
export function scanRecord(text: string, maxDepth: number): RawObject {
  return new JsonScanner(text, maxDepth).document();
}

/** Of members with one name the last one counts. */
function byName(members: Member[]): Map<string, Member> {
  return new Map(members.map((member) => [member.name, member]));
}

/** `_model`, `_op` and the like are about the push. */
function isOurs(name: string): boolean {
  return name.startsWith("_");
}

function modelOf(members: Member[], catalog: Catalog): Model | undefined {
  const member = members.find(({ name, kind }) => name === "_model" && kind === "string");
  return member && catalog.find(JSON.parse(member.raw));
}

function columnNamed(model: Model | undefined, name: string): Column | undefined {
  return model?.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

function textOf({ kind, raw }: Member): string | null {
  if (kind === "null") return null;
  return kind === "string" ? JSON.parse(raw) : raw;
}

function isLong(text: string | null, { kind }: Member, column: Column | undefined): boolean {
  return kind === "object" || kind === "array" || text !== null &&
      (text.length > longestLine || text.includes("\n")) ||
    column !== undefined && isJson(column);
}

function hintOf(model: Model | undefined, column: Column | undefined): string | undefined {
  if (!model) return;
  if (!column) return `${model.name} has no such column. Leave it out.`;
  const values = column.enumValues && ` One of ${column.enumValues.join(", ")}.`;
  return `${column.type}${column.nullable ? ", may be empty" : ""}.${values ?? ""}`;
}

/** The JSON text of what somebody wrote; undefined when it should be JSON and is none. */
function rawOf(
  column: Column | undefined,
  member: Member | undefined,
  text: string,
): string | undefined {
  const textual = column ? isTextual(column) : member?.kind === "string";
  if (text.trim() === "" && !textual) return "null";
  const structured = member?.kind === "object" || member?.kind === "array" ||
    column !== undefined && (isJson(column) || column.kind === "array" && text.trim()[0] === "[");
  if (!structured) return JSON.stringify(textual ? text : text.trim());
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}
