import { type Database, identifier } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Actor, actorSettings } from "./actor.ts";
import { secretMarker } from "./event.ts";

export interface TableName {
  schema: string;
  table: string;
}

/** A table whose changes the trail is to have. */
export interface AuditedTable extends TableName {
  /** The name that events carry. */
  modelName: string;
  /** Columns that identify a row: the primary key or another unique key without nulls. */
  key: readonly string[];
  /** The column with the id of the organization that owns a row, or null. */
  tenantColumn: string | null;
  /** Columns whose values are never stored, only that they changed. */
  secret?: readonly string[];
  /** Columns whose change alone is no event. Default `updated_at`. */
  ignore?: readonly string[];
}

/**
 * Creates the triggers that write an event for every changed row of the table, whoever changes it,
 * on its partitions too. Done again, it mends what is missing and applies what is new: partitions
 * that were attached since, another model name. The role must own the table.
 *
 * @throws LockstepError `not_found` for an unknown table, `unprocessable` for one that cannot be
 * audited.
 */
export async function enableAudit(db: Database, table: AuditedTable, actor: Actor): Promise<void> {
  const secret = table.secret ?? [];
  const config = {
    model: table.modelName,
    key: table.key,
    tenant: table.tenantColumn,
    ignore: table.ignore ?? ["updated_at"],
    ...(secret.length > 0
      ? { mask: Object.fromEntries(secret.map((column) => [column, secretMarker])) }
      : {}),
  };
  await db.transaction({ settings: actorSettings(actor) }, async (tx) => {
    const [found] = await tx.query<{ relkind: string; relispartition: boolean; columns: string[] }>(
      `SELECT c.relkind::text, c.relispartition, to_jsonb(ARRAY(SELECT a.attname
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
        AS columns
      FROM pg_class c WHERE c.oid = to_regclass($1::text)`,
      [identifier(table.schema, table.table)],
    );
    refuseUnauditable(table, found);
    await tx.query(
      `INSERT INTO lockstep.audit_table AS t (table_schema, table_name, model, config)
      VALUES ($1::text, $2::text, $3::text, $4::text::jsonb)
      ON CONFLICT (table_schema, table_name) DO UPDATE
        SET model = excluded.model, config = excluded.config, enabled_at = now()
        WHERE (t.model, t.config) IS DISTINCT FROM (excluded.model, excluded.config)`,
      [table.schema, table.table, table.modelName, JSON.stringify(config)],
    );
    await tx.query("SELECT lockstep.audit_attach($1::text::regclass)", [
      identifier(table.schema, table.table),
    ]);
  });
}

function refuseUnauditable(
  { schema, table, key, tenantColumn, secret = [] }: AuditedTable,
  found: { relkind: string; relispartition: boolean; columns: string[] } | undefined,
) {
  const name = `${schema}.${table}`;
  if (!found) throw new LockstepError("not_found", `There is no table ${name}.`);
  const refuse = (reason: string) => {
    throw new LockstepError("unprocessable", `${name} cannot be audited: ${reason}`);
  };
  if (schema === "lockstep") refuse("Lockstep's own tables are audited as the schema defines.");
  if (!["r", "p"].includes(found.relkind)) refuse("it is not a table.");
  if (found.relispartition) refuse("it is a partition. Name the partitioned table.");
  if (key.length === 0) refuse("it has no primary key. Add one.");
  const unknown = [...key, ...secret, ...(tenantColumn === null ? [] : [tenantColumn])]
    .filter((column) => !found.columns.includes(column));
  if (unknown.length > 0) refuse(`it has no column ${unknown.join(", ")}.`);
}

/**
 * Removes the triggers of the table and its partitions. The events stay. A table that no longer
 * exists is forgotten.
 *
 * @throws LockstepError `not_found` when the table is not audited, `unprocessable` for Lockstep's own.
 */
export async function disableAudit(db: Database, table: TableName, actor: Actor): Promise<void> {
  const name = `${table.schema}.${table.table}`;
  if (table.schema === "lockstep") {
    throw new LockstepError("unprocessable", `${name} is always audited.`);
  }
  await db.transaction({ settings: actorSettings(actor) }, async (tx) => {
    const { count } = await tx.execute(
      "DELETE FROM lockstep.audit_table WHERE table_schema = $1::text AND table_name = $2::text",
      [table.schema, table.table],
    );
    if (count === 0) throw new LockstepError("not_found", `${name} is not audited.`);
    const triggers = await tx.query<{ statement: string }>(
      `SELECT format('DROP TRIGGER %I ON %s', 'lockstep_audit_' || lower(a.operation), a.relation)
        AS statement
      FROM lockstep.audit_attached a
      WHERE a.relation = to_regclass($1::text)
        OR a.relation IN (SELECT relid FROM pg_partition_tree(to_regclass($1::text)))`,
      [identifier(table.schema, table.table)],
    );
    for (const { statement } of triggers) await tx.script(statement);
  });
}
