import type { Settings } from "../config/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import {
  JsonScanner,
  type Member,
  type PushOptions,
  type PushOutcome,
  type RawObject,
  type ReturnMode,
} from "../sync/mod.ts";
import { decode, limited } from "./body.ts";
import { problemBody, publicError } from "./problem.ts";
import { type PushAnswer } from "./push_answer.ts";

type Limits = Settings["SYNC"];

/** A push as it came in one JSON document. */
export interface PushEnvelope extends PushOptions {
  objects: RawObject[];
  organization?: string;
}

const returnModes = ["auto", "none", "ids", "records"];

/**
 * Reads the JSON body of a push; the records keep their text.
 *
 * @throws LockstepError `malformed_json`, `unknown_field`, `required`, `invalid_value`, `too_many_records`
 */
export function jsonPush(text: string, limits: Limits): PushEnvelope {
  const { members, repeated, objects } = new JsonScanner(text, limits.MAX_DEPTH).envelope("data");
  if (repeated !== undefined) throw wrong(repeated, "This member is given more than once.");
  const byName = new Map(members.map((member) => [member.name, member]));
  refuseUnknown(members, ["data", "organization", "atomic", "return"]);
  const data = byName.get("data");
  if (!data) {
    throw new LockstepError("required", "data: The push needs an array of records.", {
      errors: [{ field: "data", message: "This member is required." }],
    });
  }
  if (!objects) throw wrong("data", "Must be an array of records.");
  const organization = byName.get("organization");
  if (organization && organization.kind !== "string") {
    throw wrong("organization", "Must be a slug.");
  }
  const atomic = byName.get("atomic");
  if (atomic && atomic.kind !== "true" && atomic.kind !== "false") {
    throw wrong("atomic", "Must be true or false.");
  }
  const returned = byName.get("return");
  const returns = returned?.kind === "string" ? JSON.parse(returned.raw) : "auto";
  if (returned && (returned.kind !== "string" || !returnModes.includes(returns))) {
    throw wrong("return", `Must be one of ${returnModes.join(", ")}.`);
  }
  if (objects.length > limits.MAX_RECORDS) throw tooMany(limits.MAX_RECORDS);
  return {
    objects,
    organization: organization && JSON.parse(organization.raw),
    atomic: atomic?.kind === "true",
    returns: returns as ReturnMode,
  };
}

/**
 * The record that a replay pushes: the one in the body, or `kept` when the body is empty.
 *
 * @throws LockstepError `malformed_json`, `unknown_field`, `invalid_value`
 */
export function replayRecord(text: string, kept: string, limits: Limits): RawObject {
  const scan = (json: string) => new JsonScanner(json, limits.MAX_DEPTH).document();
  if (text.trim() === "") return scan(kept);
  const { members, repeated } = scan(text);
  if (repeated !== undefined) throw wrong(repeated, "This member is given more than once.");
  refuseUnknown(members, ["record"]);
  const [record] = members;
  if (!record) return scan(kept);
  if (record.kind !== "object") throw wrong("record", "Must be a record.");
  return scan(record.raw);
}

function refuseUnknown(members: Member[], known: string[]): void {
  const unknown = members.filter(({ name }) => !known.includes(name)).map(({ name }) => ({
    field: name.slice(0, 200),
    code: "unknown_field",
    message: `${JSON.stringify(name.slice(0, 100))} is not known here. Leave it out.`,
  }));
  if (unknown.length === 0) return;
  throw new LockstepError("unknown_field", unknown[0].message, { errors: unknown.slice(0, 100) });
}

/** Records that are written in one transaction of a streamed push. */
const partSize = 2000;
const partBytes = 8 * 1024 * 1024;

type Write = (
  objects: RawObject[],
  options: PushOptions,
  number: number,
) => Promise<PushAnswer & { outcome?: PushOutcome }>;

/**
 * Reads a push line by line and writes it in parts, each in a transaction of its own, while the rest
 * still arrives. The answer streams too: a line per part, and one with the totals. Resolves after the
 * first part, so that a push that is wrong from the start fails as a whole.
 */
export async function ndjsonPush(
  req: Request,
  url: URL,
  limits: Limits,
  requestId: string,
  write: Write,
): Promise<ReadableStream<Uint8Array>> {
  const returns = url.searchParams.get("return") ?? "auto";
  if (!returnModes.includes(returns)) {
    throw wrong("return", `Must be one of ${returnModes.join(", ")}.`);
  }
  if (url.searchParams.get("atomic") === "true") {
    throw wrong("atomic", "A streamed push is written in parts. Send JSON to have all or nothing.");
  }
  const options: PushOptions = { atomic: false, returns: returns as ReturnMode };
  const totals = new Totals();
  const answers = writeParts(req, limits, options, write, totals);
  const encoder = new TextEncoder();
  let pending = await answers.next();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (pending.done) {
        controller.enqueue(encoder.encode(`${totals.line()}\n`));
        return controller.close();
      }
      controller.enqueue(encoder.encode(`${pending.value}\n`));
      try {
        pending = await answers.next();
      } catch (error) {
        // What was answered so far is written; the client learns where the rest failed.
        const line = JSON.stringify({ _error: problemBody(publicError(error), requestId) });
        controller.enqueue(encoder.encode(`${line}\n`));
        controller.close();
      }
    },
    async cancel() {
      await answers.return(undefined);
    },
  }, { highWaterMark: 0 });
}

