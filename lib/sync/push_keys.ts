/** The keys of new records, and the references of records to each other. @module */
import type { Transaction } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import { JsonScanner, type Member } from "./json_scanner.ts";
import { objectText, type PushRecord, type Refusal } from "./push_record.ts";
import { keysStatement } from "./push_sql.ts";

type Refused = [record: PushRecord, refusal: Refusal][];

/** Gives each record without a key the one that it will have, so that others can refer to it. */
export async function drawKeys(
  tx: Transaction,
  records: PushRecord[],
): Promise<{ keyed: PushRecord[]; refused: Refused; queries: number }> {
  const refused: Refused = [];
  let queries = 0;
  for (
    const group of Map.groupBy(
      records.filter((record) => record.missingKey.length > 0),
      (record) => `${record.model.name}\u0000${record.missingKey.join("\u0000")}`,
    ).values()
  ) {
    const { model, missingKey } = group[0];
    const keys: string[] = [];
    // A sequence may be far behind the keys of an import, other defaults seldom draw twice.
    const draws = drawsFromSequence(model, missingKey) ? 24 : 2;
    for (let draw = 0; draw < draws && keys.length < group.length; draw++) {
      const wanted = group.length - keys.length;
      const tries = Math.max(wanted, Math.min(2 ** draw, 100_000));
      const { text } = keysStatement(model, missingKey, tries, wanted);
      keys.push(...(await tx.query<{ key: string }>(text)).map(({ key }) => key));
      queries++;
    }
    for (const record of group.splice(keys.length)) {
      refused.push([record, {
        code: "duplicate",
        message: "The key that the database drew for the record is taken. Send it with a key.",
        field: missingKey[0],
        retry: false,
      }]);
    }
    group.forEach((record, i) => {
      const comma = /^\{\s*\}$/.test(record.raw) ? "" : ",";
      record.raw = `${keys[i].slice(0, -1)}${comma}${record.raw.trimStart().slice(1)}`;
      record.fields.push(...new JsonScanner(keys[i], 8).document().members);
    });
  }
  return { keyed: without(records, refused), refused, queries };
}

function drawsFromSequence(model: Model, names: string[]): boolean {
  return model.columns.some(({ name, identity, defaultExpression }) =>
    names.includes(name) && (identity !== "" || /\bnextval\(/.test(defaultExpression ?? ""))
  );
}

/** Puts keys in the place of `{"$ref": …}`. */
export function resolveReferences(
  records: PushRecord[],
): { resolved: PushRecord[]; refused: Refused } {
  if (records.every((record) => record.references.length === 0)) {
    return { resolved: records, refused: [] };
  }
  const byClientId = new Map(records.map((record) => [record.clientId, record]));
  const pending = new Set<PushRecord>();
  const refused: Refused = [];
  const resolve = (record: PushRecord): void => {
    pending.add(record);
    const values = new Map<string, Member>();
    for (const { column, clientId } of record.references) {
      const target = byClientId.get(clientId);
      // The key of a record may itself be a reference.
      if (target && target.references.length > 0 && !pending.has(target)) resolve(target);
      const value = target && referredValue(record, column, target);
      if (value && "kind" in value) values.set(column, { ...value, name: column });
      else {
        refused.push([record, value ?? unknownClientId(column, clientId)]);
        return;
      }
    }
    record.fields = record.fields.map((field) => values.get(field.name) ?? field);
    if (values.size > 0) record.raw = objectText([...record.fields, ...record.controls]);
  };
  for (const record of records) if (!pending.has(record)) resolve(record);
  return { resolved: without(records, refused), refused };
}

function without(records: PushRecord[], refused: Refused): PushRecord[] {
  if (refused.length === 0) return records;
  const gone = new Set(refused.map(([record]) => record));
  return records.filter((record) => !gone.has(record));
}

/** The value that `column` of a record has to have to refer to `target`, or why it can't. */
function referredValue(
  { model }: PushRecord,
  column: string,
  target: PushRecord,
): Member | Refusal | undefined {
  const link = model.foreignKeys.find(({ columns, targetSchema, targetTable }) =>
    columns.includes(column) && targetSchema === target.model.schema &&
    targetTable === target.model.table
  );
  if (!link) {
    return {
      code: "invalid_value",
      message: `${column} does not refer to ${target.model.name}, which the record with the ` +
        `_client_id ${JSON.stringify(target.clientId)} is of.`,
      field: column,
      retry: false,
    };
  }
  const name = link.targetColumns[link.columns.indexOf(column)];
  const value = target.fields.find((field) => field.name === name);
  return value && ["string", "number"].includes(value.kind) ? value : undefined;
}

function unknownClientId(column: string, clientId: string): Refusal {
  return {
    code: "missing_reference",
    message: `${column} refers to the _client_id ${
      JSON.stringify(clientId.slice(0, 200))
    }, which no accepted record of this push has.`,
    field: column,
    retry: true,
  };
}
