import { Buffer } from "node:buffer";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, type Json, refusal } from "../api.ts";
import type { Cli, Register } from "../cli.ts";
import { CliError, exitCode, usage } from "../errors.ts";
import { cellJson, type CsvRow, csvRows } from "../csv_rows.ts";
import { missingAs, rowFormat } from "../files.ts";
import { Progress } from "../progress.ts";
import { type FileRecord, ndjsonRecords, unreadable } from "../record_file.ts";
import { openAt, Resume, writeAll } from "../resume.ts";

interface Options {
  model?: string;
  orgSlug?: string;
  format?: string;
  batchSize: string;
  restart?: boolean;
}

/** How far a push has come. */
interface State {
  /** Names the idempotency keys: a batch whose answer was lost is not written twice. */
  session: string;
  size: number;
  modified: number;
  target: string;
  batchSize: number;
  offset: number;
  records: number;
  accepted: number;
  refused: number;
  /** Length of the file of refused records. */
  refusedLength: number;
}

const encoder = new TextEncoder();
/** Of one request. */
const largestBatch = 4 * 1024 * 1024;
const tries = 4;

export const registerPush: Register = (program, run) => {
  program.command("push")
    .argument("<file>", "NDJSON: a record on each line. CSV: with the columns' names first.")
    .description(
      "Push the records of a file. Run it again after an interruption, and it goes on. What the " +
        "server refuses is in FILE.refused.ndjson.",
    )
    .option("--model <model>", "The model of records that do not name theirs in _model.")
    .option("--org-slug <slug>", "The organization, where the user is in several.")
    .option("--format <format>", "ndjson or csv. Default: by the file's name.")
    .option("--batch-size <number>", "Records of one request.", "500")
    .option("--restart", "Begin anew.")
    .action(run(pushFile));
};

async function pushFile(cli: Cli, options: Options, path: string): Promise<void> {
  const format = rowFormat(options.format, path);
  if (format === "csv" && !options.model) throw usage("A CSV file needs --model.");
  const batchSize = Number(options.batchSize);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000) {
    throw usage("--batch-size must be a whole number from 1 to 10000.");
  }
  cli.requireRights();
  if (path === "-") {
    throw usage("Standard input cannot be pushed: what is interrupted is read again. Name a file.");
  }
  const file = await missingAs(path, Deno.stat(path));
  if (file.isDirectory) {
    throw new CliError(`${path} is a directory. Name a file in it.`);
  }
  // It is read again where a push goes on.
  if (!file.isFile) throw new CliError(`${path} is no ordinary file. Write the records to one.`);
  const api = await cli.api();
  const resume = new Resume<State>(`${path}.push-state.json`);
  const state = await startOrResume(resume, file, cli, options, batchSize);
  const pending = format === "csv"
    ? await csvRecords(api, path, state, options.model!, options.orgSlug)
    : ndjsonRecords(path, state.offset, state.records, ndjsonParser(options.model));
  const refusedPath = `${path}.refused.ndjson`;
  using refused = await openAt(refusedPath, state.refusedLength);
  const progress = new Progress(cli.host, basename(path), state.size, state.offset);
  try {
    for await (const batch of batches(pending, state.batchSize)) {
      const texts = batch.map(({ text }) => text);
      const answer = await pushBatch(api, texts, `${state.session}-${state.records}`, options);
      state.accepted += answer.success_count;
      for (const { index, ...problem } of answer.errors ?? []) {
        state.refused++;
        const line = encoder.encode(
          `${JSON.stringify({ record: state.records + index + 1, ...problem }).slice(0, -1)},` +
            `"pushed":${texts[index]}}\n`,
        );
        await writeAll(refused, line);
        state.refusedLength += line.length;
      }
      state.records += batch.length;
      state.offset = batch.at(-1)!.end;
      await refused.syncData();
      await resume.write(state);
      progress.add(batch.length, state.offset);
    }
  } catch (error) {
    if (state.refusedLength === 0) await Deno.remove(refusedPath);
    if (state.records > 0) {
      cli.out.note(`${state.records} records are done. Run it again to go on.`);
    }
    throw error;
  }
  progress.end();
  await resume.remove();
  if (state.refused === 0) await Deno.remove(refusedPath);
  const { records, accepted, refused: count } = state;
  cli.out.result(
    { records, accepted, refused: count },
    () => `${accepted} of ${records} records were accepted, ${count} refused.`,
  );
  if (count > 0) throw new CliError(`See ${refusedPath} for why records were refused.`);
}

async function startOrResume(
  resume: Resume<State>,
  { size, mtime }: Deno.FileInfo,
  cli: Cli,
  { orgSlug = "", restart, model = "" }: Options,
  batchSize: number,
): Promise<State> {
  const modified = mtime?.getTime() ?? 0;
  const target = [cli.server ?? `local:${cli.options.as}`, orgSlug, model].join(" ");
  const stored = restart ? undefined : await resume.read();
  if (stored) {
    const same = stored.size === size && stored.modified === modified && stored.target === target;
    if (same) {
      cli.out.note(`Going on after ${stored.records} records.`);
      return stored;
    }
    throw new CliError(
      `${resume.file} is of another content of the file, another server, organization or model. ` +
        "Push as before to go on, or begin anew with --restart.",
    );
  }
  return {
    session: crypto.randomUUID(),
    size,
    modified,
    target,
    batchSize,
    offset: 0,
    records: 0,
    accepted: 0,
    refused: 0,
    refusedLength: 0,
  };
}

