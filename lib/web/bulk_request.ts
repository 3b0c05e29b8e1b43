import type { Settings } from "../config/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { BulkPart } from "../jobs/mod.ts";
import { JsonScanner, type RawObject } from "../sync/mod.ts";
import { decode, limited, mediaType, readText } from "./body.ts";
import { jsonPush } from "./push_request.ts";

type Limits = Settings["SYNC"];

/** A bulk push as it arrives. */
export interface BulkRequest {
  organization?: string;
  /** Reads the rest of the body. */
  parts: AsyncIterable<BulkPart>;
}

/** Records of a part, and about how many characters. */
const partSize = 1000;
const partLength = 8 * 1024 * 1024;

/**
 * Reads a bulk push: the body of a push, as one JSON document or as NDJSON, which is never held in
 * memory as a whole.
 *
 * @throws LockstepError as a push, `unsupported_media_type`, and `invalid_value` for what a push in
 *   parts can't do
 */
export async function bulkRequest(req: Request, url: URL, limits: Limits): Promise<BulkRequest> {
  const type = mediaType(req);
  if (type === "application/x-ndjson" || type === "application/ndjson") {
    const { searchParams } = url;
    refuse(searchParams.get("atomic") === "true", searchParams.get("return") ?? "auto");
    return { parts: inParts(lines(req, limits)) };
  }
  if (type !== "application/json" && type !== "") {
    throw new LockstepError(
      "unsupported_media_type",
      `The Content-Type ${type.slice(0, 60)} is not supported. Send application/json, or ` +
        "application/x-ndjson with a record on each line.",
    );
  }
  const { objects, organization, atomic, returns } = jsonPush(
    await readText(req, limits.MAX_BODY_BYTES),
    { ...limits, MAX_RECORDS: limits.MAX_STREAM_RECORDS },
  );
  refuse(atomic, returns);
  return { organization, parts: inParts(objects) };
}

function refuse(atomic: boolean, returns: string): void {
  if (atomic) {
    throw wrong(
      "atomic",
      "A bulk push is written in parts. Push it at once to have all or nothing.",
    );
  }
  if (returns !== "auto" && returns !== "none") {
    throw wrong("return", "A bulk push keeps counts and errors alone. Leave it out, or say none.");
  }
}

function wrong(field: string, message: string): LockstepError {
  return new LockstepError("invalid_value", `${field}: ${message}`, {
    errors: [{ field, message }],
  });
}

async function* inParts(
  objects: Iterable<RawObject> | AsyncIterable<RawObject>,
): AsyncGenerator<BulkPart> {
  let records: string[] = [];
  let length = 0;
  let first = 0;
  const part = (): BulkPart => ({
    first,
    count: records.length,
    records: `[${records.join(",")}]`,
  });
  for await (const { raw } of objects) {
    records.push(raw);
    length += raw.length;
    if (records.length < partSize && length < partLength) continue;
    yield part();
    first += records.length;
    records = [];
    length = 0;
  }
  if (records.length > 0) yield part();
}

async function* lines(req: Request, limits: Limits): AsyncGenerator<RawObject> {
  let number = 0;
  let count = 0;
  for await (const line of textLines(req, limits)) {
    number++;
    if (line.trim() === "") continue;
    if (++count > limits.MAX_STREAM_RECORDS) {
      throw new LockstepError(
        "too_many_records",
        `The push has more than ${limits.MAX_STREAM_RECORDS} records. Send it in parts.`,
      );
    }
    try {
      yield new JsonScanner(line, limits.MAX_DEPTH).record();
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      throw new LockstepError(error.code, `Line ${number}: ${error.message}`);
    }
  }
}

async function* textLines(req: Request, limits: Limits): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of limited(req, limits.MAX_STREAM_BODY_BYTES)) {
    const found = (rest + decode(decoder, chunk, true)).split("\n");
    rest = found.pop()!;
    if (rest.length > limits.MAX_BODY_BYTES) {
      throw new LockstepError(
        "too_large",
        `A line is longer than ${limits.MAX_BODY_BYTES} characters.`,
      );
    }
    yield* found;
  }
  yield rest + decode(decoder, undefined, false);
}
