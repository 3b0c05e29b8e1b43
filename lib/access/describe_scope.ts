import { type Lookup, type Operator, splitOperator, type Transform } from "./lookups.ts";
import type { Condition, Scope } from "./scope.ts";

/** The scope in words: `every row`, `no row`, or `rows where …, or rows where …`. */
export function describeScope(scope: Scope): string {
  if ("all" in scope) return "every row";
  if (scope.any.length === 0) return "no row";
  return scope.any.map((list) =>
    list.length === 0 ? "every row" : `rows where ${list.map(describeCondition).join(" and ")}`
  ).join(", or ");
}

const words: Record<Lookup, string> = {
  exact: "is",
  iexact: "is, in any case of letters,",
  contains: "contains",
  icontains: "contains, in any case of letters,",
  startswith: "begins with",
  istartswith: "begins, in any case of letters, with",
  endswith: "ends with",
  iendswith: "ends, in any case of letters, with",
  in: "is one of",
  gt: "is greater than",
  gte: "is at least",
  lt: "is less than",
  lte: "is at most",
  range: "is between",
  isnull: "is empty",
  regex: "matches",
  iregex: "matches, in any case of letters,",
};

const parts: Record<Transform, string> = {
  date: "date",
  year: "year",
  iso_year: "ISO year",
  month: "month",
  day: "day of the month",
  week: "ISO week",
  week_day: "day of the week from Sunday = 1",
  iso_week_day: "day of the week from Monday = 1",
  quarter: "quarter",
  time: "time",
  hour: "hour",
  minute: "minute",
  second: "second",
};

/** What an operator asks, such as `is at least` or `year is`. */
export function operatorWords(operator: Operator): string {
  const { transform, lookup } = splitOperator(operator);
  const clause = words[lookup].replace(/,$/, "");
  return transform ? `${parts[transform]} ${clause}` : clause;
}

/** One condition in words, such as `amount is at least 10`. */
export function describeCondition({ field, operator, value, negate }: Condition): string {
  const { transform, lookup } = splitOperator(operator);
  const subject = transform ? `the ${parts[transform]} of ${field}` : field;
  const clause = `${subject} ${words[lookup]}${describeValue(lookup, value)}`;
  return negate ? `it is not so that ${clause}` : clause;
}

function describeValue(lookup: Lookup, value: unknown): string {
  if (lookup === "isnull") return value ? "" : ": no";
  if (!Array.isArray(value)) return ` ${JSON.stringify(value)}`;
  if (value.length === 0) return " no value";
  return ` ${value.map((one) => JSON.stringify(one)).join(lookup === "range" ? " and " : ", ")}`;
}
