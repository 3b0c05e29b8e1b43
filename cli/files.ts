import { parse, stringify, YAMLParseError } from "yaml";
import { CliError, usage } from "./errors.ts";
import type { Host } from "./host.ts";

type Format = "json" | "yaml";

/** The format that is named, or else that of the file's name; JSON when neither says. */
export function formatOf(named: string | undefined, file: string | undefined): Format {
  const format = named?.toLowerCase() ?? (/\.ya?ml$/i.test(file ?? "") ? "yaml" : "json");
  if (format === "json" || format === "yaml") return format;
  throw usage(`--format is ${JSON.stringify(named)}, but must be json or yaml.`);
}

/** The same for files of rows; NDJSON when neither says. */
export function rowFormat(named: string | undefined, file = ""): "ndjson" | "csv" {
  const format = named ?? (/\.csv$/i.test(file) ? "csv" : "ndjson");
  if (format === "csv" || format === "ndjson") return format;
  throw usage(`--format is ${JSON.stringify(named)}, but must be ndjson or csv.`);
}

/** Reads a document from a file, or from standard input where the file is `-`. */
export async function readDocument(
  host: Host,
  file: string,
  named: string | undefined,
): Promise<unknown> {
  const format = formatOf(named, file);
  const bytes = file === "-" ? await host.readInput() : await missingAs(file, Deno.readFile(file));
  const text = utf8(bytes, file === "-" ? "Standard input" : file);
  try {
    // YAML 1.2 has no values that JSON lacks, but for these aliases, which could grow without bound.
    return format === "yaml" ? parse(text, { maxAliasCount: 100 }) : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof YAMLParseError)) throw error;
    throw new CliError(`${file} is not valid ${format.toUpperCase()}: ${error.message}`);
  }
}

/** The text without its byte order mark. @throws CliError when the bytes are not UTF-8 */
export function utf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliError(`${file} is not UTF-8. Save it as UTF-8.`);
  }
}

/** What reading `file` comes to. @throws CliError where there is no such file */
export async function missingAs<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CliError(`There is no file ${file}.`);
  }
}

/** Writes a document to a file, whole or not at all, or prints it where there is none. */
export async function writeDocument(
  host: Host,
  value: unknown,
  file: string | undefined,
  format: Format,
): Promise<void> {
  const text = format === "yaml" ? stringify(value) : `${JSON.stringify(value, null, 2)}\n`;
  if (file === undefined || file === "-") return host.out(text);
  await writeWhole(file, text);
}

/** A reader sees the old content or the new one, never a part. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}.part`;
  try {
    await Deno.writeTextFile(draft, text);
    await Deno.rename(draft, file);
  } catch (error) {
    await Deno.remove(draft).catch(() => {});
    throw error;
  }
}
