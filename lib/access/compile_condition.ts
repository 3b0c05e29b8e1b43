import type { Column } from "../models/mod.ts";
import { checkFilterValue } from "./filter_value.ts";
import {
  type Family,
  familyOf,
  type Lookup,
  splitOperator,
  type Transform,
  transformedFamily,
} from "./lookups.ts";
import type { Condition } from "./scope.ts";

/** Whether the condition can be asked of the column as it is now. */
export function conditionFits(condition: Condition, column: Column): boolean {
  return !("problem" in checkFilterValue(column, condition.operator, condition.value));
}

/**
 * The condition as a boolean SQL expression that is never NULL. The guard `IS NOT NULL` comes first
 * because it leaves the comparison in a form that an index can serve, which `IS TRUE` does not.
 */
export function compileCondition(
  { operator, value, negate }: Condition,
  column: Column,
  sql: string,
  addParam: (value: unknown) => string,
): string {
  const { transform, lookup } = splitOperator(operator);
  const family = transform ? transformedFamily(transform) : familyOf(column);
  const subject = transform ? transformed(transform, familyOf(column), sql) : `(${sql})`;
  const positive = lookup === "isnull"
    ? `${subject} IS ${value ? "" : "NOT "}NULL`
    : `${subject} IS NOT NULL AND ${comparison(lookup, family, subject, value, addParam)}`;
  return negate ? `NOT (${positive})` : `(${positive})`;
}

const castOf: Record<Exclude<Family, "opaque">, string> = {
  text: "text",
  bpchar: "bpchar",
  citext: "text",
  enum: "text",
  integer: "bigint",
  numeric: "numeric",
  money: "numeric",
  float4: "real",
  float8: "double precision",
  boolean: "boolean",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamptz",
  time: "time",
  timetz: "timetz",
  interval: "interval",
  uuid: "uuid",
};

const comparators: Partial<Record<Lookup, string>> = {
  exact: "=",
  gt: ">",
  gte: ">=",
  lt: "<",
  lte: "<=",
};

function comparison(
  lookup: Lookup,
  family: Family,
  subject: string,
  value: unknown,
  addParam: (value: unknown) => string,
): string {
  const cast = castOf[family as Exclude<Family, "opaque">];
  const operand = operandOf(family, subject);
  // citext ignores case, and so do the parameters that it is compared with.
  const param = (one: unknown) =>
    family === "citext"
      ? `lower(${addParam(String(one))}::text)`
      : `${addParam(String(one))}::text::${cast}`;
  switch (lookup) {
    case "in": {
      const values = value as unknown[];
      if (values.length === 0) return "FALSE";
      const list = `${addParam(arrayLiteral(values))}::text`;
      return `${operand} = ANY (${family === "citext" ? `lower(${list})` : list}::${cast}[])`;
    }
    case "range": {
      const [low, high] = value as [unknown, unknown];
      return `${operand} BETWEEN ${param(low)} AND ${param(high)}`;
    }
    default: {
      const comparator = comparators[lookup];
      if (comparator) return `${operand} ${comparator} ${param(value)}`;
      return pattern(lookup, `${subject}::text`, family === "citext", String(value), addParam);
    }
  }
}

function operandOf(family: Family, subject: string): string {
  if (family === "citext") return `lower(${subject}::text)`;
  if (family === "enum") return `${subject}::text`;
  if (family === "money") return `${subject}::numeric`;
  return subject;
}

function pattern(
  lookup: Lookup,
  subject: string,
  ignoreCase: boolean,
  value: string,
  addParam: (value: unknown) => string,
): string {
  const insensitive = ignoreCase || lookup.startsWith("i");
  const kind = lookup.replace(/^i(?=exact|contains|startswith|endswith|regex)/, "");
  if (kind === "regex") return `${subject} ${insensitive ? "~*" : "~"} ${addParam(value)}::text`;
  const fold = (sql: string) => insensitive ? `upper(${sql})` : sql;
  if (kind === "exact") return `${fold(subject)} = ${fold(`${addParam(value)}::text`)}`;
  const escaped = value.replace(/[\\%_]/g, "\\$&");
  const like = `${kind === "startswith" ? "" : "%"}${escaped}${kind === "endswith" ? "" : "%"}`;
  return `${fold(subject)} LIKE ${fold(`${addParam(like)}::text`)}`;
}

function transformed(transform: Transform, family: Family, sql: string): string {
  const utc = family === "timestamptz" || family === "timetz"
    ? `(${sql}) AT TIME ZONE 'UTC'`
    : `(${sql})`;
  switch (transform) {
    case "date":
    case "time":
      return `(${utc})::${transform}`;
    case "week_day":
      // Django counts from Sunday = 1.
      return `(EXTRACT(DOW FROM ${utc}) + 1)`;
    case "second":
      return `floor(EXTRACT(SECOND FROM ${utc}))`;
    default:
      return `EXTRACT(${fieldOf[transform]} FROM ${utc})`;
  }
}

const fieldOf: Record<Exclude<Transform, "date" | "time" | "week_day" | "second">, string> = {
  year: "YEAR",
  iso_year: "ISOYEAR",
  month: "MONTH",
  day: "DAY",
  week: "WEEK",
  iso_week_day: "ISODOW",
  quarter: "QUARTER",
  hour: "HOUR",
  minute: "MINUTE",
};

/** An array in PostgreSQL's own text form. */
function arrayLiteral(values: unknown[]): string {
  return `{${values.map((value) => `"${String(value).replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
