import { type Membership, modelAccess, type Principal, tenantOf } from "../access/mod.ts";
import { type Database, sqlError, type Transaction } from "../db/mod.ts";
import type { Catalog } from "../models/mod.ts";
import type { RawObject } from "./json_scanner.ts";
import { recordJson, type Statement } from "./pull_sql.ts";
import { statementsOfEach, writeEach } from "./push_each.ts";
import { missedReason, outside, refusalOf, sameRow, strayReference } from "./push_error.ts";
import { drawKeys, resolveReferences } from "./push_keys.ts";
import { parentsFirst, waves } from "./push_order.ts";
import { type PushOutcome, PushTally } from "./push_outcome.ts";
import { prepareRecord, type PushRecord, type Refusal } from "./push_record.ts";
import {
  changeable,
  type CheckRow,
  checkStatement,
  deleteStatement,
  groupOf,
  type PushGroup,
  writeStatement,
  type WrittenCounts,
  type WrittenRow,
} from "./push_sql.ts";
import { quarantine } from "./quarantine.ts";

export type ReturnMode = "auto" | "none" | "ids" | "records";

export interface PushOptions {
  /** All or nothing. */
  atomic: boolean;
  /** Which `results` the answer has; `auto`: where a record had no key or has a `_client_id`. */
  returns: ReturnMode;
  /** Records of the same stream that came before: indexes count from the stream's start. */
  offset?: number;
}

/** Who pushes, and how much. */
export interface PushContext {
  db: Database;
  /** As of the request: read before a transaction is open. */
  catalog: Catalog;
  principal: Principal;
  membership: Membership;
  /** Name of the device, empty when it has none. */
  device: string;
  requestId: string;
  /** Transaction settings that tell the audit trail who writes. */
  settings: Record<string, string>;
  /** Most open quarantined records of the organization. */
  quarantineLimit: number;
}

/** Records in one statement. */
const chunkSize = 5_000;

/** Carries the outcome of an atomic push out of the transaction that it rolls back. */
class Refused extends Error {
  constructor(readonly outcome: PushOutcome) {
    super("The push is refused as a whole");
  }
}

/**
 * Writes the records of a push: parents first, then deletions, children first. Good records are kept
 * and bad ones reported, or with `atomic` nothing is kept. `finish` runs in the same transaction and
 * may store the answer with it.
 */
export async function push<T>(
  context: PushContext,
  objects: RawObject[],
  options: PushOptions,
  finish: (tx: Transaction, outcome: PushOutcome) => Promise<T>,
): Promise<T> {
  try {
    return await context.db.transaction(
      { settings: context.settings, retries: 5 },
      async (tx) => {
        const outcome = await new Push(context, tx, options).run(objects);
        for (const one of [...outcome.errors, ...outcome.results ?? []]) {
          one.index += options.offset ?? 0;
        }
        if (options.atomic && outcome.errors.length > 0) throw new Refused(outcome);
        return await finish(tx, outcome);
      },
    );
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { outcome } = error;
    Object.assign(outcome, { successCount: 0, processed: new Map(), results: undefined });
    return await context.db.transaction({}, (tx) => finish(tx, outcome));
  }
}

/** Refusals that another record of the same push may put right. */
const secondChance = new Set(["missing_reference", "duplicate", "conflict"]);
/** How often they are tried again, as long as that helps. */
const mostChances = 10;

/** It is not known which of the records were written. */
const unclear: Refusal = { code: "aborted", message: "", retry: true };

class Push {
  readonly #tally = new PushTally();
  #saved = false;
  #access: Awaited<ReturnType<typeof modelAccess>> = new Map();

  constructor(
    readonly context: PushContext,
    readonly tx: Transaction,
    readonly options: PushOptions,
  ) {}

