import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Api, type Json, refusal } from "../api.ts";
import type { Cli, Register } from "../cli.ts";
import { CliError, exitCode, usage } from "../errors.ts";
import { rowFormat } from "../files.ts";
import { Progress } from "../progress.ts";
import { CsvFiles, type ModelShape, NdjsonFile, type PulledFiles } from "../pulled_files.ts";
import { Resume } from "../resume.ts";

interface Options {
  out?: string;
  format?: string;
  orgSlug?: string;
  restart?: boolean;
}

/** How far the files have come, and with which cursors they go on. */
interface State {
  target: string;
  cursors: Record<string, string | null>;
  lengths: Record<string, number>;
  complete: boolean;
  records: number;
}

const tries = 4;

export const registerPull: Register = (program, run) => {
  program.command("pull")
    .argument("[models...]", "Absent: every model that may be pulled.")
    .description(
      "Pull rows into a file. Run it again after an interruption, and it goes on; after the end it " +
        "adds what changed since: rows, and keys with _op delete.",
    )
    .option("--out <path>", "NDJSON: a file. CSV: a directory with a file for each model.")
    .option("--format <format>", "ndjson or csv. Default: ndjson.")
    .option("--org-slug <slug>", "The organization, where the user is in several.")
    .option("--restart", "Begin anew.")
    .action(run(pullFiles));
};

async function pullFiles(cli: Cli, options: Options, names: string[]): Promise<void> {
  const { out, orgSlug } = options;
  const format = rowFormat(options.format);
  if (!out) throw usage("Say where to: --out rows.ndjson, or with --format csv a directory.");
  if (out === "-") {
    throw usage("Rows cannot be pulled to standard output: what goes on later goes on in a file.");
  }
  cli.requireRights();
  const api = await cli.api();
  const shapes = await pullable(api, orgSlug, names);
  if (format === "csv") await Deno.mkdir(out, { recursive: true });
  const resume = new Resume<State>(
    format === "csv" ? `${out}/.pull-state.json` : `${out}.pull-state.json`,
  );
  const target = [cli.server ?? `local:${cli.options.as}`, orgSlug ?? "", format].join(" ");
  const stored = options.restart ? undefined : await resume.read();
  if (stored && stored.target !== target) {
    throw new CliError(
      `${resume.file} is of another server, organization or format. Pull as before to go on, or ` +
        "begin anew with --restart.",
    );
  }
  const state: State = stored ??
    { target, cursors: {}, lengths: {}, complete: false, records: 0 };
  for (const name of shapes.keys()) state.cursors[name] ??= null;
  if (stored && !stored.complete) cli.out.note(`Going on after ${state.records} records.`);
  await using files = format === "csv"
    ? new CsvFiles(out, shapes, state.lengths)
    : new NdjsonFile(out, shapes, state.lengths);
  const before = state.records;
  let kept = before;
  state.complete = false;
  const progress = new Progress(cli.host, basename(out));
  const save = async () => {
    await files.flush();
    await resume.write(state);
    kept = state.records;
  };
  for (let attempt = 1; !state.complete;) {
    try {
      await pullOnce(api, state, files, { format, orgSlug, progress, save });
    } catch (error) {
      // What came after the last cursor comes again.
      files.discard();
      const lost = error instanceof CliError && error.code === exitCode.unreachable;
      if (!lost || attempt === tries) {
        if (kept > 0) cli.out.note(`${kept} records are written. Run it again to go on.`);
        throw error;
      }
      await delay(1000 * 2 ** (attempt++ - 1));
    }
  }
  progress.end();
  const written = state.records - before;
  cli.out.result(
    { records: written, out, complete: true },
    () => `${written} records were written to ${out}, which is complete.`,
  );
}

/** The models that are to be pulled, with their keys and columns. */
async function pullable(
  api: Api,
  slug: string | undefined,
  names: string[],
): Promise<Map<string, ModelShape>> {
  const { organizations } = await api.get("/api/sync/me/");
  const chosen = organizations.filter((one: Json) => slug === undefined || one.slug === slug);
  if (chosen.length !== 1) {
    const slugs = organizations.map((one: Json) => one.slug).join(", ");
    throw chosen.length > 1
      ? usage(`Name the organization: --org-slug with one of ${slugs}.`)
      : new CliError(
        slugs
          ? `There is no organization ${slug} of yours; there are ${slugs}.`
          : "You are in no " +
            "organization, so there is nothing to pull.",
        exitCode.notFound,
      );
  }
  const models = Object.entries<Json>(chosen[0].models).filter(([, { pull }]) => pull);
  const wanted = names.length === 0 ? models : names.map((name) => {
    const found = models.find(([known]) => known.toLowerCase() === name.toLowerCase());
    if (found) return found;
    const known = models.map(([known]) => known).join(", ");
    throw new CliError(
      `${name} is not a model that you may pull; ${
        known ? `there are ${known}` : "there is none"
      }.`,
      exitCode.notFound,
    );
  });
  if (wanted.length === 0) throw new CliError("There is no model that you may pull.");
  return new Map(wanted.map(([name, { key, columns }]) => [name, {
    key,
    columns: Object.keys(columns),
  }]));
}

async function pullOnce(
  api: Api,
  state: State,
  files: PulledFiles,
  { format, orgSlug, progress, save }: {
    format: string;
    orgSlug: string | undefined;
    progress: Progress;
    save: () => Promise<void>;
  },
): Promise<void> {
  const response = await api.raw("POST", "/api/sync/pull/", {
    body: { models: state.cursors, organization: orgSlug },
    headers: { Accept: "application/x-ndjson" },
    query: format === "csv" ? { numbers: "strings" } : {},
  });
  if (!response.ok) throw refusal(response.status, await response.text());
  let fresh = 0;
  let ended = false;
  for await (const line of lines(response.body!)) {
    if (!line.startsWith('{"_model"')) {
      const document = parseExact(line);
      if (document._total) {
        const counts = Object.values<unknown>(document._total).map(Number);
        progress.total = counts.reduce((sum, count) => sum + count, 0);
        continue;
      }
      if (document._reset) {
        for (const model of document._reset) await files.reset(model);
        continue;
      }
      if (document._deleted) {
        for (const [model, keys] of Object.entries<Json>(document._deleted)) {
          await files.deleted(model, keys);
          fresh += keys.length;
        }
        continue;
      }
      if (document._cursor) Object.assign(state.cursors, document._cursor);
      else if (document.metadata) {
        refuseErrors(document.metadata);
        state.complete = document.complete;
        ended = true;
      }
      state.records += fresh;
      progress.add(fresh, state.records);
      fresh = 0;
      await save();
      continue;
    }
    await files.row(line);
    fresh++;
  }
  if (!ended) {
    throw new CliError("The stream was cut before its end.", exitCode.unreachable);
  }
}

function refuseErrors(metadata: Json): void {
  for (const [model, { error }] of Object.entries<Json>(metadata)) {
    if (error) throw new CliError(`${model}: ${error.detail ?? error.code}`, exitCode.denied);
  }
}

async function* lines(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      yield* parts;
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("The connection was lost.", exitCode.unreachable, cause);
  }
}

interface RawJson {
  rawJSON(text: string): unknown;
}

/** Parses JSON; numbers are written again as they were read, however many digits they have. */
function parseExact(text: string): Json {
  const { rawJSON } = JSON as unknown as RawJson;
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ) => Json;
  return parse(
    text,
    (_, value, { source }) =>
      typeof value === "number" && String(value) !== source ? rawJSON(source) : value,
  );
}
