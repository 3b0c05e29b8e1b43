import {
  type Connection,
  type Database,
  identifier,
  literal,
  type Transaction,
} from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import { secureModel } from "./row_security.ts";

/** A table whose changes are logged in `lockstep.change_<id>`. */
export interface TrackedModel {
  id: number;
  /** Changes whenever the log can't vouch for the past: every cursor of the model then starts over. */
  generation: string;
  /** Columns whose previous values are logged, each with the `seq` after which they are. */
  previousColumns: Record<string, string>;
}

/** The tables of a partitioned table, itself included; of a plain table, itself. */
const treeOf = (oid: string) =>
  `(
  SELECT relid::oid FROM pg_partition_tree(${oid}::oid::regclass) UNION SELECT ${oid}::oid)`;

/**
 * What the log depends on: which triggers stand on which tables in which state, and the columns.
 * The `xmin` of a catalog row changes with every DDL on it, so that a trigger that was switched off
 * and on again, or a column that was rewritten, is noticed afterwards.
 */
const fingerprintOf = (oid: string) =>
  `md5(concat_ws('|', ${oid}::text,
  (SELECT string_agg(concat_ws(':', tree.relid, t.tgname, t.oid, t.xmin, t.tgenabled), ','
                     ORDER BY tree.relid, t.tgname)
   FROM ${treeOf(oid)} tree
   LEFT JOIN pg_trigger t ON t.tgrelid = tree.relid AND t.tgname LIKE 'lockstep\\_change\\_%'),
  (SELECT string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod, a.xmin), ','
                     ORDER BY a.attnum)
   FROM pg_attribute a
   WHERE a.attrelid = ${oid} AND a.attnum > 0)))`;

/**
 * The tracking state of `models` as the connection's snapshot sees it. A model that isn't tracked, or
 * whose log was bypassed since, is left out: `track` must arm it first.
 */
export async function trackedModels(
  conn: Connection,
  models: readonly Model[],
): Promise<Map<Model, TrackedModel>> {
  const rows = await conn.query<
    { position: number; id: number; generation: string; previous_columns: Record<string, string> }
  >(
    `
    SELECT wanted.position::int, m.id, m.generation, m.previous_columns
    FROM json_to_recordset($1::text::json) AS wanted (position int, oid oid, shape text)
    JOIN lockstep.tracked_model m ON m.table_oid = wanted.oid AND m.shape = wanted.shape
    WHERE m.fingerprint = ${fingerprintOf("m.table_oid")}`,
    [JSON.stringify(models.map((model, position) => ({
      position,
      oid: model.oid,
      shape: shapeOf(model),
    })))],
  );
  return new Map(rows.map((row) => [models[row.position], {
    id: row.id,
    generation: row.generation,
    previousColumns: row.previous_columns,
  }]));
}

/** Key and tenant column with their types: what the log's own columns are made from. */
function shapeOf(model: Model): string {
  const typed = (name: string) => `${name} ${columnType(model, name)}`;
  return [...model.key.map(typed), `tenant ${model.tenantColumn && typed(model.tenantColumn)}`]
    .join(", ");
}

export function columnType(model: Model, name: string): string {
  const column = model.columns.find((column) => column.name === name);
  if (!column) throw new Error(`${model.name} has no column ${name}`);
  return column.type;
}

/** The type of the log's `org` column: the tenant column's, or an integer that is 0 for shared models. */
export function organizationType(model: Model): string {
  return model.tenantColumn ? columnType(model, model.tenantColumn) : "integer";
}

/** The value of the log's `org` column for an organization. */
export function organizationValue(model: Model, organizationId: number): string {
  return model.tenantColumn ? String(organizationId) : "0";
}

export const changeTable = (id: number) => `lockstep.change_${id}`;
export const keyColumn = (position: number) => `k${position}`;
/** The log's column for the previous value of column `name`. */
export const previousColumn = (name: string) => identifier(`p_${name}`);

/**
 * Arms the change log of `model`, or repairs it. `previousColumns` are the columns whose old values
 * must be logged; earlier ones are kept. Waits for writers that are under way, so that after it every
 * committed change is in the log.
 *
 * If the log could not see some change (first time, triggers dropped or switched off, the table
 * replaced or rewritten), the model gets a new generation and its reason. Nothing is done for a table
 * that another one replaced since the catalog was read.
 */
