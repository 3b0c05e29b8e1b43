import { csvLine } from "./csv_rows.ts";
import { openAt, writeAll } from "./resume.ts";

/** What of a model decides how its rows are written. */
export interface ModelShape {
  key: string[];
  columns: string[];
}

const encoder = new TextEncoder();

/** Where the rows go. */
export interface PulledFiles extends AsyncDisposable {
  row(line: string): Promise<void>;
  deleted(model: string, keys: unknown[]): Promise<void>;
  /** All rows of the model that came before are void. */
  reset(model: string): Promise<void>;
  flush(): Promise<void>;
  /** Forgets what was not flushed. */
  discard(): void;
}

/** The members of a key: a value alone where it is one column. */
function keyOf(shape: ModelShape, key: unknown): Record<string, unknown> {
  return shape.key.length === 1 ? { [shape.key[0]]: key } : key as Record<string, unknown>;
}

/** A file that grows by what is written, and whose accounted length is kept in `lengths`. */
class Sink {
  #file: Deno.FsFile | undefined;
  #waiting: string[] = [];

  constructor(readonly path: string, readonly lengths: Record<string, number>) {}

  write(text: string): void {
    this.#waiting.push(text);
  }

  discard(): void {
    this.#waiting = [];
  }

  get isNew(): boolean {
    return (this.lengths[this.path] ?? 0) === 0 && this.#waiting.length === 0;
  }

  async flush(): Promise<void> {
    this.#file ??= await openAt(this.path, this.lengths[this.path] ?? 0);
    const bytes = encoder.encode(this.#waiting.join(""));
    this.#waiting = [];
    await writeAll(this.#file, bytes);
    await this.#file.syncData();
    this.lengths[this.path] = (this.lengths[this.path] ?? 0) + bytes.length;
  }

  close(): void {
    this.#file?.close();
  }
}

/** Rows as they came, one on each line. */
export class NdjsonFile implements PulledFiles {
  readonly #sink: Sink;

  constructor(
    path: string,
    readonly shapes: Map<string, ModelShape>,
    lengths: Record<string, number>,
  ) {
    this.#sink = new Sink(path, lengths);
  }

  row(line: string): Promise<void> {
    this.#sink.write(`${line}\n`);
    return Promise.resolve();
  }

  deleted(model: string, keys: unknown[]): Promise<void> {
    for (const key of keys) {
      const record = { _model: model, _op: "delete", ...keyOf(this.shapes.get(model)!, key) };
      this.#sink.write(`${JSON.stringify(record)}\n`);
    }
    return Promise.resolve();
  }

  reset(model: string): Promise<void> {
    this.#sink.write(`${JSON.stringify({ _model: model, _op: "reset" })}\n`);
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return this.#sink.flush();
  }

  discard(): void {
    this.#sink.discard();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#sink.close();
    return Promise.resolve();
  }
}

/** A table for each model. */
export class CsvFiles implements PulledFiles {
  readonly #sinks: Map<string, Sink>;

  constructor(
    directory: string,
    readonly shapes: Map<string, ModelShape>,
    lengths: Record<string, number>,
  ) {
    this.#sinks = new Map(
      // A model's name may hold what a file's cannot.
      [...shapes.keys()].map((name) => [
        name,
        new Sink(`${directory}/${name.replaceAll(/[^\w.-]/g, "_")}.csv`, lengths),
      ]),
    );
  }

  row(line: string): Promise<void> {
    const row = JSON.parse(line);
    return this.#write(row._model, "upsert", row);
  }

  async deleted(model: string, keys: unknown[]): Promise<void> {
    for (const key of keys) await this.#write(model, "delete", keyOf(this.shapes.get(model)!, key));
  }

  reset(model: string): Promise<void> {
    return this.#write(model, "reset", {});
  }

  #write(model: string, op: string, row: Record<string, unknown>): Promise<void> {
    const sink = this.#sinks.get(model)!;
    const { columns } = this.shapes.get(model)!;
    if (sink.isNew) sink.write(csvLine(["_op", ...columns]));
    sink.write(csvLine([op, ...columns.map((name) => row[name])]));
    return Promise.resolve();
  }

  async flush(): Promise<void> {
    for (const sink of this.#sinks.values()) await sink.flush();
  }

  discard(): void {
    for (const sink of this.#sinks.values()) sink.discard();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const sink of this.#sinks.values()) sink.close();
    return Promise.resolve();
  }
}
