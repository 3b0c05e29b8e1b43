import type { Scope } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import type { Position } from "./cursor.ts";
import type { ModelPage } from "./pull.ts";
import {
  checksumStatement,
  holdsNothing,
  joinedScanStatement,
  logStatement,
  type PulledTarget,
  scanStatement,
} from "./pull_sql.ts";

/** Most bytes of records in one page; what is left comes with the next. */
const pageBytes = 16 * 1024 * 1024;
/** Mean bytes of records up to which they are read in one piece. */
const largestJoined = 20_000;
/** What one statement should bring: enough to be quick, little enough to be held. */
const chunkBytes = 8 * 1024 * 1024;
/** Changes read at once. */
const windowSize = 10_000;
/** Mean record size by table, to choose how many rows a statement reads. */
const meanBytes = new Map<number, number>();

const decoder = new TextDecoder();

/** Reads the rows of a page, and moves the position behind them. */
export class PullReader {
  /** Statements that were run. */
  queries = 0;
  readonly #tx: Transaction;
  #bytes = 0;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /** Reads on in the table; resolves to the number of rows that were answered. */
  async scan(
    target: PulledTarget,
    position: Position,
    held: Scope[],
    scope: Scope,
    limit: number,
    page: ModelPage,
  ): Promise<number> {
    this.queries++;
    if (holdsNothing(held) && this.#joinable(target.model)) {
      return await this.#joinedScan(target, position, scope, limit, page);
    }
    const { text, params } = scanStatement(target, position, held, scope, limit);
    const rows = await this.#tx.bytes(text, params);
    for (const [record, removed] of rows) this.#add(page, record, removed);
    this.#measure(target.model, rows);
    const last = rows.at(-1);
    if (last) position.key = last.slice(2).map((value) => decoder.decode(value!));
    return rows.length;
  }

  async #joinedScan(
    target: PulledTarget,
    position: Position,
    scope: Scope,
    limit: number,
    page: ModelPage,
  ): Promise<number> {
    const { text, params } = joinedScanStatement(target, position, scope, limit);
    const [[records, counted, ...key]] = await this.#tx.bytes(text, params);
    if (!records) return 0;
    const count = Number(decoder.decode(counted!));
    page.records.push(records);
    page.count += count;
    this.#bytes += records.length;
    this.#noteMean(target.model, records.length / count);
    position.key = key.map((value) => decoder.decode(value!));
    return count;
  }

  /**
   * Records are only joined where their size is known to be small: one value holds 1 GB at the most,
   * and the next rows may be larger than those before.
   */
  #joinable(model: Model): boolean {
    const mean = meanBytes.get(model.oid);
    const keys = model.columns.filter(({ name }) => model.key.includes(name));
    return mean !== undefined && mean < largestJoined && keys.every(({ kind }) => kind !== "array");
  }

  /** Reads one window of changes; resolves to whether it was the last. */
  async log(
    target: PulledTarget,
    position: Position,
    held: Scope[],
    scope: Scope,
    limit: number,
    page: ModelPage,
  ): Promise<boolean> {
    const { text, params } = logStatement(target, position, held, scope, windowSize, limit);
    const rows = await this.#tx.bytes(text, params);
    this.queries++;
    const size = rows.pop()!;
    const next = rows.length > limit ? rows.pop() : undefined;
    for (const [record, removed] of rows) this.#add(page, record, removed);
    this.#measure(target.model, rows);
    const pair = (a: Uint8Array | null, b: Uint8Array | null): [string, string] => [
      decoder.decode(a!),
      decoder.decode(b!),
    ];
    if (next) {
      const [xid, seq] = pair(next[2], next[3]);
      position.after = [xid, String(BigInt(seq) - 1n)];
      return false;
    }
    if (Number(decoder.decode(size[4]!)) < windowSize) return true;
    position.after = pair(size[5], size[6]);
    return false;
  }

  #add(page: ModelPage, record: Uint8Array | null, removed: Uint8Array | null) {
    if (record) {
      page.records.push(record);
      page.count++;
      this.#bytes += record.length;
    } else if (removed) page.removed.push(removed);
  }

  /** The page has as many bytes as one may have. */
  get full(): boolean {
    return this.#bytes >= pageBytes;
  }

  /** How many rows one statement should read. */
  chunk(model: Model): number {
    const mean = meanBytes.get(model.oid);
    if (!mean) return 500;
    // A power of two: each other limit would be another statement to prepare.
    return 2 ** Math.max(0, Math.floor(Math.log2(chunkBytes / mean)));
  }

  #measure(model: Model, rows: (Uint8Array | null)[][]) {
    let [count, bytes] = [0, 0];
    for (const [record] of rows) {
      if (!record) continue;
      count++;
      bytes += record.length;
    }
    if (count >= 10) this.#noteMean(model, bytes / count);
  }

  #noteMean(model: Model, mean: number) {
    meanBytes.set(model.oid, Math.max(mean, (meanBytes.get(model.oid) ?? 0) * 0.9));
  }

  /** Count and hash of the caller's rows. */
  async checksum(target: PulledTarget, scope: Scope) {
    const { text, params } = checksumStatement(target, scope);
    const [[count, sum]] = await this.#tx.bytes(text, params);
    this.queries++;
    const hash = BigInt.asUintN(64, BigInt(decoder.decode(sum!))).toString(16).padStart(16, "0");
    return { count: Number(decoder.decode(count!)), hash };
  }
}
