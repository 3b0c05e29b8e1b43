import { formatArray } from "./array_text.ts";

/**
 * A statement's parameters as PostgreSQL's text, of whatever types the statement gives them: both
 * drivers would otherwise guess the types from the values, each in its own way.
 *
 * @throws TypeError for `undefined`, for objects (JSON is passed as text) and past 65,534 parameters.
 */
export function textParameters(values: unknown[]): (string | null)[] {
  if (values.length < 65_535) return values.map(textParameter);
  throw new TypeError(`A statement takes at most 65,534 parameters, not ${values.length}`);
}

function textParameter(value: unknown): string | null {
  if (value === null || typeof value === "string") return value;
  if (["number", "bigint", "boolean"].includes(typeof value)) return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${value.toHex()}`;
  if (Array.isArray(value)) return formatArray(value, textParameter);
  throw new TypeError(`A parameter cannot be ${value === undefined ? "undefined" : "an object"}`);
}
