import type { Connection } from "../db/mod.ts";

export interface AuditStatus {
  schema: string;
  table: string;
  modelName: string;
  key: string[];
  tenantColumn: string | null;
  /**
   * `incomplete`: triggers are missing or of an older definition, on the table or a partition.
   * `disabled`: somebody switched triggers off. `gone`: the table or a key column no longer exists.
   */
  state: "active" | "incomplete" | "disabled" | "gone";
  /** What is wrong and how to mend it; empty when active. */
  message: string;
}

/** Every table that is to be audited, and whether its changes really reach the trail. */
export async function auditStatus(conn: Connection): Promise<AuditStatus[]> {
  const rows = await conn.query<StatusRow>(statement);
  return rows.map((row) => {
    const [state, message] = judge(row);
    return {
      schema: row.table_schema,
      table: row.table_name,
      modelName: row.model,
      key: row.config.key,
      tenantColumn: row.config.tenant ?? null,
      state,
      message,
    };
  });
}

interface StatusRow {
  table_schema: string;
  table_name: string;
  model: string;
  config: { key: string[]; tenant?: string | null };
  exists: boolean;
  gone_columns: string[];
  missing: string[];
  disabled: string[];
}

/** Compares the triggers that each table and partition should have with those that it has. */
const statement = `
  SELECT a.table_schema::text, a.table_name::text, a.model, a.config, c.oid IS NOT NULL AS exists,
    to_jsonb(ARRAY(SELECT k FROM jsonb_array_elements_text(a.config -> 'key') k
      WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = k
        AND attnum > 0 AND NOT attisdropped))) AS gone_columns,
    t.missing, t.disabled
  FROM lockstep.audit_table a
  LEFT JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', a.table_schema, a.table_name))
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(DISTINCT part.relid::text)
        FILTER (WHERE has.enabled IS NULL), '[]') AS missing,
      coalesce(jsonb_agg(DISTINCT part.relid::text)
        FILTER (WHERE has.enabled IN ('D', 'R')), '[]') AS disabled
    FROM (SELECT c.oid::regclass AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) part
    CROSS JOIN jsonb_array_elements_text(coalesce(a.config -> 'operations',
      '["INSERT", "UPDATE", "DELETE", "TRUNCATE"]')) op
    LEFT JOIN lockstep.audit_attached has ON has.relation = part.relid AND has.operation = op
      AND has.config = a.config::text) t
  ORDER BY a.table_schema, a.table_name`;

function judge(row: StatusRow): [AuditStatus["state"], string] {
  if (!row.exists) {
    return ["gone", "The table no longer exists. Disable its audit, or restore the table."];
  }
  if (row.gone_columns.length > 0) {
    const columns = row.gone_columns.join(", ");
    return ["gone", `The key column ${columns} no longer exists. Enable the audit again.`];
  }
  if (row.disabled.length > 0) {
    const tables = row.disabled.join(", ");
    return ["disabled", `Audit triggers of ${tables} are switched off. Enable the audit again.`];
  }
  if (row.missing.length > 0) {
    const tables = row.missing.join(", ");
    return ["incomplete", `Audit triggers of ${tables} are missing. Enable the audit again.`];
  }
  return ["active", ""];
}
