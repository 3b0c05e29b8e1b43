import type { z } from "zod";
import type { ErrorCode } from "./codes.ts";
import type { FieldProblem } from "./lockstep_error.ts";

export type SchemaProblem = FieldProblem & { code: ErrorCode };

/** The value as the schema makes it, or every problem with it. */
export type Checked<T> = { ok: true; data: T } | { ok: false; problems: SchemaProblem[] };

/** Longest name of a field in a problem, in characters: names may come from outside. */
const longestName = 300;

/** Checks `value` against `schema`. `at` leads the names of fields in the problems. */
export function checkSchema<T>(
  schema: z.ZodType<T>,
  value: unknown,
  at: string[] = [],
): Checked<T> {
  const result = schema.safeParse(value, { error: sentence, reportInput: true });
  if (result.success) return { ok: true, data: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => problemsOf(issue, at)) };
}

function problemsOf(issue: z.core.$ZodIssue, at: string[]): SchemaProblem[] {
  const path = [...at, ...issue.path.map(String)];
  const name = (parts: string[]) => parts.join(".").slice(0, longestName);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: name([...path, key]),
      code: "unknown_field",
      message: `${JSON.stringify(key.slice(0, 100))} is not known here. Leave it out.`,
    }));
  }
  const missing = issue.code === "invalid_type" && issue.input === undefined;
  return [{
    field: name(path) || "body",
    code: missing ? "required" : "invalid_value",
    message: issue.message,
  }];
}

/** What is wrong, for people. What a schema says itself goes before. */
function sentence(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "This member is required."
        : `Must be ${types[issue.expected] ?? issue.expected}.`;
    case "invalid_value":
      return `Must be ${anyOf(issue.values.map((value) => JSON.stringify(value)))}.`;
    case "too_small":
      if (typeof issue.input !== "number" && issue.minimum === 1) return "Must not be empty.";
      return `Must ${bound(issue.origin, "at least", issue.minimum, issue.inclusive)}.`;
    case "too_big":
      return `Must ${bound(issue.origin, "at most", issue.maximum, issue.inclusive)}.`;
    case "invalid_format":
      return issue.format in formats
        ? `Must be ${formats[issue.format]}.`
        : "Is not of the right form.";
    case "invalid_union":
      if (issue.errors.length === 0) return "Is not valid.";
      return `Must ${
        anyOf(issue.errors.map(([{ message }]) => message.replace(/^Must (.*)\.$/s, "$1")))
      }.`;
    case "invalid_key":
    case "invalid_element":
      return issue.issues[0].message;
    default:
      return "Is not valid.";
  }
}

const types: Record<string, string> = {
  array: "an array",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

const formats: Record<string, string> = {
  date: "a day like 2026-01-31",
  datetime: "a time like 2026-01-31T10:20:30Z",
  safeint: "a whole number",
  uuid: "a UUID",
};

function bound(
  origin: string,
  side: "at least" | "at most",
  limit: number | bigint,
  inclusive?: boolean,
): string {
  const unit = origin === "string" ? "character" : origin === "array" ? "item" : undefined;
  if (unit) return `have ${side} ${limit} ${unit}${limit === 1 ? "" : "s"}`;
  if (inclusive !== false) return `be ${side} ${limit}`;
  return `be ${side === "at least" ? "more" : "less"} than ${limit}`;
}

function anyOf(choices: string[]): string {
  const distinct = [...new Set(choices)];
  const last = distinct.pop();
  return distinct.length > 0 ? `${distinct.join(", ")} or ${last}` : `${last}`;
}
