import type { Column, JsonKind } from "../../lib/models/mod.ts";

/** A column that takes any value of a type, but for what `more` says. */
export function columnOf(name: string, baseType: string, more: Partial<Column> = {}): Column {
  return {
    name,
    type: baseType,
    baseType,
    kind: "scalar",
    maxLength: null,
    precision: null,
    scale: null,
    nullable: true,
    hasDefault: false,
    defaultExpression: null,
    identity: "",
    generated: false,
    enumValues: null,
    readOnly: false,
    ...more,
  };
}

const kinds: Record<string, JsonKind> = {
  '"': "string",
  "{": "object",
  "[": "array",
  t: "true",
  f: "false",
  n: "null",
};

/** The kind of a value in JSON. */
export const kindOf = (raw: string): JsonKind => kinds[raw[0]] ?? "number";
