import { sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";

/**
 * The text of a field without space around it.
 *
 * @throws LockstepError `invalid_value` that names the field
 */
export function textField(
  field: string,
  value: string,
  { max, empty = false }: { max: number; empty?: boolean },
): string {
  const text = value.trim();
  const length = [...text].length;
  let problem: string | undefined;
  if (!text.isWellFormed() || text.includes("\0")) {
    problem = `${field} must be valid Unicode without NUL.`;
  } else if (length === 0 && !empty) problem = `${field} must not be empty.`;
  else if (length > max) problem = `${field} has ${length} characters; at most ${max} are allowed.`;
  if (problem === undefined) return text;
  throw new LockstepError("invalid_value", problem, {
    errors: [{ field, message: problem, code: "invalid_value" }],
  });
}

/** Turns a unique violation of `statement` into a `duplicate` with `message`. */
export async function duplicateAs<T>(message: string, statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (cause) {
    if (sqlError(cause)?.code !== "23505") throw cause;
    throw new LockstepError("duplicate", message, { cause });
  }
}

/** The members of `change` that are given. */
export function defined<T extends object>(change: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
