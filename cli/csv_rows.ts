import { CsvError, parse } from "csv-parse";
import type { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { decode, longestRecord, unreadable } from "./record_file.ts";

/** A row of a CSV file. A cell that is empty and not quoted is null. */
export interface CsvRow {
  cells: (string | null)[];
  /** Where the row ends in the file, in bytes. */
  end: number;
}

const faults: Record<string, string> = {
  CSV_INVALID_CLOSING_QUOTE: "has text after a closing quotation mark",
  INVALID_OPENING_QUOTE: "has a quotation mark in a cell that does not begin with one",
  CSV_QUOTE_NOT_CLOSED: "has a quotation mark that is not closed",
  CSV_MAX_RECORD_SIZE: "is longer than 64 MiB, or has a quotation mark that is not closed",
};

/**
 * The rows of a CSV file (RFC 4180) after the offset, where `done` of them stand before it. Empty
 * lines are left out.
 *
 * @throws CliError that names the row when it is not CSV or not UTF-8
 */
export async function* csvRows(
  path: string,
  offset: number,
  done: number,
): AsyncGenerator<CsvRow> {
  const start = offset === 0 ? await bomLength(path) : offset;
  const parser = parse({
    // The cells come as bytes, so that wrong UTF-8 is told and not replaced.
    encoding: null,
    cast: (bytes, { quoting }) => bytes.length === 0 && !quoting ? null : bytes,
    info: true,
    max_record_size: longestRecord,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    skip_empty_lines: true,
  });
  // What fails, fails the iteration.
  const rows = pipeline(createReadStream(path, { start }), parser, () => {});
  let number = done;
  try {
    for await (const { record, info } of rows) {
      number++;
      const cells = record.map((cell: Buffer | null) => cell && decode(cell, number));
      yield { cells, end: start + info.bytes };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw unreadable(done + Number(error.records) + 1, faults[error.code] ?? error.message);
  }
}

/** The length of the byte order mark, 0 without; the parser's own option makes it decode the cells. */
async function bomLength(path: string): Promise<number> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(3);
  await file.read(bytes);
  return bytes.join() === "239,187,191" ? bytes.length : 0;
}

/** One line of CSV. Null is an empty cell, the empty text a quoted one. */
export function csvLine(values: unknown[]): string {
  return values.map((value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    return text === "" || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",") + "\n";
}

const numbers = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** The JSON of a CSV cell for a column of that type; what does not fit stays text, and is refused. */
export function cellJson(cell: string | null, type: string | undefined): string {
  if (cell === null) return "null";
  const base = type?.replace(/\(.*\)/, "").trim() ?? "";
  const isNumber = /^(smallint|integer|bigint|numeric|real|double precision|int[248]|float[48])$/;
  if (isNumber.test(base) && numbers.test(cell.trim())) return cell.trim();
  if (/^(boolean|bool)$/.test(base) && /^(t|f|true|false)$/i.test(cell.trim())) {
    return /^t/i.test(cell.trim()) ? "true" : "false";
  }
  if (/^jsonb?$/.test(base) || base.endsWith("[]")) {
    try {
      JSON.parse(cell);
      return cell;
    } catch { /* Not JSON: refused as the text that it is. */ }
  }
  return JSON.stringify(cell);
}
