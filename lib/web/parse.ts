import type { z } from "zod";
import { checkSchema, LockstepError } from "../errors/mod.ts";

/**
 * Checks `value` against `schema`.
 *
 * @throws LockstepError `unknown_field`, `required` or `invalid_value`, with every problem in `errors`
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = checkSchema(schema, value);
  if (checked.ok) return checked.data;
  const errors = checked.problems;
  const [{ code, field, message }] = errors;
  throw new LockstepError(code, `${field}: ${message}`, { errors });
}

/** @throws LockstepError `malformed_json` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LockstepError("malformed_json", "The body is not valid JSON.", { cause });
  }
}
