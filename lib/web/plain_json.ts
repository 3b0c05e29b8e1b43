import { LockstepError } from "../errors/mod.ts";

/** Deepest nesting of a body. */
const deepest = 32;

/**
 * Refuses what PostgreSQL cannot hold or code should not have to follow: NUL, half a surrogate pair,
 * and nesting deeper than 32.
 *
 * @throws LockstepError `invalid_value`
 */
export function requirePlain(value: unknown, field: string): void {
  const waiting: [value: unknown, field: string, depth: number][] = [[value, field, 0]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [value, field, depth] = next;
    if (typeof value === "string") requireText(value, field);
    if (typeof value !== "object" || value === null) continue;
    if (depth === deepest) throw refused(field, `Must not be nested deeper than ${deepest}.`);
    for (const [name, inner] of Object.entries(value)) {
      requireText(name, field);
      waiting.push([inner, field === "body" ? name : `${field}.${name}`.slice(0, 200), depth + 1]);
    }
  }
}

function requireText(text: string, field: string): void {
  if (text.isWellFormed() && !text.includes("\0")) return;
  throw refused(field, "Must be valid Unicode without NUL.");
}

function refused(field: string, message: string): LockstepError {
  const name = field.toWellFormed().replaceAll("\0", "\uFFFD");
  return new LockstepError("invalid_value", `${name}: ${message}`, {
    errors: [{ field: name, message, code: "invalid_value" }],
  });
}
