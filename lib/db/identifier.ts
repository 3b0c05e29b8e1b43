import { LockstepError } from "../errors/mod.ts";

/** A SQL identifier, quoted: the only place where names enter statements. */
export function identifier(...parts: string[]): string {
  return parts.map((part) => `"${withoutNul(part).replaceAll('"', '""')}"`).join(".");
}

/** A SQL string literal, for the few statements that take no parameters (DDL, trigger bodies). */
export function literal(value: string): string {
  const quoted = `'${withoutNul(value).replaceAll("'", "''")}'`;
  return value.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** PostgreSQL would take the statement to end there. */
function withoutNul(text: string): string {
  if (!text.includes("\0")) return text;
  throw new LockstepError("invalid_value", "Names and texts cannot contain the character U+0000.");
}
