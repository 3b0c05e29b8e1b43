/** What kind of JSON text a value is. */
export type JsonKind = "string" | "number" | "true" | "false" | "null" | "object" | "array";

/** Why a value cannot be stored. The message is a sentence that names the column. */
export interface ValueProblem {
  code: "invalid_value" | "too_long" | "required" | "read_only_column";
  message: string;
}

/**
 * Looks at a value's text, JSON strings decoded. Tells what the column takes when it does not take
 * this, worded to follow "The column x takes".
 */
export type TextCheck = (text: string) => Complaint | undefined;

export interface Complaint {
  code: "invalid_value" | "too_long";
  takes: string;
}

const longestShown = 40;

/** The value as messages show it. */
export function shown(kind: JsonKind, raw: string): string {
  if (kind === "object") return "an object";
  if (kind === "array") return "an array";
  if (raw.length <= longestShown) return raw;
  return `${raw.slice(0, longestShown - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
