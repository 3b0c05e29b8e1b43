import { type Tenant, tenantTable } from "../access/mod.ts";
import { type Actor, actorSettings } from "../audit/mod.ts";
import { type Database, identifier, sqlError, type Transaction } from "../db/mod.ts";
import { type FieldProblem, LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { refusalOf } from "./push_error.ts";
import { recordEdit } from "./record_audit.ts";
import { columnNamed, keyTexts } from "./record_columns.ts";
import { reachOfOne } from "./record_reach.ts";
import { keyMatches, readRecord, type StoredRecord } from "./record_read.ts";
import { affectedRows, strayColumn } from "./record_references.ts";

/** Which model's row is written, by whom, and within whose rows. */
export interface RecordWrite {
  db: Database;
  model: Model;
  catalog: Catalog;
  reach: Tenant;
  actor: Actor;
  /** Called first in the transaction that changes a record; throws when it must not be changed. */
  guard?: (tx: Transaction) => Promise<void>;
}

/** Column to the JSON text of its new value, as `json_to_record` reads it. */
export type RecordFields = ReadonlyMap<string, string>;

/**
 * What came of an update: `changed` names the columns whose values are now others (none: nothing was
 * written); `current` is what stands there since another change; undefined when the row is gone.
 */
export type UpdateOutcome = { changed: string[] } | { current: StoredRecord } | undefined;

/**
 * Sets columns of a row whose version is still the one given, or any for `*`. A column `updated_at` becomes the time
 * of the change.
 *
 * @throws LockstepError with the column in `errors` for what PostgreSQL refuses, and for a foreign key to
 *   another organization's row
 */
export async function updateRecord(
  write: RecordWrite,
  key: string[],
  version: string,
  fields: RecordFields,
): Promise<UpdateOutcome> {
  const { model, catalog, reach } = write;
  return await written(write, fields, async (tx) => {
    await write.guard?.(tx);
    const before = await readRecord(tx, model, reach, key, { lock: true, bytes: true });
    if (!before) return;
    if (version !== "*" && before.version !== version) {
      return { current: (await readRecord(tx, model, reach, key))! };
    }
    if (fields.size === 0) return { changed: [] };
    const own = reachOfOne(reach, before.organizationId);
    const params: unknown[] = [fieldsJson(fields)];
    const addParam = (value: unknown) => `$${params.push(value)}`;
    const { table, within } = tenantTable(model, own, "t", addParam);
    const names = [...fields.keys()];
    const sets = names.map((name) => `${identifier(name)} = r.${identifier(name)}`);
    const texts = (row: string) =>
      names.map((name) => `${row}.${identifier(name)}::text`).join(", ");
    const { count } = await tx.execute(
      `UPDATE ${table}
      SET ${[...sets, ...timeOfUpdate(model, fields)].join(", ")}
      FROM json_to_record($1::text::json) AS r (${typed(model, fields)})
      WHERE ${within} AND ${keyMatches(model, key, addParam)}
        AND (${texts("t")}) IS DISTINCT FROM (${texts("r")})`,
      params,
    );
    if (count === 0) {
      if (await isSame(tx, write, key, fields)) return { changed: [] };
      throw suppressed();
    }
    await refuseStray(tx, model, catalog, own, key, names);
    await tx.script("SET CONSTRAINTS ALL IMMEDIATE");
    const after = await readRecord(tx, model, own, key, { bytes: true });
    await recordEdit(tx, model, before, after);
    return { changed: changedColumns(model, before, after!).filter((name) => fields.has(name)) };
  });
}

/**
 * Inserts a row of the organization, null in shared models. Resolves to the texts of its key.
 *
 * @throws LockstepError as `updateRecord`
 */
export async function createRecord(
  write: RecordWrite,
  organizationId: number | null,
  fields: RecordFields,
): Promise<string[]> {
  const { model, catalog } = write;
  const own = reachOfOne(write.reach, model.tenantColumn === null ? null : organizationId);
  if (model.tenantColumn === null && !own.shared || model.tenantColumn && organizationId === null) {
    throw new LockstepError("permission_denied", `You may not add to ${model.name} here.`);
  }
  return await written(write, fields, async (tx) => {
    const params: unknown[] = [fieldsJson(fields)];
    const columns = [...fields.keys()].map((name) => identifier(name));
    const values = columns.map((name) => `r.${name}`);
    const { table, organization } = tenantTable(
      model,
      own,
      "t",
      (value) => `$${params.push(value)}`,
    );
    if (model.tenantColumn && organization) {
      columns.push(identifier(model.tenantColumn));
      values.push(organization);
    }
    const time = columnOfUpdate(model);
    if (time && !time.hasDefault && !fields.has(time.name)) {
      columns.push(identifier(time.name));
      values.push("now()");
    }
    const source = fields.size === 0
      ? "(SELECT $1::text) AS r"
      : `json_to_record($1::text::json) AS r (${typed(model, fields)})`;
    const [row] = await tx.query<{ key: string[] }>(
      `INSERT INTO ${table} (${columns.join(", ")})
      OVERRIDING SYSTEM VALUE
      SELECT ${values.join(", ")} FROM ${source}
      RETURNING ${keyTexts(model)} AS key`,
      params,
    );
    if (!row) throw suppressed();
    await refuseStray(tx, model, catalog, own, row.key, [...fields.keys()]);
    await tx.script("SET CONSTRAINTS ALL IMMEDIATE");
    const after = await readRecord(tx, model, own, row.key, { bytes: true });
    if (!after) throw suppressed();
    await recordEdit(tx, model, undefined, after);
    return row.key;
  });
}

/**
 * Deletes a row whose version is still the one given, and what the database deletes with it. Resolves
 * to whether it was deleted; `false` when it changed since, undefined when it is gone.
 *
 * @throws LockstepError `conflict` when rows that refer to it forbid that, or are of another organization
 */
export async function deleteRecord(
  write: RecordWrite,
  key: string[],
  version: string,
): Promise<boolean | undefined> {
  const { model, catalog, reach } = write;
  return await written(write, new Map(), async (tx) => {
    await write.guard?.(tx);
    const before = await readRecord(tx, model, reach, key, { lock: true, bytes: true });
    if (!before) return;
    if (before.version !== version) return false;
    const own = reachOfOne(reach, before.organizationId);
    const affected = await affectedRows(tx, model, catalog, own, key);
    const stray = affected.find(({ foreign }) => foreign);
    if (stray) {
      throw new LockstepError(
        "conflict",
        `Rows of ${stray.model.name} that are not this organization's refer to the record, so it cannot be deleted here.`,
      );
    }
    const params: unknown[] = [];
    const addParam = (value: unknown) => `$${params.push(value)}`;
    const { table, within } = tenantTable(model, own, "t", addParam);
    const { count } = await tx.execute(
      `DELETE FROM ${table} WHERE ${within} AND ${keyMatches(model, key, addParam)}`,
      params,
    );
    if (count === 0) throw suppressed();
    await tx.script("SET CONSTRAINTS ALL IMMEDIATE");
    await recordEdit(tx, model, before, undefined, affected);
    return true;
  }, "delete");
}

/** Columns whose values differ. */
export function changedColumns(model: Model, before: StoredRecord, after: StoredRecord): string[] {
  return model.columns.map(({ name }) => name)
    .filter((name) => before.values[name] !== after.values[name]);
}

/** The column that says when the row was last changed, which the server sets. */
export function columnOfUpdate(model: Model) {
  return model.columns.find(({ name, baseType, generated }) =>
    name === "updated_at" && /^timestamp(?:tz)?$/.test(baseType) && !generated
  );
}

function timeOfUpdate(model: Model, fields: RecordFields): string[] {
  const column = columnOfUpdate(model);
  return column && !fields.has(column.name) ? [`${identifier(column.name)} = now()`] : [];
}

const fieldsJson = (fields: RecordFields) =>
  `{${[...fields].map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(",")}}`;

const typed = (model: Model, fields: RecordFields) =>
  [...fields.keys()].map((name) => `${identifier(name)} ${columnNamed(model, name).type}`)
    .join(", ");

async function isSame(
  tx: Transaction,
  { model, reach }: RecordWrite,
  key: string[],
  fields: RecordFields,
): Promise<boolean> {
  const params: unknown[] = [fieldsJson(fields)];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const { table, within } = tenantTable(model, reach, "t", addParam);
  const texts = (row: string) =>
    [...fields.keys()].map((name) => `${row}.${identifier(name)}::text`).join(", ");
  const rows = await tx.query(
    `SELECT FROM ${table}, json_to_record($1::text::json) AS r (${typed(model, fields)})
    WHERE ${within} AND ${keyMatches(model, key, addParam)}
      AND (${texts("t")}) IS NOT DISTINCT FROM (${texts("r")})`,
    params,
  );
  return rows.length > 0;
}

/** @throws LockstepError `missing_reference` when one of the columns points to another organization's row */
export async function refuseStray(
  tx: Transaction,
  model: Model,
  catalog: Catalog,
  reach: Tenant,
  key: string[],
  columns: string[],
) {
  const field = await strayColumn(tx, model, catalog, reach, key, columns);
  if (field === undefined) return;
  throw refused("missing_reference", `${field} refers to a row that does not exist.`, field);
}

function refused(code: LockstepError["code"], message: string, field?: string, cause?: unknown) {
  const errors: FieldProblem[] = field === undefined ? [] : [{ field, message, code }];
  return new LockstepError(code, message, { errors, cause });
}

function suppressed(): LockstepError {
  return refused("check_violation", "A rule or trigger of the table refuses the change.");
}

async function written<T>(
  { db, model, actor }: RecordWrite,
  fields: RecordFields,
  fn: (tx: Transaction) => Promise<T>,
  operation: "upsert" | "delete" = "upsert",
): Promise<T> {
  try {
    return await db.transaction({ settings: actorSettings(actor), retries: 3 }, fn);
  } catch (cause) {
    const sql = sqlError(cause);
    const refusal = sql && refusalOf(sql, model, operation);
    if (!refusal) throw cause;
    const field = refusal.field ?? await fieldAtFault(db, model, fields, sql);
    const message = sql.code === "23503" && refusal.code === "missing_reference"
      ? `${field} refers to a row that does not exist.`
      : sql.code.startsWith("22") && field && sql.code !== "22001"
      ? `${field} takes ${columnNamed(model, field).type}, which this is not.`
      : refusal.message;
    throw refused(refusal.code, message, field, cause);
  }
}

/** The column that a refusal without a column is about: of a check of one column, or of a value. */
async function fieldAtFault(
  db: Database,
  model: Model,
  fields: RecordFields,
  { code, constraint }: { code: string; constraint?: string },
): Promise<string | undefined> {
  if (code === "23514" && constraint) {
    const [row] = await db.query<{ columns: string[] }>(
      `SELECT ARRAY(SELECT attname::text FROM pg_attribute
          WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
      FROM pg_constraint WHERE conrelid = $1::oid AND conname = $2::text::name`,
      [model.oid, constraint],
    );
    return row?.columns.find((name) => fields.has(name));
  }
  if (!code.startsWith("22")) return;
  for (const [name, raw] of fields) {
    const one = new Map([[name, raw]]);
    try {
      await db.query(
        `SELECT r.* FROM json_to_record($1::text::json) AS r (${typed(model, one)})`,
        [fieldsJson(one)],
      );
    } catch (error) {
      if (sqlError(error)?.code.startsWith("22")) return name;
      throw error;
    }
  }
}
