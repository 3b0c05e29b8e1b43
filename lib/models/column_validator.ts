import { arrayProblem } from "./array_check.ts";
import { unstorable } from "./json_text.ts";
import type { Column } from "./model.ts";
import { floatCheck, integerCheck, numericCheck } from "./number_check.ts";
import {
  bitCheck,
  booleanCheck,
  byteaCheck,
  enumCheck,
  filledCheck,
  lengthCheck,
  rangeCheck,
  uuidCheck,
} from "./text_check.ts";
import { intervalCheck, timeCheck } from "./time_check.ts";
import { type JsonKind, shown, type TextCheck, type ValueProblem } from "./value_problem.ts";

/** Looks at one value of a column: its kind and its JSON text, quotes and escapes included. */
export type ColumnValidator = (kind: JsonKind, raw: string) => ValueProblem | undefined;

type Sized = Pick<Column, "baseType" | "maxLength" | "precision" | "scale">;

/**
 * The validator of a column: undefined for what it takes. It is strict where a value's text alone
 * decides (numbers, lengths, UUIDs, booleans, enums) and refuses only clear nonsense where
 * PostgreSQL's input has many forms (times, ranges, addresses). What it accepts is still checked by
 * PostgreSQL. `raw` has to be valid JSON that was decoded from valid UTF-8.
 */
export function columnValidator(column: Column): ColumnValidator {
  const { name } = column;
  if (column.readOnly) {
    return () => ({
      code: "read_only_column",
      message: `The column ${name} is set by the database: leave it out.`,
    });
  }
  const check = shapeOf(column);
  return (kind, raw) => {
    if (kind !== "null") return check(kind, raw);
    if (column.nullable) return;
    return {
      code: "required",
      message: `The column ${name} must have a value, it cannot be null.`,
    };
  };
}

function shapeOf(column: Column): ColumnValidator {
  switch (column.kind) {
    case "array":
      return arrayOf(column);
    case "composite":
      return structured(column, ["object", "string"], "an object");
    case "enum":
      return scalar(column.name, enumCheck(column.enumValues ?? []));
    case "range":
      return scalar(column.name, rangeCheck);
    case "scalar":
      return valueOf(column.name, column);
  }
}

function valueOf(name: string, sized: Sized): ColumnValidator {
  const check = textCheck(sized);
  if (check) return scalar(name, check);
  const anyText = ["text", "varchar", "bpchar", "name", "citext", "char"].includes(sized.baseType);
  if (anyText) {
    const rest = scalar(name, () => undefined);
    return (kind, raw) => kind === "string" && !raw.includes("\\") ? undefined : rest(kind, raw);
  }
  // JSON takes anything; so does a type that we do not know, since its input may be JSON too.
  return (_, raw) => unstorableProblem(name, raw);
}

function textCheck({ baseType, maxLength, precision, scale }: Sized): TextCheck | undefined {
  switch (baseType) {
    case "int2":
    case "int4":
    case "int8":
      return integerCheck(baseType);
    case "numeric":
      return numericCheck(precision, scale);
    case "float4":
    case "float8":
      return floatCheck(baseType);
    case "bool":
      return booleanCheck;
    case "varchar":
    case "bpchar":
      return maxLength === null ? undefined : lengthCheck(maxLength);
    case "uuid":
      return uuidCheck;
    case "date":
    case "timestamp":
    case "timestamptz":
    case "time":
    case "timetz":
      return timeCheck(baseType);
    case "interval":
      return intervalCheck;
    case "bytea":
      return byteaCheck;
    case "bit":
    case "varbit":
      return bitCheck(baseType, maxLength);
    case "inet":
    case "cidr":
      return filledCheck("an address such as 192.0.2.1");
    case "macaddr":
    case "macaddr8":
      return filledCheck("an address such as 08:00:2b:01:02:03");
    case "money":
      return filledCheck("an amount of money");
  }
}

function scalar(name: string, check: TextCheck): ColumnValidator {
  return (kind, raw) => {
    let text = raw;
    if (kind === "string") {
      if (raw.includes("\\")) {
        const problem = unstorableProblem(name, raw);
        if (problem) return problem;
        text = JSON.parse(raw);
      } else {
        text = raw.slice(1, -1);
      }
    }
    const structured = kind === "object" || kind === "array";
    const complaint = structured ? undefined : check(text);
    if (!complaint && !structured) return;
    const { code, takes } = complaint ?? check("") ??
      { code: "invalid_value" as const, takes: "a single value" };
    const given = code === "too_long" ? `${[...text].length}` : shown(kind, raw);
    return { code, message: `The column ${name} takes ${takes}, not ${given}.` };
  };
}

function structured(column: Column, kinds: JsonKind[], takes: string): ColumnValidator {
  return (kind, raw) => {
    if (kinds.includes(kind)) return unstorableProblem(column.name, raw);
    return {
      code: "invalid_value",
      message: `The column ${column.name} takes ${takes}, not ${shown(kind, raw)}.`,
    };
  };
}

/** A JSON array, or a string in PostgreSQL's own form `{1,2}`. */
function arrayOf(column: Column): ColumnValidator {
  const { name, enumValues, elementType = "" } = column;
  const element = enumValues
    ? scalar(name, enumCheck(enumValues))
    : valueOf(name, { ...column, baseType: elementType });
  const uneven = (takes: string): ValueProblem => ({
    code: "invalid_value",
    message: `The column ${name} takes ${takes}.`,
  });
  return (kind, raw) => {
    if (kind === "array") {
      return arrayProblem(
        raw,
        (kind, raw) => kind === "null" ? undefined : element(kind, raw),
        uneven,
      );
    }
    if (kind === "string" && /^"\s*[[{]/.test(raw)) return unstorableProblem(name, raw);
    return {
      code: "invalid_value",
      message: `The column ${name} takes an array, not ${shown(kind, raw)}.`,
    };
  };
}

function unstorableProblem(name: string, raw: string): ValueProblem | undefined {
  const what = unstorable(raw);
  return what === undefined
    ? undefined
    : { code: "invalid_value", message: `The column ${name} must not contain ${what}.` };
}
