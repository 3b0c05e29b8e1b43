import { z } from "zod";
import type { SettingsSection } from "../config/mod.ts";
import type { FieldProblem } from "../errors/mod.ts";
import type { SectionView } from "./admin_settings.ts";

/** How a setting is edited. */
export type SettingControl =
  | { kind: "switch" }
  | { kind: "number"; min?: number; max?: number }
  | { kind: "text"; max?: number }
  /** `null` stands for no value. */
  | { kind: "choice"; options: string[] }
  /** One value a line. */
  | { kind: "lines" }
  | { kind: "json" };

/** A setting as its form shows it. */
export interface SettingField {
  name: string;
  description: string;
  control: SettingControl;
  /** As the control holds it. */
  value: string;
  defaultValue: string;
  /** It is stored, rather than left to the default. */
  isStored: boolean;
}

interface PropertySchema {
  type?: string;
  description?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  enum?: unknown[];
  const?: unknown;
  anyOf?: PropertySchema[];
  items?: PropertySchema;
}

/** What sections are about. */
export const sectionTexts: Record<SettingsSection, { title: string; about: string }> = {
  MODEL_DISCOVERY: { title: "Model discovery", about: "Which tables become models." },
  MODELS: { title: "Models", about: "What is set for single models, by their names." },
  TENANT: { title: "Tenants", about: "How the rows of an organization are told from others'." },
  SYNC: { title: "Sync", about: "Limits of the sync API, and how long what it needs is kept." },
  LOGS: { title: "Logs", about: "How long the sync log is kept." },
  COLLABORATION: { title: "Collaboration", about: "Texts and times of editing together." },
  CHAT: { title: "Chat", about: "How long messages are kept, and their limits." },
  SECURITY: { title: "Security", about: "Lifetimes of tokens and sessions, and login limits." },
  JOBS: { title: "Jobs", about: "When each job runs, and how long what it leaves is kept." },
};

/** The settings of a section, in the order of their definition. */
export function settingFields({ schema, current, defaults, stored }: SectionView): SettingField[] {
  const { properties } = schema as { properties?: Record<string, PropertySchema> };
  // Models are named by their own section's keys, which the schema does not list.
  const values = current as Record<string, unknown>;
  const names = properties ? Object.keys(properties) : Object.keys(values);
  return names.map((name) => {
    const property = properties?.[name] ?? {};
    const control = controlOf(property);
    return {
      name,
      description: property.description ?? "",
      control,
      value: shownValue(control, values[name]),
      defaultValue: shownValue(control, (defaults as Record<string, unknown>)[name]),
      isStored: stored.includes(name),
    };
  });
}

function controlOf(schema: PropertySchema): SettingControl {
  if (schema.type === "boolean") return { kind: "switch" };
  if (schema.type === "integer" || schema.type === "number") {
    return { kind: "number", min: schema.minimum, max: schema.maximum };
  }
  if (schema.enum) return { kind: "choice", options: schema.enum.map(String) };
  const options = schema.anyOf ?? [];
  const isText = options.some(({ type, ...rest }) => type === "string" && "const" in rest);
  if (isText && options.every((one) => "const" in one || one.type === "null")) {
    return { kind: "choice", options: options.map((one) => String(one.const ?? null)) };
  }
  if (schema.type === "string") return { kind: "text", max: schema.maxLength };
  if (schema.type === "array" && schema.items?.type === "string") return { kind: "lines" };
  if (options.some(({ type }) => type === "integer")) return { kind: "number" };
  return { kind: "json" };
}

function shownValue({ kind }: SettingControl, value: unknown): string {
  if (value === undefined) return "";
  if (kind === "lines") return (value as string[]).join("\n");
  if (kind === "json") return JSON.stringify(value, null, 2);
  return String(value);
}

/**
 * The settings that a form changed, to be stored, and what of it cannot even be read. What is as it
 * was is left out, so that a default that is not touched is not stored.
 */
export function changedSettings(
  section: SectionView,
  fields: URLSearchParams,
): { changes: Record<string, unknown>; problems: FieldProblem[] } {
  const changes: Record<string, unknown> = {};
  const problems: FieldProblem[] = [];
  for (const { name, control, value } of settingFields(section)) {
    const sent = sentValue(control, name, fields);
    if (sent === undefined || sent === value) continue;
    try {
      changes[name] = readValue(control, sent);
    } catch (error) {
      const field = `${section.section}.${name}`;
      problems.push({ field, message: (error as Error).message, code: "invalid_value" });
    }
  }
  return { changes, problems };
}

/** The text of a control as it was sent; undefined where the form does not have it. */
export function sentValue(
  { kind }: SettingControl,
  name: string,
  fields: URLSearchParams,
): string | undefined {
  if (kind === "switch") {
    return fields.has(`has.${name}`) ? String(fields.has(`v.${name}`)) : undefined;
  }
  const sent = fields.get(`v.${name}`)?.replaceAll("\r\n", "\n");
  return kind === "lines" || kind === "json" ? sent?.trim() : sent;
}

function readValue({ kind }: SettingControl, text: string): unknown {
  switch (kind) {
    case "switch":
      return text === "true";
    case "number":
      if (!/^-?\d{1,15}$/.test(text.trim())) throw new Error("Write a whole number.");
      return Number(text);
    case "lines":
      return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    case "json":
      try {
        return JSON.parse(text);
      } catch {
        throw new Error("Write JSON, such as the default.");
      }
    case "choice":
      return text === "null" ? null : text;
    default:
      return text;
  }
}

const document = z.strictObject({
  settings: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** The settings of an exported document, or why it is none. */
export function importedSettings(
  text: string,
): { settings: Record<string, Record<string, unknown>> } | { problem: string } {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { problem: "The text is not valid JSON. Paste what the export gave." };
  }
  const read = document.safeParse(given);
  if (read.success) return read.data;
  return {
    problem:
      'The document must be {"settings": {"SECTION": {"NAME": value}}}, as the export gives it.',
  };
}