  async run(objects: RawObject[]): Promise<PushOutcome> {
    const { principal, membership } = this.context;
    [this.#access] = await Promise.all([
      modelAccess(this.tx, principal, membership, this.context.catalog),
      // Deferred constraints would fail at the commit, where no record could be blamed.
      this.tx.script("SET CONSTRAINTS ALL IMMEDIATE"),
    ]);
    this.#tally.queries += 2;
    const records = this.#prepare(objects);
    const { returns } = this.options;
    this.#tally.detailed = returns === "ids" || returns === "records" ||
      returns === "auto" &&
        records.some((r) => r.missingKey.length > 0 || r.clientId !== undefined);
    const drawn = await drawKeys(this.tx, records);
    this.#tally.queries += drawn.queries;
    const { resolved: ready, refused } = resolveReferences(drawn.keyed);
    for (const [record, refusal] of [...drawn.refused, ...refused]) {
      this.#tally.refuse(record, refusal);
    }
    for (const wave of waves(ready)) await this.#wave(wave);
    await this.#secondChance(ready);
    const outcome = this.#tally.outcome();
    if (!this.options.atomic) {
      await quarantine(this.tx, this.context, outcome.errors, objects);
    }
    return outcome;
  }

  #prepare(objects: RawObject[]): PushRecord[] {
    const records: PushRecord[] = [];
    const clientIds = new Set<string>();
    objects.forEach((object, index) => {
      const record = prepareRecord(
        object,
        index,
        this.context.catalog,
        (model) => this.#access.get(model.name)?.push,
        this.context.membership.organization.id,
      );
      if ("refusal" in record) {
        const { model, id, clientId, refusal } = record;
        this.#tally.errors.push({ index, model, id, client_id: clientId, ...refusal });
      } else if (record.clientId !== undefined && clientIds.has(record.clientId)) {
        this.#tally.refuse(record, {
          code: "invalid_value",
          message: `The _client_id ${
            JSON.stringify(record.clientId)
          } names two records of this push.`,
          field: "_client_id",
          retry: false,
        });
      } else {
        if (record.clientId !== undefined) clientIds.add(record.clientId);
        this.#tally.spell(record);
        records.push(record);
      }
    });
    return records;
  }

  /** Writes records that each concern another row: parents first, then deletions, children first. */
  async #wave(records: PushRecord[]): Promise<void> {
    const order = new Map(this.context.catalog.models.map((model, i) => [model, i]));
    const of = (operation: PushRecord["operation"], sign: number) =>
      [...Map.groupBy(
        records.filter((record) => record.operation === operation),
        (record) => record.model,
      )].sort(([a], [b]) => sign * (order.get(a)! - order.get(b)!));
    for (const [, group] of [...of("upsert", 1), ...of("delete", -1)]) await this.#model(group);
  }

  async #model(records: PushRecord[]): Promise<void> {
    const groups = Map.groupBy(
      records,
      (record) =>
        [record.operation, record.form, record.missingKey.join(), record.versioned, record.merging]
          .join("\u0001"),
    );
    for (const group of groups.values()) {
      const statement = groupOf(
        group[0],
        this.context.catalog,
        tenantOf(this.context.membership.organization),
        this.#access.get(group[0].model.name)!.push!,
      );
      for (let i = 0; i < group.length; i += chunkSize) {
        await this.#chunk(statement, group.slice(i, i + chunkSize));
      }
    }
  }

  /** Writes records in one statement; if that fails, each on its own. */
  async #chunk(group: PushGroup, records: PushRecord[]): Promise<void> {
    const mode = this.#tally.detailed || group.versioned || records[0].operation === "delete"
      ? "rows"
      : "counts";
    let refusal = await this.#attempt(group, records, mode);
    if (refusal === unclear) refusal = await this.#attempt(group, records, "rows");
    if (!refusal) return;
    if (records.length === 1) this.#tally.refuse(records[0], refusal);
    else await this.#each(group, parentsFirst(records));
  }

  /** Resolves to undefined when the records are dealt with, or to why nothing of them was kept. */
  async #attempt(
    group: PushGroup,
    records: PushRecord[],
    mode: "counts" | "rows",
  ): Promise<Refusal | undefined> {
    this.#tally.queries += 2;
    let refusal: Refusal | undefined;
    try {
      // Sent at once. The savepoint is released by the next one, or by the commit.
      [, refusal] = await Promise.all([
        this.tx.script(`${this.#saved ? "RELEASE SAVEPOINT push; " : ""}SAVEPOINT push`),
        mode === "counts" ? this.#writeCounts(group, records) : this.#writeRows(group, records),
      ]);
    } catch (error) {
      const { operation, model } = records[0];
      const sql = sqlError(error);
      refusal = sql && refusalOf(sql, model, operation);
      if (!refusal) throw error;
    }
    this.#saved = true;
    if (refusal) await this.tx.script("ROLLBACK TO SAVEPOINT push");
    return refusal;
  }

  async #writeCounts(group: PushGroup, records: PushRecord[]): Promise<Refusal | undefined> {
    let counts: WrittenCounts = { written: 0, created: 0, inside: true, strays: [], twins: false };
    if (canWrite(group)) {
      const { text, params } = writeStatement(group, arrayText(records), "counts");
      [counts] = await this.tx.query<WrittenCounts>(text, params);
    }
    const refusal = wholeRefusal(group, counts);
    if (refusal) return refusal;
    const { written, created } = counts;
    let refused = 0;
    if (written < records.length) {
      const checked = await this.#check(group, records);
      // Which records were not written can't be told from here, and for some it matters.
      if (written > 0 && checked.some(({ visible, same }) => visible && !same)) return unclear;
      for (const row of checked.filter(({ visible, same }) => !visible || !same)) {
        this.#tally.refuse(records[row.ord - 1], missedReason(group, "upsert", row));
        refused++;
      }
    }
    this.#tally.counted(group.model, records.length - refused, created, written - created);
  }

  async #writeRows(group: PushGroup, records: PushRecord[]): Promise<Refusal | undefined> {
    let rows: WrittenRow[] = [];
    if (canWrite(group) || records[0].operation === "delete") {
      const { text, params } = this.#statement(group, records, "rows");
      rows = await this.tx.query<WrittenRow>(text, params);
    }
    // A trigger gave a row another key: alone it is known which record it belongs to.
    if (rows.some(({ ord }) => ord === null) && records.length > 1) return sameRow;
    for (const row of rows) {
      const refusal = wholeRefusal(group, row);
      if (refusal) return refusal;
    }
    await this.#report(
      group,
      records,
      new Map(rows.map((row) => [records[(row.ord ?? 1) - 1], row])),
    );
  }

  async #each(group: PushGroup, records: PushRecord[]): Promise<void> {
    const statement = this.#statement(group, [], "each");
    const rows = await writeEach(this.tx, statement, records.map(({ raw }) => raw));
    this.#tally.queries += statementsOfEach;
    const { operation, model } = records[0];
    const written = new Map<PushRecord, WrittenRow>();
    const settled = records.filter((record, i) => {
      const row = rows[i];
      if (row === null) return true;
      const refusal = "failed" in row
        ? refusalOf(row.failed, model, operation)
        : wholeRefusal(group, row);
      if (refusal) this.#tally.refuse(record, refusal);
      else written.set(record, row as WrittenRow);
      return !refusal;
    });
    await this.#report(group, settled, written);
  }

  #statement(group: PushGroup, records: PushRecord[], mode: "rows" | "each"): Statement {
    const build = group.operation === "delete" ? deleteStatement : writeStatement;
    return build(group, arrayText(records), mode);
  }

  /** Notes what became of records that raised no error: the `written` ones, and why others weren't. */
  async #report(
    group: PushGroup,
    records: PushRecord[],
    written: Map<PushRecord, WrittenRow>,
  ): Promise<void> {
    const { model, operation, versioned } = group;
    const wanted = this.options.returns === "records" && operation === "upsert";
    const unversioned = this.#tally.detailed && model.kind === "partitioned" &&
      operation === "upsert";
    const asked = wanted || unversioned ? records : records.filter((one) => !written.has(one));
    const checked = await this.#check(group, asked);
    const found = new Map(checked.map((row) => [asked[row.ord - 1], row]));
    for (const record of records) {
      const row = written.get(record);
      const check = found.get(record);
      const server = wanted ? check?.server : undefined;
      if (row && operation === "delete") this.#tally.done(record, "deleted", row.key, null);
      else if (row) {
        const action = row.created ? "created" : "updated";
        this.#tally.done(record, action, row.key, row.version ?? check?.version ?? null, server);
      } else if (operation === "upsert" && check!.visible && check!.same) {
        this.#tally.done(record, "unchanged", check!.key!, check!.version, server);
      } else {
        const refusal = missedReason(group, operation, check!);
        const shown = versioned && check!.visible ? check!.server : undefined;
        this.#tally.refuse(record, refusal, shown);
      }
    }
  }

  async #check(group: PushGroup, records: PushRecord[]): Promise<CheckRow[]> {
    if (records.length === 0) return [];
    const target = {
      model: group.model,
      tracked: { id: 0, generation: "", previousColumns: {} },
      tenant: group.tenant,
      columns: null,
      numbersAsStrings: false,
      separator: "," as const,
    };
    const readable = this.#access.get(group.model.name)?.pull ?? null;
    const { text, params } = checkStatement(
      group,
      arrayText(records),
      readable,
      (row) => recordJson(target, row),
    );
    this.#tally.queries++;
    return await this.tx.query<CheckRow>(text, params);
  }

  /** Tries again what another record may have made possible meanwhile, as long as that helps. */
  async #secondChance(records: PushRecord[]): Promise<void> {
    const byIndex = new Map(records.map((record) => [record.index, record]));
    let before = 0;
    for (let pass = 0; pass < mostChances && this.#tally.written > before; pass++) {
      const due = this.#tally.errors.filter(({ code, server, index }) =>
        secondChance.has(code) && server === undefined && byIndex.has(index)
      );
      if (due.length === 0) return;
      before = this.#tally.written;
      const again = due.map(({ index }) => byIndex.get(index)!);
      this.#tally.errors = this.#tally.errors.filter((error) => !due.includes(error));
      for (const wave of waves(again)) await this.#wave(wave);
    }
  }
}

const arrayText = (records: PushRecord[]) => `[${records.map(({ raw }) => raw).join(",")}]`;

/** Records that name nothing but the key of a row can't change it. */
const canWrite = (group: PushGroup) => !group.updating || changeable(group).length > 0;

/** Why what was written has to be undone as a whole. */
function wholeRefusal(
  group: PushGroup,
  { inside, strays, twins }: Pick<WrittenRow, "inside" | "strays" | "twins">,
): Refusal | undefined {
  if (twins) return sameRow;
  if (!inside) return outside;
  const stray = strays.findIndex((count) => count > 0);
  return stray >= 0 ? strayReference(group, stray) : undefined;
}