export async function track(
  db: Database,
  model: Model,
  previousColumns: readonly string[],
): Promise<void> {
  await db.transaction(
    // Short: whoever waits for this lock makes every later writer of the table wait as well.
    { settings: { lock_timeout: "2000" }, retries: 3 },
    (tx) => arm(tx, model, previousColumns),
  );
}

async function arm(tx: Transaction, model: Model, wanted: readonly string[]): Promise<void> {
  const table = identifier(model.schema, model.table);
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('lockstep.track'), $1::int)", [
    model.oid | 0,
  ]);
  await tx.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
  const [{ same }] = await tx.query<{ same: boolean }>(
    "SELECT to_regclass($1)::oid = $2::oid AS same",
    [table, model.oid],
  );
  if (!same) return;
  const [known] = await tx.query<
    { id: number; intact: boolean; previous_columns: Record<string, string>; was: string }
  >(
    `
    SELECT m.id, m.previous_columns, m.fingerprint AS was,
      m.table_oid = $3 AND m.shape = $4 AND m.fingerprint = ${
      fingerprintOf("m.table_oid")
    } AS intact
    FROM lockstep.tracked_model m
    WHERE m.table_schema = $1 AND m.table_name = $2
    FOR UPDATE`,
    [model.schema, model.table, model.oid, shapeOf(model)],
  );
  const names = new Set(model.columns.map((column) => column.name));
  const before = known?.intact ? known.previous_columns : {};
  const added = wanted.filter((name) => !(name in before) && names.has(name));
  if (known?.intact && added.length === 0) return;

  const id = known?.id ?? (await tx.query<{ id: number }>(
    `
    INSERT INTO lockstep.tracked_model (table_schema, table_name, table_oid, fingerprint, shape)
    VALUES ($1, $2, $3, '', '')
    RETURNING id`,
    [model.schema, model.table, model.oid],
  ))[0].id;
  if (!known?.intact) {
    // Every client starts over: what it may hold is noted from then on.
    await tx.query("DELETE FROM lockstep.scope_given WHERE model_name = $1", [model.name]);
    await tx.script(`DROP TABLE IF EXISTS ${changeTable(id)} CASCADE; ${createLog(id, model)}`);
  }
  const [{ seq }] = await tx.query<{ seq: string }>(
    `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)::text
      AS seq`,
    [changeTable(id)],
  );
  const previous = { ...before, ...Object.fromEntries(added.map((name) => [name, seq])) };
  for (const name of added) {
    await tx.script(
      `ALTER TABLE ${changeTable(id)} ADD COLUMN ${previousColumn(name)} ${
        columnType(model, name)
      }`,
    );
  }
  await tx.script(createFunctions(id, model, Object.keys(previous)));
  if (!known?.intact) {
    const tree = await tx.query<{ name: string }>(
      `SELECT relid::regclass::text AS name FROM ${treeOf("$1")} tree`,
      [model.oid],
    );
    for (const { name } of tree) await tx.script(createTriggers(id, name));
  }
  const [{ row_security }] = await tx.query<{ row_security: boolean }>(
    "SELECT row_security FROM lockstep.installation",
  );
  if (row_security) await secureModel(tx, model, id);
  const reason = !known
    ? "The model is tracked for the first time."
    : "The table or its triggers were changed, so that changes may have been missed.";
  await tx.query(
    `
    UPDATE lockstep.tracked_model m
    SET table_oid = $2, shape = $3, previous_columns = $4::text::jsonb,
      fingerprint = ${fingerprintOf("$2::oid")},
      generation = CASE WHEN $5 THEN generation ELSE gen_random_uuid() END,
      reset_reason = CASE WHEN $5 THEN reset_reason ELSE $6 END,
      reset_at = CASE WHEN $5 THEN reset_at ELSE clock_timestamp() END
    WHERE id = $1`,
    [id, model.oid, shapeOf(model), JSON.stringify(previous), known?.intact ?? false, reason],
  );
}

function createLog(id: number, model: Model): string {
  const keys = model.key.map((name, i) => `${keyColumn(i)} ${columnType(model, name)} NOT NULL`);
  return `
    CREATE TABLE ${changeTable(id)} (
      seq bigint GENERATED ALWAYS AS IDENTITY,
      xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
      org ${organizationType(model)} NOT NULL,
      op "char" NOT NULL,
      ${keys.join(", ")});
    CREATE INDEX ON ${changeTable(id)} (org, xid, seq);`;
}

