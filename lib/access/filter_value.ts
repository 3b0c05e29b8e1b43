import type { Column } from "../models/mod.ts";
import {
  allows,
  type Family,
  familyOf,
  type Operator,
  operatorsOf,
  splitOperator,
  transformedFamily,
} from "./lookups.ts";
import { regexProblem } from "./safe_regex.ts";

/** A value in the one form in which it is stored and compared, or why it is refused. */
export type Checked = { value: unknown } | { problem: string };

const maxLength = 1_000;
const maxListLength = 1_000;

/**
 * Checks `value` against what `operator` compares `column` with. Problems are the end of a
 * sentence that begins with the name of the field.
 */
export function checkFilterValue(column: Column, operator: Operator, value: unknown): Checked {
  const family = familyOf(column);
  if (!allows(family, operator)) {
    return {
      problem: `is of type ${column.type} and cannot be compared by ${operator}; use one of ` +
        operatorsOf(family).join(", "),
    };
  }
  const { transform, lookup } = splitOperator(operator);
  const compared = transform ? transformedFamily(transform) : family;
  switch (lookup) {
    case "isnull":
      return typeof value === "boolean" ? { value } : { problem: "needs true or false for isnull" };
    case "in":
      if (!Array.isArray(value)) return { problem: "needs a list of values for in" };
      if (value.length > maxListLength) {
        return { problem: `lists ${value.length} values; at most ${maxListLength} are allowed` };
      }
      return checkList(compared, column, value);
    case "range": {
      if (!Array.isArray(value) || value.length !== 2) {
        return { problem: "needs a list of two values, lowest and highest, for range" };
      }
      return checkList(compared, column, value);
    }
    case "regex":
    case "iregex": {
      const text = checkText(value);
      if ("problem" in text) return text;
      const problem = regexProblem(text.value as string);
      return problem ? { problem: `has a regular expression that ${problem}` } : text;
    }
    case "exact":
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return checkScalar(compared, column, value);
    default:
      return checkText(value);
  }
}

function checkList(family: Family, column: Column, values: unknown[]): Checked {
  const checked: unknown[] = [];
  for (const value of values) {
    const one = checkScalar(family, column, value);
    if ("problem" in one) return one;
    checked.push(one.value);
  }
  return { value: checked };
}

function checkScalar(family: Family, column: Column, value: unknown): Checked {
  switch (family) {
    case "text":
    case "bpchar":
    case "citext":
      return checkText(value);
    case "enum":
      return column.enumValues?.includes(value as string)
        ? { value }
        : refuse(value, `one of ${column.enumValues?.join(", ")}`);
    case "integer":
      return checkInteger(value);
    case "numeric":
    case "money":
      return checkNumeric(value);
    case "float4":
    case "float8":
      return checkFloat(value, family);
    case "boolean":
      return typeof value === "boolean" ? { value } : refuse(value, "true or false");
    case "date":
      return typeof value === "string" && dateParts(value)
        ? { value }
        : refuse(value, "a date as in 2024-01-31");
    case "timestamp":
      return checkTime(value, "");
    case "timestamptz":
      return checkTime(value, "Z");
    case "time":
      return matches(value, clock, "a time as in 17:45 or 17:45:00.5");
    case "timetz":
      return matches(value, clockWithZone, "a time with its zone as in 17:45:00+00:00");
    case "interval":
      return matches(value, duration, "a duration in ISO 8601 as in P1DT12H");
    case "uuid":
      return typeof value === "string" && uuid.test(value)
        ? { value: value.toLowerCase() }
        : refuse(value, "a UUID as in 3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    case "opaque":
      return refuse(value, "true or false with isnull");
  }
}

const clock = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$/;
const clockWithZone =
  /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;
const duration =
  /^P(?=\d|T\d)(\d{1,4}Y)?(\d{1,5}M)?(\d{1,5}W)?(\d{1,6}D)?(T(?=\d)(\d{1,7}H)?(\d{1,7}M)?(\d{1,7}(\.\d{1,6})?S)?)?$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Numbers and booleans stand for their text, as in Django. */
function checkText(value: unknown): Checked {
  if (typeof value === "number" || typeof value === "boolean") return { value: String(value) };
  if (typeof value !== "string") return refuse(value, "text");
  if (value.length > maxLength) {
    return {
      problem: `has a text of ${value.length} characters; at most ${maxLength} are allowed`,
    };
  }
  if (value.includes("\0") || !value.isWellFormed()) {
    return {
      problem: "has a text with NUL or half a surrogate pair, which PostgreSQL cannot hold",
    };
  }
  return { value };
}

function checkInteger(value: unknown): Checked {
  const expected = "a whole number from -9223372036854775808 to 9223372036854775807";
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || !/^-?\d{1,19}$/.test(text)) return refuse(value, expected);
  const integer = BigInt(text);
  if (BigInt.asIntN(64, integer) !== integer) return refuse(value, expected);
  const number = Number(integer);
  return { value: Number.isSafeInteger(number) ? number : String(integer) };
}

function checkNumeric(value: unknown): Checked {
  const text = typeof value === "number" && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== "string" || !/^-?\d{1,200}(\.\d{1,200})?(e[+-]?\d{1,3})?$/i.test(text)) {
    return refuse(value, "a number as in 12.50");
  }
  return { value: text };
}

function checkFloat(value: unknown, family: "float4" | "float8"): Checked {
  const number = family === "float4" ? Math.fround(value as number) : value;
  const fits = typeof value === "number" && Number.isFinite(number) &&
    (number !== 0 || value === 0);
  return fits ? { value } : refuse(value, `a number in the range of ${family}`);
}

function checkTime(value: unknown, suffix: "Z" | ""): Checked {
  const canonical = typeof value === "string" ? canonicalTime(value) : undefined;
  return canonical
    ? { value: canonical + suffix }
    : refuse(value, "a date or time as in 2024-01-31 or 2024-01-31T17:45:00Z");
}

/** An ISO 8601 date or time in UTC, with its microseconds. Without a zone it is taken as UTC. */
function canonicalTime(text: string): string | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/
      .exec(text);
  const day = match && dateParts(match[1]);
  if (!day) return;
  const [, , hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = match;
  if (+hour > 23 || +minute > 59 || +second > 59) return;
  const offset = zone === "Z" ? 0 : zoneMinutes(zone);
  if (Math.abs(offset) > 15 * 60) return;
  const time = new Date(day.getTime() + ((+hour * 60 + +minute - offset) * 60 + +second) * 1000);
  const year = time.getUTCFullYear();
  if (year < 1 || year > 9999) return;
  return time.toISOString().slice(0, 19) + fraction.replace(/\.?0+$/, "");
}

function zoneMinutes(zone: string): number {
  const digits = zone.slice(1).replace(":", "");
  const minutes = +digits.slice(0, 2) * 60 + +digits.slice(2);
  return zone[0] === "-" ? -minutes : minutes;
}

/** The day that `text` names, or undefined when the calendar has none such. */
function dateParts(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith("0000")) return;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) ? day : undefined;
}

function matches(value: unknown, pattern: RegExp, expected: string): Checked {
  return typeof value === "string" && pattern.test(value) ? { value } : refuse(value, expected);
}

function refuse(value: unknown, expected: string): Checked {
  const shown = JSON.stringify(value) ?? String(value);
  return {
    problem: `needs ${expected}, not ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`,
  };
}
