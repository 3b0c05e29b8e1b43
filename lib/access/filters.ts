import { LockstepError } from "../errors/mod.ts";
import type { Column, Model } from "../models/mod.ts";
import { checkFilterValue } from "./filter_value.ts";
import {
  familyOf,
  type Lookup,
  lookups,
  type Operator,
  type Transform,
  transforms,
} from "./lookups.ts";
import type { Condition } from "./scope.ts";

/** Values that a filter may name instead of giving them: those of the user who syncs. */
export const variables = [
  "$user.id",
  "$user.username",
  "$user.email",
  "$organization.id",
  "$organization.slug",
] as const;

export type Variable = typeof variables[number];
/** The value of each variable for one user in one organization. */
export type VariableValues = Record<Variable, string | number>;

const maxConditions = 50;

/**
 * Reads the filters of a permission or the condition of a data filter. Accepted are a condition
 * `{"field", "operator", "value", "negate"?}` (also `"exclude"`), a list of them, and Django's form
 * `{"department": "SALES", "amount__gte": 10}`; all conditions must hold. Variables stay in the
 * values until `resolveFilters`. Nothing (`null`, `{}`, `[]`) is no condition.
 *
 * @param name what is read, for the messages: `filters`, or the name of a data filter
 * @throws LockstepError `invalid_value` that names the filter and each field at fault
 */
export function parseFilters(json: unknown, model: Model, name = "filters"): Condition[] {
  const problems: { field: string; message: string }[] = [];
  const conditions: Condition[] = [];
  for (const raw of rawConditions(json, model, problems)) {
    const read = readCondition(raw, model);
    if ("problem" in read) problems.push({ field: raw.path, message: read.problem });
    else conditions.push(read.condition);
  }
  if (conditions.length > maxConditions) {
    problems.push({
      field: name,
      message: `It has ${conditions.length} conditions; at most ${maxConditions} are allowed.`,
    });
  }
  if (problems.length === 0) return conditions;
  throw new LockstepError(
    "invalid_value",
    `The filter "${name}" on ${model.name} cannot be used: ${
      problems.map(({ message }) => message).join(" ")
    }`,
    { errors: problems.map(({ field, message }) => ({ field, message, code: "invalid_value" })) },
  );
}

/**
 * Puts the user's values in the place of variables. Undefined when the user lacks a value that is
 * asked for, such as an e-mail address: such a filter must match nothing, not every row without one.
 */
export function resolveFilters(
  conditions: Condition[],
  model: Model,
  values: VariableValues,
): Condition[] | undefined {
  const columns = new Map(model.columns.map((column) => [column.name, column]));
  const resolved: Condition[] = [];
  for (const condition of conditions) {
    const all = Array.isArray(condition.value) ? condition.value : [condition.value];
    if (!all.some(isVariable)) {
      resolved.push(condition);
      continue;
    }
    const final = all.map((value) => isVariable(value) ? values[value] : value);
    if (final.includes("")) return;
    const checked = checkFilterValue(
      columns.get(condition.field)!,
      condition.operator,
      Array.isArray(condition.value) ? final : final[0],
    );
    if ("problem" in checked) return;
    resolved.push({ ...condition, value: checked.value });
  }
  return resolved;
}

/** A condition as it was written, before its field, operator and value are understood. */
interface RawCondition {
  path: string;
  value: unknown;
  negate: boolean;
}

type Problems = { field: string; message: string }[];

function rawConditions(json: unknown, model: Model, problems: Problems): RawCondition[] {
  if (json === null || json === undefined) return [];
  if (Array.isArray(json)) return json.flatMap((item) => rawConditions(item, model, problems));
  if (typeof json !== "object") {
    problems.push({
      field: "filters",
      message: "A filter is an object or a list of objects, for example " +
        '{"field": "department", "operator": "exact", "value": "SALES"}.',
    });
    return [];
  }
  const { negated, rest } = takeNegation(json as Record<string, unknown>, model, problems);
  const conditions = isCondition(rest) ? [one(rest, problems)] : several(rest);
  if (negated && conditions.length !== 1) {
    problems.push({
      field: "negate",
      message: "negate and exclude apply to one condition; write a list with one object for each.",
    });
  }
  return conditions.map((raw) => negated ? { ...raw, negate: !raw.negate } : raw);
}

/** Splits off `negate` or `exclude`, unless the model has a column of that name. */
function takeNegation(
  { ...rest }: Record<string, unknown>,
  model: Model,
  problems: Problems,
): { negated: boolean; rest: Record<string, unknown> } {
  let negated = false;
  for (const key of ["negate", "exclude"]) {
    if (!Object.hasOwn(rest, key) || model.columns.some(({ name }) => name === key)) continue;
    if (typeof rest[key] !== "boolean") {
      problems.push({ field: key, message: `${key} must be true or false.` });
    }
    negated ||= rest[key] === true;
    delete rest[key];
  }
  return { negated, rest };
}

function isCondition(item: Record<string, unknown>): boolean {
  return typeof item.field === "string" && (Object.hasOwn(item, "value") || "operator" in item);
}

