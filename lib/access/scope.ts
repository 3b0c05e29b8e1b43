import { createHash } from "node:crypto";
import type { Model } from "../models/mod.ts";
import { compileCondition, conditionFits } from "./compile_condition.ts";
import type { Operator } from "./lookups.ts";

/** One clause of a row filter: `field operator value`, or its opposite. Rows whose field is NULL match the opposite. */
export type Condition = { field: string; operator: Operator; value: unknown; negate?: boolean };

/**
 * The rows of one model that somebody may read or write: all, or those that fulfil every condition
 * of at least one list. `{ any: [] }` is no row. Values are final; no variable is left in them.
 */
export type Scope = { all: true } | { any: Condition[][] };

/** Every row. */
export const everything: Scope = Object.freeze({ all: true });
/** No row. */
export const nothing: Scope = Object.freeze({ any: [] });

/**
 * The one form of all equal scopes: conditions and lists sorted, duplicates removed, a list that a
 * shorter one already covers removed, and a list without conditions turned into everything.
 */
export function canonicalScope(scope: Scope): Scope {
  if ("all" in scope) return everything;
  const lists = scope.any.map((list) => {
    const byText = new Map(list.map((condition) => {
      const canonical = canonicalCondition(condition);
      return [JSON.stringify(canonical), canonical];
    }));
    return new Map([...byText].sort(([a], [b]) => compare(a, b)));
  });
  if (lists.some((list) => list.size === 0)) return everything;
  lists.sort((a, b) => a.size - b.size || compare([...a.keys()].join(), [...b.keys()].join()));
  const kept: Map<string, Condition>[] = [];
  for (const list of lists) {
    if (!kept.some((shorter) => [...shorter.keys()].every((key) => list.has(key)))) kept.push(list);
  }
  return kept.length === 0 ? nothing : { any: kept.map((list) => [...list.values()]) };
}

/** Says that two scopes are the same: 128 bits of SHA-256 over the canonical form, in base64url. */
export function scopeHash(scope: Scope): string {
  const text = JSON.stringify(canonicalScope(scope));
  return createHash("sha256").update(text).digest().subarray(0, 16).toString("base64url");
}

/** Names of the columns that the scope reads, sorted. */
export function scopeColumns(scope: Scope): string[] {
  if ("all" in scope) return [];
  return [...new Set(scope.any.flat().map(({ field }) => field))].sort(compare);
}

/**
 * The scope as a boolean SQL expression that is never NULL. `sqlOf` gives the SQL of a column, so
 * that a scope can also be asked of past values; `addParam` takes a text parameter and gives its
 * placeholder. A list with a condition that does not fit the model's columns (any more) matches
 * nothing.
 */
export function compileScope(
  scope: Scope,
  model: Model,
  sqlOf: (column: string) => string,
  addParam: (value: unknown) => string,
): string {
  if ("all" in scope) return "TRUE";
  const columns = new Map(model.columns.map((column) => [column.name, column]));
  const lists = scope.any.map((list) => {
    const clauses = list.map((condition) => ({ condition, column: columns.get(condition.field) }));
    if (!clauses.every(({ condition, column }) => column && conditionFits(condition, column))) {
      return "FALSE";
    }
    return clauses.map(({ condition, column }) =>
      compileCondition(condition, column!, sqlOf(condition.field), addParam)
    ).join(" AND ") || "TRUE";
  });
  return lists.length === 0 ? "FALSE" : `((${lists.join(") OR (")}))`;
}

function canonicalCondition({ field, operator, value, negate }: Condition): Condition {
  const list = operator === "in" || operator.endsWith("__in");
  const canonical: Condition = {
    field,
    operator,
    value: list && Array.isArray(value) ? sortedSet(value) : value,
  };
  if (negate) canonical.negate = true;
  return canonical;
}

function sortedSet(values: unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...byText].sort(([a], [b]) => compare(a, b)).map(([, value]) => value);
}

/** By code unit, the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
