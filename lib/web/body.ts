import { LockstepError } from "../errors/mod.ts";
import { stoppingError } from "./request_drain.ts";

/**
 * The request's body as a stream of bytes, decompressed.
 *
 * @throws LockstepError `unsupported_media_type` for another Content-Encoding than gzip
 */
export function bodyStream(req: Request): ReadableStream<Uint8Array> {
  const body = req.body ?? new Blob([]).stream();
  const encoding = (req.headers.get("Content-Encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return body;
  if (encoding === "gzip" || encoding === "x-gzip") {
    return body.pipeThrough(new DecompressionStream("gzip") as unknown as TransformStream);
  }
  throw new LockstepError(
    "unsupported_media_type",
    `The Content-Encoding ${
      encoding.slice(0, 40)
    } is not supported. Send the body as it is or as gzip.`,
    { headers: { "Accept-Encoding": "gzip" } },
  );
}

/**
 * Reads the body as UTF-8 text of at most `limit` bytes after decompression.
 *
 * @throws LockstepError `too_large`, `invalid_encoding` when it is no gzip or no UTF-8
 */
export async function readText(req: Request, limit: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for await (const chunk of limited(req, limit)) text += decode(decoder, chunk, true);
  return text + decode(decoder, undefined, false);
}

/**
 * Chunks of the decompressed body, until there are more than `limit` bytes.
 *
 * @throws LockstepError `too_large`, `invalid_encoding`, `unavailable` when the server stops meanwhile
 */
export async function* limited(req: Request, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  const reader = bodyStream(req).getReader();
  try {
    while (true) {
      let part: ReadableStreamReadResult<Uint8Array>;
      try {
        part = await reader.read();
      } catch (cause) {
        // So Deno ends the reading of bodies when it shuts the server down.
        if (cause instanceof Deno.errors.BadResource) throw stoppingError(cause);
        throw new LockstepError(
          "invalid_encoding",
          "The body could not be read: it broke off, or is not the gzip that Content-Encoding says.",
          { cause },
        );
      }
      if (part.done) return;
      size += part.value.length;
      if (size > limit) {
        throw new LockstepError(
          "too_large",
          `The body is larger than ${limit} bytes. Send less at once, or NDJSON.`,
        );
      }
      yield part.value;
    }
  } finally {
    // Whatever is left is not wanted; a body that already broke can't be cancelled.
    await reader.cancel().catch(() => {});
  }
}

export function decode(
  decoder: TextDecoder,
  chunk: Uint8Array | undefined,
  stream: boolean,
): string {
  try {
    return decoder.decode(chunk, { stream });
  } catch (cause) {
    throw new LockstepError("invalid_encoding", "The body is not UTF-8.", { cause });
  }
}

/** The media type of the body, in lower case and without parameters. */
export function mediaType(req: Request): string {
  return (req.headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
}

/** Whether the client's `Accept` asks for this media type by name. */
export function accepts(req: Request, type: string): boolean {
  return (req.headers.get("Accept") ?? "").split(",")
    .some((part) => part.split(";")[0].trim().toLowerCase() === type);
}

/** Compresses the response if the client takes gzip. */
export function compressed(req: Request, body: BodyInit, headers: Headers): Response {
  headers.append("Vary", "Accept-Encoding");
  const gzip = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)/i
    .test(req.headers.get("Accept-Encoding") ?? "");
  if (!gzip) return new Response(body, { headers });
  headers.set("Content-Encoding", "gzip");
  const stream = new Response(body).body!.pipeThrough(new CompressionStream("gzip"));
  return new Response(stream, { headers });
}
