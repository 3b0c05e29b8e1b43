import type { Model } from "../models/mod.ts";
import { keyOf, type PushRecord, type RecordError, type Refusal } from "./push_record.ts";

export type Action = "created" | "updated" | "deleted" | "unchanged";

export interface RecordResult {
  index: number;
  model: string;
  /** JSON text. */
  id: string;
  action: Action;
  version: string | null;
  clientId?: string;
  /** JSON text of the row as it is pulled, when `returns` is `records`. */
  record?: string;
}

export interface PushOutcome {
  successCount: number;
  processed: Map<string, { created: number; updated: number; deleted: number }>;
  results: RecordResult[] | undefined;
  errors: RecordError[];
  /** How the client wrote the names of the models, first. */
  spellings: Map<string, string>;
  /** Statements that were run. */
  queries: number;
}

/** What became of the records of a push, as it goes on. */
export class PushTally {
  /** Results are wanted for each record. */
  detailed = false;
  queries = 0;
  /** Refused so far; they may be tried again. */
  errors: RecordError[] = [];
  #written = 0;
  readonly #results: RecordResult[] = [];
  readonly #processed: PushOutcome["processed"] = new Map();
  readonly #spellings: PushOutcome["spellings"] = new Map();

  /** How many records are dealt with and not refused. */
  get written(): number {
    return this.#written;
  }

  /** Notes how the client writes the name of the record's model. */
  spell({ model, modelName }: PushRecord): void {
    if (!this.#spellings.has(model.name)) this.#spellings.set(model.name, modelName);
  }

  /** Notes records of one model of which only the numbers are known; `done` counts unchanged ones too. */
  counted(model: Model, done: number, created: number, updated: number): void {
    this.#count(model, "created", created);
    this.#count(model, "updated", updated);
    this.#written += done;
  }

  /** Notes one record; `id` and `row` are JSON text. */
  done(
    { index, model, clientId }: PushRecord,
    action: Action,
    id: string,
    version: string | null,
    row?: string | null,
  ): void {
    this.#written++;
    this.#count(model, action, 1);
    if (!this.detailed) return;
    const record = row ?? undefined;
    this.#results.push({ index, model: model.name, id, action, version, clientId, record });
  }

  refuse(record: PushRecord, refusal: Refusal, server?: string | null): void {
    const { index, model, clientId } = record;
    // A key that the server drew is no row's.
    const id = record.missingKey.length > 0 ? undefined : keyOf(model, record.fields);
    this.errors.push({ index, model: model.name, id, client_id: clientId, ...refusal, server });
  }

  outcome(): PushOutcome {
    const byIndex = (a: { index: number }, b: { index: number }) => a.index - b.index;
    return {
      successCount: this.#written,
      processed: this.#processed,
      results: this.detailed ? this.#results.sort(byIndex) : undefined,
      errors: this.errors.sort(byIndex),
      spellings: this.#spellings,
      queries: this.queries,
    };
  }

  #count({ name }: Model, action: Action, count: number): void {
    const counts = this.#processed.get(name) ?? { created: 0, updated: 0, deleted: 0 };
    this.#processed.set(name, counts);
    if (action !== "unchanged") counts[action] += count;
  }
}