/**
 * The trigger functions. They run as their owner, so that every role that may write the table can
 * log. A FULL JOIN of the transition tables pairs old and new rows: what it can't pair is a row that
 * came or went, by its key or its tenant; and it is never planned as a nested loop, which a plan
 * cached from a small statement would make of an inner join.
 */
function createFunctions(id: number, model: Model, previous: string[]): string {
  const keys = model.key.map((_, i) => keyColumn(i));
  const columns = ["org", "op", ...keys, ...previous.map(previousColumn)].join(", ");
  const tenant = model.tenantColumn && identifier(model.tenantColumn);
  const org = (row: string) => tenant ? `${row}.${tenant}` : "0";
  const keysOf = (row: string) => model.key.map((name) => `${row}.${identifier(name)}`);
  const previousOf = (row: string) => previous.map((name) => `${row}.${identifier(name)}`);
  const list = (...items: string[]) => items.join(", ");
  const nulls = previous.map(() => "NULL");
  const paired = model.key.map((name) => `n.${identifier(name)} = o.${identifier(name)}`)
    .concat(tenant ? [`n.${tenant} = o.${tenant}`] : []).join(" AND ");
  const either = model.key.map((name) => `coalesce(n.${identifier(name)}, o.${identifier(name)})`);
  const first = identifier(model.key[0]);
  const owned = (row: string) => tenant ? `WHERE ${row}.${tenant} IS NOT NULL` : "";
  const body = {
    insert: `
      INSERT INTO ${changeTable(id)} (${columns})
      SELECT ${list(org("n"), "'I'", ...keysOf("n"), ...nulls)}
      FROM new_rows n ${owned("n")};`,
    update: `
      INSERT INTO ${changeTable(id)} (${columns})
      SELECT ${
      list(
        tenant ? `coalesce(n.${tenant}, o.${tenant})` : "0",
        `CASE WHEN o.${first} IS NULL THEN 'I' WHEN n.${first} IS NULL THEN 'D' ELSE 'U' END`,
        ...either,
        ...previousOf("o"),
      )
    }
      FROM new_rows n FULL JOIN old_rows o ON ${paired}
      ${tenant ? `WHERE coalesce(n.${tenant}, o.${tenant}) IS NOT NULL` : ""};`,
    delete: `
      INSERT INTO ${changeTable(id)} (${columns})
      SELECT ${list(org("o"), "'D'", ...keysOf("o"), ...previousOf("o"))}
      FROM old_rows o ${owned("o")};`,
    truncate: `
      UPDATE lockstep.tracked_model
      SET generation = gen_random_uuid(), reset_reason = 'The table was truncated.',
        reset_at = clock_timestamp()
      WHERE id = ${id};`,
  };
  return Object.entries(body).map(([event, statement]) => `
    CREATE OR REPLACE FUNCTION ${changeTable(id)}_${event}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS ${literal(`BEGIN ${statement} RETURN NULL; END`)};`).join("\n");
}

function createTriggers(id: number, table: string): string {
  const referencing: Record<string, string> = {
    insert: "REFERENCING NEW TABLE AS new_rows",
    update: "REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows",
    delete: "REFERENCING OLD TABLE AS old_rows",
    truncate: "",
  };
  // ALWAYS: also under session_replication_role = replica, as restores and replication set it.
  return Object.entries(referencing).map(([event, tables]) => `
    DROP TRIGGER IF EXISTS lockstep_change_${event} ON ${table};
    CREATE TRIGGER lockstep_change_${event} AFTER ${event.toUpperCase()} ON ${table} ${tables}
    FOR EACH STATEMENT EXECUTE FUNCTION ${changeTable(id)}_${event}();
    ALTER TABLE ${table} ENABLE ALWAYS TRIGGER lockstep_change_${event};`).join("\n");
}

/** Removes triggers and log of a table: no model of it is synced any more. */
export async function untrack(db: Database, schema: string, table: string): Promise<void> {
  await db.transaction({}, async (tx) => {
    const [tracked] = await tx.query<{ id: number }>(
      "DELETE FROM lockstep.tracked_model WHERE table_schema = $1 AND table_name = $2 RETURNING id",
      [schema, table],
    );
    if (!tracked) return;
    const functions = ["insert", "update", "delete", "truncate"]
      .map((event) => `DROP FUNCTION IF EXISTS ${changeTable(tracked.id)}_${event}() CASCADE;`);
    await tx.script(`${functions.join("\n")} DROP TABLE IF EXISTS ${changeTable(tracked.id)};`);
  });
}