/** Reads the next part while one is written. */
async function* writeParts(
  req: Request,
  limits: Limits,
  options: PushOptions,
  write: Write,
  totals: Totals,
): AsyncGenerator<string, void> {
  const parts = readParts(req, limits);
  let offset = 0;
  try {
    let coming = parts.next();
    for (let number = 0;; number++) {
      const { done, value: objects } = await coming;
      if (done) return;
      coming = parts.next();
      // What is wrong with it is told when its turn comes.
      coming.catch(() => {});
      const { body } = await write(objects, { ...options, offset }, number);
      totals.add(body);
      offset += objects.length;
      yield body;
    }
  } finally {
    // Not awaited: it may wait for a client that sends no more, and fails where that one is gone.
    parts.return().catch(() => {});
  }
}

async function* readParts(req: Request, limits: Limits): AsyncGenerator<RawObject[], void> {
  let objects: RawObject[] = [];
  let bytes = 0;
  let count = 0;
  for await (const line of linesOf(req, limits.MAX_STREAM_BODY_BYTES, limits.MAX_BODY_BYTES)) {
    if (line.trim() === "") continue;
    if (++count > limits.MAX_STREAM_RECORDS) throw tooMany(limits.MAX_STREAM_RECORDS);
    try {
      objects.push(new JsonScanner(line, limits.MAX_DEPTH).record());
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      // A body that begins like this is not a stream of records.
      if (count === 1) throw new LockstepError("malformed_json", `Line 1: ${error.message}`);
      objects.push({ raw: JSON.stringify(line), members: [], problem: error.message });
    }
    bytes += line.length;
    if (objects.length === partSize || bytes > partBytes) {
      yield objects;
      objects = [];
      bytes = 0;
    }
  }
  if (objects.length > 0) yield objects;
}

/** The lines of the body, as UTF-8 text. */
async function* linesOf(req: Request, limit: number, lineLimit: number): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of limited(req, limit)) {
    const lines = (rest + decode(decoder, chunk, true)).split("\n");
    rest = lines.pop()!;
    if (rest.length > lineLimit) {
      throw new LockstepError("too_large", `A line is longer than ${lineLimit} characters.`);
    }
    yield* lines;
  }
  yield rest + decode(decoder, undefined, false);
}

interface PartAnswer {
  success_count: number;
  error_count: number;
  processing_time: number;
  processed_models: Record<string, Record<string, number>>;
}

class Totals {
  #success = 0;
  #errors = 0;
  #time = 0;
  readonly #models: PartAnswer["processed_models"] = {};

  add(body: string): void {
    const part: PartAnswer = JSON.parse(body);
    this.#success += part.success_count;
    this.#errors += part.error_count;
    this.#time += part.processing_time;
    for (const [name, counts] of Object.entries(part.processed_models)) {
      const sum = this.#models[name] ??= { created: 0, updated: 0 };
      for (const [action, count] of Object.entries(counts)) {
        sum[action] = (sum[action] ?? 0) + count;
      }
    }
  }

  line(): string {
    const status = this.#errors === 0 ? "success" : this.#success > 0 ? "partial_success" : "error";
    return JSON.stringify({
      status,
      success_count: this.#success,
      error_count: this.#errors,
      processed_models: this.#models,
      processing_time: Math.round(this.#time * 1000) / 1000,
    });
  }
}

/** @throws LockstepError `invalid_value` */
export function idempotencyKey(req: Request): string | undefined {
  const key = req.headers.get("Idempotency-Key");
  if (key === null) return;
  if (/^[\x21-\x7e]{1,150}$/.test(key)) return key;
  throw wrong("Idempotency-Key", "Must be 1 to 150 printable ASCII characters.");
}

function wrong(field: string, message: string): LockstepError {
  return new LockstepError("invalid_value", `${field}: ${message}`, {
    errors: [{ field, message }],
  });
}

function tooMany(limit: number): LockstepError {
  return new LockstepError(
    "too_many_records",
    `The push has more than ${limit} records. Send it in parts.`,
    { errors: [{ field: "data", message: `At most ${limit} records.` }] },
  );
}