async function* batches(
  records: AsyncIterable<FileRecord>,
  most: number,
): AsyncGenerator<FileRecord[]> {
  let batch: FileRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    const size = Buffer.byteLength(record.text);
    if (batch.length === most || (bytes + size > largestBatch && bytes > 0)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function ndjsonParser(model: string | undefined) {
  return (line: string, number: number): string => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch { /* Told below. */ }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw unreadable(number, "is not a JSON object");
    }
    if ("_model" in value) return line;
    if (!model) {
      throw usage(`Record ${number} does not name its model: give it a _model, or use --model.`);
    }
    const rest = line.slice(1).trim();
    return `{"_model":${JSON.stringify(model)}${rest === "}" ? "" : ","}${rest}`;
  };
}

async function csvRecords(
  api: Api,
  path: string,
  { offset, records }: State,
  model: string,
  organization: string | undefined,
): Promise<AsyncGenerator<FileRecord>> {
  // The record before the first.
  const first = await firstOf(csvRows(path, 0, -1));
  if (!first) throw new CliError("The file is empty. Its first line must name the columns.");
  const header = first.cells.map((name) => name ?? "");
  const types = await columnTypes(api, model, organization);
  refuseUnknown(header, types, model);
  const parse = (cells: CsvRow["cells"], number: number) => {
    if (cells.length !== header.length) {
      throw unreadable(number, `has ${cells.length} cells, but there are ${header.length} columns`);
    }
    const deletes = cells[header.indexOf("_op")] === "delete";
    const members = header.flatMap((name, i) => {
      // A deletion names the key; the other cells are empty.
      if (cells[i] === null && (deletes || name.startsWith("_"))) return [];
      return `${JSON.stringify(name)}:${cellJson(cells[i], types[name])}`;
    });
    return `{${[`"_model":${JSON.stringify(model)}`, ...members].join(",")}}`;
  };
  return (async function* () {
    let number = records;
    for await (const { cells, end } of csvRows(path, Math.max(offset, first.end), records)) {
      yield { text: parse(cells, ++number), end };
    }
  })();
}

/** What a record says beside its columns. */
const meta = ["_model", "_op", "_client_id", "_version", "_base"];

/** @throws CliError where every record would be refused for a mistake in the first line */
function refuseUnknown(header: string[], types: Record<string, string>, model: string): void {
  const unknown = header.filter((name) => !(name in types || meta.includes(name)));
  if (unknown.length === 0) return;
  if (header.length === 1 && /[;\t]/.test(header[0])) {
    throw new CliError("The first line has no comma. Put commas between the cells of the file.");
  }
  const names = unknown.map((name) => JSON.stringify(name.slice(0, 100))).join(", ");
  throw new CliError(
    `${model} has no column ${names}. Its columns are ${Object.keys(types).join(", ")}.`,
  );
}

async function firstOf<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of values) return value;
}

async function columnTypes(
  api: Api,
  model: string,
  slug: string | undefined,
): Promise<Record<string, string>> {
  const { organizations } = await api.get("/api/sync/me/");
  for (const organization of organizations) {
    if (slug !== undefined && organization.slug !== slug) continue;
    const found = Object.entries<Json>(organization.models)
      .find(([name]) => name.toLowerCase() === model.toLowerCase());
    if (!found) continue;
    return Object.fromEntries(
      Object.entries<Json>(found[1].columns).map(([name, { type }]) => [name, type]),
    );
  }
  throw new CliError(`${model} is not a model that you may push.`, exitCode.notFound);
}

/** Pushes a batch; after a lost answer again, under the same key. */
async function pushBatch(
  api: Api,
  texts: string[],
  key: string,
  { orgSlug }: Options,
): Promise<Json> {
  const organization = orgSlug === undefined ? "" : `,"organization":${JSON.stringify(orgSlug)}`;
  for (let attempt = 1;; attempt++) {
    const last = attempt === tries;
    try {
      const response = await api.raw("POST", "/api/sync/push/", {
        body: `{"data":[${texts.join(",")}],"return":"none"${organization}}`,
        headers: { "Idempotency-Key": key },
      });
      const answer = await response.text();
      const document = parsed(answer);
      if (typeof document?.success_count === "number") return document;
      if (last || ![429, 502, 503, 504].includes(response.status)) {
        throw refusal(response.status, answer);
      }
      const seconds = Number(response.headers.get("Retry-After")) || 2 ** attempt;
      await delay(Math.min(seconds, 60) * 1000);
    } catch (error) {
      const lost = error instanceof CliError && error.code === exitCode.unreachable;
      if (last || !lost) throw error;
      await delay(1000 * 2 ** (attempt - 1));
    }
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
