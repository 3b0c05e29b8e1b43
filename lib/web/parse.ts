import type { z } from "zod";
import { type ErrorCode, type FieldProblem, LockstepError } from "../errors/mod.ts";

/**
 * Checks `value` against `schema`.
 *
 * @throws LockstepError `unknown_field`, `required` or `invalid_value`, with every problem in `errors`
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue): (FieldProblem & { code: ErrorCode })[] => {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        field: [...path, key].join(".").slice(0, 200),
        code: "unknown_field",
        message: `${JSON.stringify(key.slice(0, 100))} is not known here. Leave it out.`,
      }));
    }
    const missing = issue.code === "invalid_type" && issue.input === undefined;
    return [{
      field: path.join(".").slice(0, 200) || "body",
      code: missing ? "required" : "invalid_value",
      message: missing ? "This member is required." : `${issue.message}.`,
    }];
  });
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
