import type { Column, Model } from "../models/mod.ts";
import { columnOfUpdate, isJson } from "../sync/mod.ts";
import { humanName } from "./page_records.ts";

/**
 * What a column takes, in words.
 *
 * @param rules the table's checks of the column, as SQL
 */
export function columnHint(
  model: Model,
  column: Column,
  rules: readonly string[],
  creating: boolean,
  editable: boolean,
): string {
  if (!editable) return `${typeInWords(column)} ${fixedReason(model, column)}`;
  const unique = model.uniqueKeys.filter((key) => key.includes(column.name))
    .map((key) => key.filter((name) => name !== column.name && name !== model.tenantColumn))
    .map((others) =>
      others.length === 0
        ? "No two records have the same."
        : `No two records have the same together with ${others.map(humanName).join(", ")}.`
    );
  const byDefault = creating && column.hasDefault
    ? [
      column.defaultExpression && column.identity === "" &&
        !/nextval\(/.test(column.defaultExpression)
        ? `Left empty it is ${shortDefault(column.defaultExpression)}.`
        : "Left empty the database sets it.",
    ]
    : [];
  return [
    typeInWords(column),
    ...rules.map((rule) => `Rule: ${rule.replace(/^\((.*)\)$/s, "$1").slice(0, 200)}.`),
    ...unique,
    ...byDefault,
  ].join(" ");
}

function shortDefault(expression: string): string {
  const text = /^'((?:[^']|'')*)'::[\w ."\[\]]+$/.exec(expression)?.[1];
  if (text === "") return "empty";
  if (text === "{}") return "an empty list";
  return (text ?? expression).slice(0, 60);
}

function fixedReason(model: Model, column: Column): string {
  if (model.key.includes(column.name)) return "The key of a record stays as it is.";
  if (column === columnOfUpdate(model)) return "Set by the server when the record is saved.";
  if (column.generated) return "Computed by the database.";
  if (column.identity === "a") return "Numbered by the database.";
  return "Applications set it; it is not edited here.";
}

const words: Record<string, string> = {
  int2: "Whole number from −32,768 to 32,767.",
  int4: "Whole number.",
  int8: "Whole number.",
  float4: "Number.",
  float8: "Number.",
  bool: "Yes or no.",
  uuid: "UUID.",
  date: "Date.",
  timestamptz: "Time in UTC, such as 2024-01-31 09:30:00Z.",
  timestamp: "Time without a zone, such as 2024-01-31 09:30:00.",
  time: "Time of day, such as 09:30:00.",
  timetz: "Time of day with its zone, such as 09:30:00+01.",
  interval: "Duration, such as P1DT2H.",
  inet: "Network address.",
  bytea: "Bytes, as hexadecimal digits after \\x.",
  money: "Amount of money.",
};

function typeInWords(column: Column): string {
  const { kind, baseType, maxLength, precision, scale } = column;
  if (kind === "array") {
    return column.enumValues
      ? `List as JSON of ${column.enumValues.join(", ")}.`
      : 'List as JSON, such as ["a", "b"].';
  }
  if (kind === "enum") return "One of the choices.";
  if (isJson(column)) return "JSON.";
  if (kind !== "scalar") return `${column.type}.`;
  if (["text", "varchar", "bpchar", "citext"].includes(baseType)) {
    return maxLength === null ? "Text." : `Text of at most ${maxLength} characters.`;
  }
  if (baseType === "numeric") {
    if (precision === null) return "Number.";
    if (!scale) return `Whole number of at most ${precision} digits.`;
    return `Number with at most ${precision - scale} digits and ${scale} decimals.`;
  }
  return words[baseType] ?? `${column.type}.`;
}
