import type { Model } from "../models/mod.ts";
import { type PushRecord, rowText } from "./push_record.ts";

/**
 * Parts the records so that each row occurs once in each part, in the client's order. Records with a
 * drawn key are rows of their own.
 */
export function waves(records: PushRecord[]): PushRecord[][] {
  const seen = new Map<string, number>();
  const parts: PushRecord[][] = [];
  for (const record of records) {
    let part = 0;
    if (record.keyText !== undefined) {
      const row = `${record.model.oid}\u0000${record.keyText}`;
      part = seen.get(row) ?? 0;
      seen.set(row, part + 1);
    }
    (parts[part] ??= []).push(record);
  }
  return parts;
}

/** Upserts of one model so that a row comes after those that it refers to; cycles stay as they are. */
export function parentsFirst(records: PushRecord[]): PushRecord[] {
  const { model, operation } = records[0];
  const links = operation === "delete" ? [] : linksWithin(model);
  if (links.length === 0) return records;
  const byKey = new Map(records.map((one) => [rowText(model, one.fields, model.key), one]));
  const parentsOf = ({ fields }: PushRecord) =>
    links.map((columns) => byKey.get(rowText(model, fields, columns)))
      .filter((parent) => parent !== undefined);
  const sorted = new Set<PushRecord>();
  const entered = new Set<PushRecord>();
  for (const record of records) {
    // A stack of its own: a chain may be as long as the push.
    const stack = [record];
    while (stack.length > 0) {
      const one = stack.at(-1)!;
      const waiting = entered.has(one) ? [] : parentsOf(one).filter((it) => !entered.has(it));
      entered.add(one);
      if (waiting.length > 0) stack.push(...waiting);
      else sorted.add(stack.pop()!);
    }
  }
  return [...sorted];
}

/** The columns of each foreign key of a model to its own primary key, in the order of the key. */
function linksWithin(model: Model): string[][] {
  return model.foreignKeys
    .filter(({ targetSchema, targetTable }) =>
      targetSchema === model.schema && targetTable === model.table
    )
    .map(({ columns, targetColumns }) =>
      model.key.map((name) =>
        name === model.tenantColumn ? name : columns[targetColumns.indexOf(name)]
      )
    )
    .filter((columns) => columns.every((name) => name !== undefined));
}
