import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { CliError } from "./errors.ts";

/** A record of a file that is pushed. */
export interface FileRecord {
  /** Its JSON: numbers keep all their digits. */
  text: string;
  /** Where it ends in the file, in bytes. */
  end: number;
}

/** No record is longer: a file of another kind, or a quotation mark that nothing closes, tells soon. */
export const longestRecord = 64 * 1024 * 1024;

const newline = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true });

export function unreadable(number: number, what: string): CliError {
  return new CliError(`Record ${number} ${what}. Mend the file, and begin with --restart.`);
}

/** @throws CliError that names record `number` when the bytes are not UTF-8 */
export function decode(bytes: Uint8Array, number: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw unreadable(number, "is not valid UTF-8");
  }
}

/**
 * The records of an NDJSON file after the offset, where `done` of them stand before it. Empty lines
 * are left out.
 *
 * @param parse makes the JSON that is pushed of a line
 * @throws CliError when a line is too long or not UTF-8
 */
export async function* ndjsonRecords(
  path: string,
  offset: number,
  done: number,
  parse: (line: string, number: number) => string,
): AsyncGenerator<FileRecord> {
  let number = done;
  /** Parts of the line that is not complete yet. */
  let parts: Uint8Array[] = [];
  let length = 0;
  const complete = function* (): Generator<FileRecord> {
    const line = decode(Buffer.concat(parts), number + 1).trim();
    [parts, length] = [[], 0];
    if (line !== "") yield { text: parse(line, ++number), end: offset };
  };
  for await (const chunk of createReadStream(path, { start: offset })) {
    let start = 0;
    for (let at; (at = chunk.indexOf(newline, start)) >= 0; start = at + 1) {
      parts.push(chunk.subarray(start, at));
      offset += at + 1 - start;
      yield* complete();
    }
    parts.push(chunk.subarray(start));
    offset += chunk.length - start;
    length += chunk.length - start;
    if (length > longestRecord) throw unreadable(number + 1, "is longer than 64 MiB");
  }
  yield* complete();
}