function one(item: Record<string, unknown>, problems: Problems): RawCondition {
  const { field, operator = "exact", value, ...unknown } = item;
  for (const key of Object.keys(unknown)) {
    problems.push({
      field: key,
      message: `A condition has no member "${key}"; it has field, operator, value and negate.`,
    });
  }
  const suffix = operator === "exact" || operator === "" ? "" : `__${operator}`;
  return { path: `${field}${suffix}`, value, negate: false };
}

function several(item: Record<string, unknown>): RawCondition[] {
  return Object.entries(item).map(([path, value]) => ({ path, value, negate: false }));
}

function readCondition(
  { path, value, negate }: RawCondition,
  model: Model,
): { condition: Condition } | { problem: string } {
  const target = readPath(path, model);
  if ("problem" in target) return target;
  const { column } = target;
  let { operator } = target;
  if (operator === "ne") {
    operator = "exact";
    negate = !negate;
  }
  if (operator === "exact" || operator === "iexact") {
    // As in Django, to be equal to null is to be null.
    if (value === null) [operator, value] = ["isnull", true];
  }
  if ((operator === "isnull" || operator.endsWith("__isnull")) && value === false) {
    value = true;
    negate = !negate;
  }
  const checked = checkWithVariables(column, operator as Operator, value);
  if ("problem" in checked) return { problem: `${path} ${checked.problem}.` };
  const condition: Condition = {
    field: column.name,
    operator: operator as Operator,
    value: checked.value,
  };
  if (negate) condition.negate = true;
  return { condition };
}

type Target = { column: Column; operator: string } | { problem: string };

/** Finds the column that `path` begins with, and the operator after it. */
function readPath(path: string, model: Model): Target {
  const parts = path.split("__");
  for (let length = parts.length; length > 0; length--) {
    const column = findColumn(parts.slice(0, length).join("__"), model);
    if (column) return readOperator(path, column, parts.slice(length));
  }
  return {
    problem: `${parts[0]} is not a column of ${model.name}; its columns are ${
      model.columns.map(({ name }) => name).join(", ")
    }.`,
  };
}

/** By name; `pk` is the key and, as in Django, `owner` is the foreign key `owner_id`. */
function findColumn(name: string, model: Model): Column | undefined {
  const byName = (wanted: string) => model.columns.find((column) => column.name === wanted);
  if (byName(name)) return byName(name);
  if (name === "pk" && model.key.length === 1) return byName(model.key[0]);
  const reference = `${name}_id`;
  const isReference = model.foreignKeys.some(({ columns }) =>
    columns.length === 1 && columns[0] === reference
  );
  return isReference ? byName(reference) : undefined;
}

function readOperator(path: string, column: Column, parts: string[]): Target {
  const [first = "exact", second, ...more] = parts;
  if (!second && (first === "ne" || isLookup(first))) return { column, operator: first };
  if (isTransform(first) && more.length === 0) {
    const lookup = second ?? "exact";
    if (isLookup(lookup)) return { column, operator: `${first}__${lookup}` };
  }
  return {
    problem:
      `${path} has no operator "${parts.join("__")}", or reaches into another table, which ` +
      `a row filter cannot; the operators are ${lookups.join(", ")}, and for dates and times ` +
      `${transforms.join(", ")}.`,
  };
}

function isLookup(text: string): text is Lookup {
  return (lookups as readonly string[]).includes(text);
}

function isTransform(text: string): text is Transform {
  return (transforms as readonly string[]).includes(text);
}

export function isVariable(value: unknown): value is Variable {
  return (variables as readonly unknown[]).includes(value);
}

/** Stands for the value of each variable while a filter is checked before anybody uses it. */
const samples: VariableValues = {
  "$user.id": 1,
  "$user.username": "name",
  "$user.email": "name@example.org",
  "$organization.id": 1,
  "$organization.slug": "name",
};

function checkWithVariables(
  column: Column,
  operator: Operator,
  value: unknown,
): { value: unknown } | { problem: string } {
  const all = Array.isArray(value) ? value : [value];
  const unknown = all.find((one) =>
    typeof one === "string" && /^\$[a-z_]+(\.[a-z_]+)*$/i.test(one) && !isVariable(one)
  );
  if (unknown !== undefined && !operator.endsWith("regex")) {
    return {
      problem:
        `names ${unknown}, which a filter cannot: which rows somebody sees may only change ` +
        `with the data or the rights, so the values are ${variables.join(", ")}`,
    };
  }
  if (!all.some(isVariable)) return checkFilterValue(column, operator, value);
  if (operator.endsWith("regex")) {
    return { problem: "uses a variable in a regular expression; use contains or exact" };
  }
  if (familyOf(column) === "enum") {
    return { problem: `is of type ${column.type}, which no variable has` };
  }
  const sample = all.map((one) => isVariable(one) ? samples[one] : one);
  const checked = checkFilterValue(column, operator, Array.isArray(value) ? sample : sample[0]);
  if ("problem" in checked) return checked;
  if (!Array.isArray(value)) return { value };
  const final = checked.value as unknown[];
  return { value: final.map((one, i) => isVariable(value[i]) ? value[i] : one) };
}
