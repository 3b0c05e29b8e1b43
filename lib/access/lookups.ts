import type { Column } from "../models/mod.ts";

/** Django's field lookups, as far as they compare one column with given values. */
export const lookups = [
  "exact",
  "iexact",
  "contains",
  "icontains",
  "startswith",
  "istartswith",
  "endswith",
  "iendswith",
  "in",
  "gt",
  "gte",
  "lt",
  "lte",
  "range",
  "isnull",
  "regex",
  "iregex",
] as const;

/** Django's transforms of dates and times. Each may be followed by a lookup, as in `year__gte`. */
export const transforms = [
  "date",
  "year",
  "iso_year",
  "month",
  "day",
  "week",
  "week_day",
  "iso_week_day",
  "quarter",
  "time",
  "hour",
  "minute",
  "second",
] as const;

export type Lookup = typeof lookups[number];
export type Transform = typeof transforms[number];
/** A lookup, or a transform and a lookup. `year` alone is written `year__exact`. */
export type Operator = Lookup | `${Transform}__${Lookup}`;

/** How values of a column are written, compared and cast. */
export type Family =
  | "text"
  | "bpchar"
  | "citext"
  | "enum"
  | "integer"
  | "numeric"
  | "money"
  | "float4"
  | "float8"
  | "boolean"
  | "date"
  | "timestamp"
  | "timestamptz"
  | "time"
  | "timetz"
  | "interval"
  | "uuid"
  | "opaque";

const familyOfType: Record<string, Family> = {
  text: "text",
  varchar: "text",
  name: "text",
  char: "text",
  bpchar: "bpchar",
  citext: "citext",
  int2: "integer",
  int4: "integer",
  int8: "integer",
  numeric: "numeric",
  money: "money",
  float4: "float4",
  float8: "float8",
  bool: "boolean",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamptz",
  time: "time",
  timetz: "timetz",
  interval: "interval",
  uuid: "uuid",
};

/** The family of a column. Arrays, documents, ranges and the like are opaque: present or absent. */
export function familyOf(column: Column): Family {
  if (column.kind === "enum") return "enum";
  if (column.kind !== "scalar" || !Object.hasOwn(familyOfType, column.baseType)) return "opaque";
  return familyOfType[column.baseType];
}

const equality: Lookup[] = ["exact", "in", "isnull"];
const order: Lookup[] = [...equality, "gt", "gte", "lt", "lte", "range"];
const patterns: Lookup[] = [
  "iexact",
  "contains",
  "icontains",
  "startswith",
  "istartswith",
  "endswith",
  "iendswith",
  "regex",
  "iregex",
];

const lookupsOfFamily: Record<Family, Lookup[]> = {
  text: [...order, ...patterns],
  bpchar: [...order, ...patterns],
  citext: [...order, ...patterns],
  // An enum's own order is the order of its declaration, which ALTER TYPE may change.
  enum: [...equality, ...patterns],
  integer: [...order, ...patterns],
  numeric: [...order, ...patterns],
  money: order,
  float4: order,
  float8: order,
  boolean: equality,
  date: order,
  timestamp: order,
  timestamptz: order,
  time: order,
  timetz: order,
  interval: order,
  uuid: [...order, ...patterns],
  opaque: ["isnull"],
};

const ofDate: Transform[] = [
  "year",
  "iso_year",
  "month",
  "day",
  "week",
  "week_day",
  "iso_week_day",
  "quarter",
];
const ofTime: Transform[] = ["hour", "minute", "second"];

const transformsOfFamily: Partial<Record<Family, Transform[]>> = {
  date: ofDate,
  timestamp: ["date", "time", ...ofDate, ...ofTime],
  timestamptz: ["date", "time", ...ofDate, ...ofTime],
  time: ofTime,
  timetz: ofTime,
};

/** The family that `transform` gives. */
export function transformedFamily(transform: Transform): Family {
  return transform === "date" || transform === "time" ? transform : "integer";
}

/** Splits an operator into its transform, if it has one, and its lookup. */
export function splitOperator(operator: Operator): { transform?: Transform; lookup: Lookup } {
  const at = operator.lastIndexOf("__");
  if (at < 0) return { lookup: operator as Lookup };
  return {
    transform: operator.slice(0, at) as Transform,
    lookup: operator.slice(at + 2) as Lookup,
  };
}

/** Whether `operator` can be asked of a column of `family`. */
export function allows(family: Family, operator: Operator): boolean {
  const { transform, lookup } = splitOperator(operator);
  if (!transform) return lookupsOfFamily[family].includes(lookup);
  return (transformsOfFamily[family] ?? []).includes(transform) && order.includes(lookup);
}

/** Every operator that a column of `family` takes: its lookups, and its transforms alone. */
export function operatorsOf(family: Family): string[] {
  return [...lookupsOfFamily[family], ...(transformsOfFamily[family] ?? [])];
}
