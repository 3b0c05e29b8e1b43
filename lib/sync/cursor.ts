import { createHmac, timingSafeEqual } from "node:crypto";
import { LockstepError } from "../errors/mod.ts";
import type { Installation } from "./installation.ts";

/**
 * Where a client stands with one model. A client holds the rows of *some* of the scopes `held`, as
 * of snapshot `s0` or, for single rows, later; it is being brought to scope `target`:
 *
 * - `scan`: the table is read by key after `key`; rows of `target` that the client may lack are sent,
 *   rows of `held` that aren't in `target` are removed.
 * - `log`: the changes that `s1` (or now, when null) sees and `s0` doesn't, after `after`.
 */
export interface Position {
  held: string[];
  target: string;
  s0: string;
  phase: "scan" | "log";
  /** Key of the last row read, as PostgreSQL's text. */
  key: string[] | null;
  s1: string | null;
  /** Transaction and sequence number of the last change read. */
  after: [string, string] | null;
  /** When the client last started over, in milliseconds since 1970. */
  started: number;
}

/** What a cursor is bound to. */
export interface CursorBinding extends Installation {
  organizationId: number;
  modelId: number;
  generation: string;
}

/** What `decodeCursor` finds: a position to go on from, or why the client must start over. */
export type Decoded = { position: Position } | { restart: string };

const prefix = "lc1";

export function encodeCursor(position: Position, binding: CursorBinding): string {
  const { held, target, s0, phase, key, s1, after, started } = position;
  const body = btoa(JSON.stringify([
    binding.identity,
    binding.organizationId,
    binding.modelId,
    binding.generation,
    held,
    target,
    s0,
    phase === "scan" ? 0 : 1,
    key && key.map(encodeURIComponent),
    s1,
    after,
    started,
  ])).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${prefix}.${body}.${seal(body, binding.cursorKey)}`;
}

/** Whether a position given by a client has a cursor's form; otherwise it is taken as a time. */
export function isCursor(text: string): boolean {
  return text.startsWith(`${prefix}.`);
}

/**
 * Checks a cursor and reads it.
 *
 * @throws LockstepError `invalid_cursor` when it is damaged or was altered, `cursor_mismatch` when it
 * belongs to another model or organization of this database.
 */
export function decodeCursor(text: string, binding: CursorBinding, modelName: string): Decoded {
  const [, body, mac, ...rest] = text.split(".");
  const parts = body && mac && rest.length === 0 ? parse(body) : undefined;
  if (!parts) throw invalidCursor(modelName);
  const [
    identity,
    organizationId,
    modelId,
    generation,
    held,
    target,
    s0,
    phase,
    key,
    s1,
    after,
    started,
  ] = parts;
  // Before the seal: another database has another key, and its clients must be able to start over.
  if (identity !== binding.identity) {
    return { restart: "The cursor comes from another database or from before a recovery." };
  }
  if (!sameSeal(mac, seal(body, binding.cursorKey))) throw invalidCursor(modelName);
  if (organizationId !== binding.organizationId || modelId !== binding.modelId) {
    throw new LockstepError(
      "cursor_mismatch",
      `The cursor given for ${modelName} belongs to another model or organization. ` +
        "Send the cursor that the last answer gave for this model, or null to start over.",
      { errors: [{ field: `models.${modelName}`, message: "The cursor belongs elsewhere." }] },
    );
  }
  if (generation !== binding.generation) {
    return { restart: "The model was reset since the cursor was given out." };
  }
  return {
    position: {
      held,
      target,
      s0,
      phase: phase === 0 ? "scan" : "log",
      key: key && key.map(decodeURIComponent),
      s1,
      after,
      started,
    },
  };
}

// deno-lint-ignore no-explicit-any
function parse(body: string): any[] | undefined {
  try {
    const parts = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
    return Array.isArray(parts) && parts.length === 12 ? parts : undefined;
  } catch {
    return undefined;
  }
}

function seal(body: string, key: string): string {
  return createHmac("sha256", key).update(body).digest("base64url").slice(0, 22);
}

function sameSeal(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(given), encoder.encode(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function invalidCursor(modelName: string): LockstepError {
  return new LockstepError(
    "invalid_cursor",
    `The cursor given for ${modelName} is damaged. ` +
      "Send it exactly as the last answer gave it, or null to start over.",
    { errors: [{ field: `models.${modelName}`, message: "The cursor is damaged." }] },
  );
}
