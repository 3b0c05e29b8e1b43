import { identifier, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { AuditEvent } from "./event.ts";

/** The table that a revert changes, as it is now. */
export interface RevertTarget {
  /** Quoted. */
  name: string;
  columns: ReadonlySet<string>;
  /** Columns that an UPDATE may set. */
  writable: ReadonlySet<string>;
  /** Columns that an INSERT may set. */
  insertable: ReadonlySet<string>;
  ignored: ReadonlySet<string>;
  /** Columns of which the trail keeps no values. */
  masked: ReadonlySet<string>;
  /** What a masked column gets when a deleted row comes back. */
  restore: Record<string, string>;
  /** Joins the row `t` with the key record `k`. */
  keyMatches: string;
  /** Foreign keys that point here. `table` is quoted. */
  references: { table: string; columns: string[]; targetColumns: string[] }[];
  /** SQL of the parameter with that number, JSON text, as a row of the table. */
  record(parameter: number): string;
}

/** @throws LockstepError `conflict` when the event's table, or its key, is no longer there. */
export async function revertTarget(tx: Transaction, event: AuditEvent): Promise<RevertTarget> {
  const [row] = await tx.query<TargetRow>(statement, [event.model]);
  const refuse = (reason: string) => {
    throw new LockstepError("conflict", `The change cannot be reverted: ${reason}`);
  };
  if (!row) refuse(`${event.model} is not audited any more.`);
  const all = row.columns.map(({ name }) => name);
  const key = Object.keys(event.key ?? {});
  const gone = key.filter((column) => !all.includes(column));
  if (gone.length > 0) refuse(`the table no longer has the column ${gone.join(", ")}.`);
  const name = identifier(row.table_schema, row.table_name);
  const insertable = row.columns.filter((column) => !column.generated);
  return {
    name,
    columns: new Set(all),
    writable: new Set(insertable.filter((c) => c.identity !== "a").map((c) => c.name)),
    insertable: new Set(insertable.map((column) => column.name)),
    ignored: new Set(row.config.ignore),
    masked: new Set(Object.keys(row.config.mask ?? {})),
    restore: row.config.restore ?? {},
    keyMatches: key.map((column) => `t.${identifier(column)} = k.${identifier(column)}`)
      .join(" AND "),
    references: row.references,
    record: (parameter) => `jsonb_populate_record(NULL::${name}, $${parameter}::text::jsonb)`,
  };
}

interface TargetRow {
  table_schema: string;
  table_name: string;
  config: { ignore: string[]; mask?: Record<string, string>; restore?: Record<string, string> };
  columns: { name: string; generated: boolean; identity: string }[];
  references: RevertTarget["references"];
}

const statement = `
  SELECT a.table_schema::text, a.table_name::text, a.config,
    (SELECT jsonb_agg(jsonb_build_object('name', attname, 'generated', attgenerated <> '',
        'identity', attidentity))
      FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'table', format('%I.%I', n.nspname, r.relname),
        'columns', (SELECT jsonb_agg(attname ORDER BY i) FROM unnest(f.conkey) WITH ORDINALITY u (k, i)
          JOIN pg_attribute ON attrelid = f.conrelid AND attnum = k),
        'targetColumns', (SELECT jsonb_agg(attname ORDER BY i)
          FROM unnest(f.confkey) WITH ORDINALITY u (k, i)
          JOIN pg_attribute ON attrelid = f.confrelid AND attnum = k))), '[]')
      FROM pg_constraint f
      JOIN pg_class r ON r.oid = f.conrelid
      JOIN pg_namespace n ON n.oid = r.relnamespace
      WHERE f.contype = 'f' AND f.confrelid = c.oid AND f.conparentid = 0) AS "references"
  FROM lockstep.audit_table a
  JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', a.table_schema, a.table_name))
  WHERE a.model = $1::text`;
