import { CliError, usage } from "./errors.ts";
import type { Host } from "./host.ts";

export interface OutputOptions {
  json?: boolean;
  yes?: boolean;
}

type Style = "bold" | "dim" | "red" | "green" | "yellow";
const codes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** One column of a table: its title, and what it shows of a row. */
export type Column<Row> = [title: string, value: (row: Row) => unknown];

/** How a command shows its results and asks. */
export class Output {
  constructor(readonly host: Host, readonly options: OutputOptions) {}

  /** Prints `value` as JSON with `--json`, else what `show` makes of it. */
  result<T>(value: T, show: (value: T) => string): void {
    const text = this.options.json ? JSON.stringify(value ?? null, null, 2) : show(value);
    this.host.out(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  }

  /** A sentence about what was done; not part of the results. */
  note(text: string): void {
    this.host.err(`${text}\n`);
  }

  /** Says that a file is written: a result for scripts, a note for people. */
  wrote(file: string): void {
    if (this.options.json) this.result({ file }, () => "");
    else this.note(`Wrote ${file}.`);
  }

  /** A table in which every row is one line. */
  table<Row>(rows: readonly Row[], columns: Column<Row>[], empty: string): string {
    if (rows.length === 0) return empty;
    const cells = rows.map((row) => columns.map(([, value]) => cellText(value(row))));
    const widths = columns.map(([title], i) =>
      Math.max(title.length, ...cells.map((line) => line[i].length))
    );
    const line = (parts: string[]) =>
      parts.map((part, i) => i === parts.length - 1 ? part : part.padEnd(widths[i])).join("  ")
        .trimEnd();
    return [
      this.style("bold", line(columns.map(([title]) => title))),
      ...cells.map(line),
    ].join("\n");
  }

  /** Colour for a person at a terminal, unless NO_COLOR says otherwise (no-color.org). */
  style(style: Style, text: string): string {
    const plain = !this.host.outIsTerminal || this.host.env("NO_COLOR") !== undefined ||
      this.options.json;
    return plain ? text : `\x1b[${codes[style]}m${text}\x1b[0m`;
  }

  /**
   * Asks before something is lost. `--yes` answers for scripts.
   *
   * @throws CliError where the answer is no, or nobody can be asked
   */
  async confirm(question: string): Promise<void> {
    if (this.options.yes) return;
    const answer = await this.host.ask(`${question} [y/N]`);
    if (answer === undefined) {
      throw usage(`${question} Nobody can be asked here: say --yes if it is meant.`);
    }
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("Nothing was changed.");
  }
}

/** Control characters of stored values must not reach the terminal. */
function cellText(value: unknown): string {
  const text = value === null || value === undefined
    ? ""
    : typeof value === "boolean"
    ? value ? "yes" : "no"
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value);
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

/** Name and value on each line. */
export function pairs(entries: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  return Object.entries(entries)
    .map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`.trimEnd())
    .join("\n");
}
