/** Records of NDJSON and CSV files as bytes, with the place where each ends. @module */

/** One record of a file: its bytes without the line's end, and the offset after it. */
export interface FileRecord {
  bytes: Uint8Array<ArrayBuffer>;
  end: number;
}

const newline = 0x0a;
const quote = 0x22;

/**
 * The records of `file` from the offset on; empty lines are left out. With `quoted`, a line's end
 * between quotation marks belongs to the record (RFC 4180).
 */
export async function* readRecords(
  file: Deno.FsFile,
  offset: number,
  quoted: boolean,
): AsyncGenerator<FileRecord> {
  await file.seek(offset, Deno.SeekMode.Start);
  const buffer = new Uint8Array(256 * 1024);
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  let inside = false;
  for (;;) {
    const read = await file.read(buffer);
    const chunk = joined(rest, buffer.subarray(0, read ?? 0));
    let start = 0;
    // What is left of the last chunk was looked at already.
    for (let i = rest.length; i < chunk.length; i++) {
      if (quoted && chunk[i] === quote) inside = !inside;
      if (chunk[i] !== newline || inside) continue;
      const end = offset + i + 1;
      if (!isBlank(chunk.subarray(start, i))) yield { bytes: trimmed(chunk.slice(start, i)), end };
      start = i + 1;
    }
    offset += start;
    rest = chunk.slice(start);
    if (read !== null) continue;
    if (!isBlank(rest)) yield { bytes: trimmed(rest), end: offset + rest.length };
    return;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function trimmed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.at(-1) === 0x0d ? bytes.slice(0, -1) : bytes;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** The cells of one CSV record. A cell that is empty and not quoted is null. */
export function csvCells(text: string): (string | null)[] {
  const cells: (string | null)[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let cell = "";
      for (at++; at < text.length; at++) {
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') cell += text[at++];
        else break;
      }
      cells.push(cell);
      at++;
    } else {
      const end = text.indexOf(",", at) < 0 ? text.length : text.indexOf(",", at);
      cells.push(end === at ? null : text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return cells;
    // The comma; one at the very end stands before an empty cell.
    at++;
    if (at === text.length) return [...cells, null];
  }
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
