import {
  type Condition,
  familyOf,
  lookups,
  type Operator,
  operatorsOf,
  operatorWords,
  parseFilters,
  splitOperator,
  transformedFamily,
  transforms,
  variables,
} from "../access/mod.ts";
import type { Column, Model } from "../models/mod.ts";
import type { FilterColumn, FilterLine } from "../ui/mod.ts";

/** Comparisons of the parts of dates that are offered; a filter may have the others too. */
const partLookups = ["exact", "gte", "lte", "in"];

/** The columns of a model with what each can be asked. */
export function filterColumns(model: Model): FilterColumn[] {
  return model.columns.map((column) => ({
    name: column.name,
    type: column.type,
    input: inputOf(column),
    choices: column.enumValues ?? [],
    operators: operatorsOf(familyOf(column)).flatMap((operator) =>
      isTransform(operator) ? partLookups.map((lookup) => `${operator}__${lookup}`) : [operator]
    ),
  }));
}

function isTransform(operator: string): boolean {
  return (transforms as readonly string[]).includes(operator);
}

function inputOf(column: Column): FilterColumn["input"] {
  switch (familyOf(column)) {
    case "boolean":
      return "boolean";
    case "enum":
      return "choice";
    case "date":
      return "date";
    case "integer":
    case "numeric":
    case "money":
    case "float4":
    case "float8":
      return "number";
    default:
      return "text";
  }
}

/** Every operator that a column of the model can be asked, in words. */
export function operatorLabels(
  columns: FilterColumn[],
  lines: FilterLine[],
): Record<string, string> {
  // A form can send any operator; saving refuses those that there are not.
  const used = lines.map(({ operator }) => operator as Operator).filter((operator) =>
    lookups.includes(splitOperator(operator).lookup) &&
    transforms.includes(splitOperator(operator).transform ?? "date")
  );
  const all = new Set([...columns.flatMap(({ operators }) => operators), ...used]);
  return Object.fromEntries(
    [...all].map((operator) => [operator, operatorWords(operator as Operator)]),
  );
}

/** The values that a filter may name instead of giving them. */
export const filterVariables: readonly string[] = variables;

/** A stored filter as lines of the builder; it throws as `parseFilters` when it no longer fits. */
export function filterLines(condition: unknown, model: Model, name: string): FilterLine[] {
  return parseFilters(condition, model, name).map(lineOf);
}

function lineOf({ field, operator, value, negate = false }: Condition): FilterLine {
  const values = Array.isArray(value) ? value : [value];
  return { field, operator, values: values.map(String), negate };
}

const mostLines = 50;

/** The lines that a form sent, those without a column left out. */
export function sentLines(fields: URLSearchParams): FilterLine[] {
  const lines: FilterLine[] = [];
  for (let i = 0; i < mostLines + 10; i++) {
    const field = fields.get(`c${i}.field`);
    if (!field) continue;
    lines.push({
      field,
      operator: fields.get(`c${i}.operator`) || "exact",
      values: fields.getAll(`c${i}.value`).flatMap((text) =>
        text.replaceAll("\r\n", "\n").split("\n")
      )
        .map((text) => text.trim()),
      negate: fields.has(`c${i}.negate`),
    });
  }
  return lines;
}

/** The condition that the lines make, in the form in which it is stored. */
export function conditionOf(lines: FilterLine[], model: Model): unknown[] {
  return lines.map(({ field, operator, values, negate }) => {
    const column = model.columns.find(({ name }) => name === field);
    return {
      field,
      operator,
      value: column ? valueOf(column, operator, values) : values[0],
      ...(negate ? { negate } : {}),
    };
  });
}

function valueOf(column: Column, operator: string, texts: string[]): unknown {
  const { transform, lookup } = splitOperator(operator as Operator);
  const family = transform ? transformedFamily(transform) : familyOf(column);
  const scalar = (text: string): unknown => {
    if (filterVariables.includes(text)) return text;
    if (family === "boolean") return text === "true" ? true : text === "false" ? false : text;
    if (family === "float4" || family === "float8") {
      return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    }
    // Larger ones stay text: a number of JavaScript would round them.
    if (family === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
    return text;
  };
  switch (lookup) {
    case "isnull":
      return texts[0] !== "false";
    case "in":
      return texts.filter((text) => text !== "").map(scalar);
    case "range":
      return texts.filter((text) => text !== "").slice(0, 2).map(scalar);
    case "exact":
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return scalar(texts[0] ?? "");
    default:
      return texts.join("\n");
  }
}
