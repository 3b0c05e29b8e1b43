import type { Connection } from "../db/mod.ts";

/** A relation as `pg_catalog` has it. */
export interface RelationRow {
  oid: number;
  schema: string;
  name: string;
  /** `pg_class.relkind`. */
  kind: "r" | "p" | "v" | "m" | "f";
  /** The parent of a partition, null otherwise. */
  partitionOf: string | null;
  /** Inherits from a table or is inherited from, without partitioning. */
  inherits: boolean;
  hasRules: boolean;
  rowSecurity: boolean;
  /** The extension that the relation belongs to. */
  extension: string | null;
  /** Whether the role may use the schema: without that, no right on the table counts. */
  usable: boolean;
  canRead: boolean;
  canWrite: boolean;
  canTrigger: boolean;
  estimatedRows: number;
}

/** A column; `type…` is what it declares, `base…` the same with domains resolved. */
export interface ColumnRow {
  relation: number;
  number: number;
  name: string;
  type: string;
  baseType: string;
  /** `pg_type.typtype` of the base type. */
  typeKind: string;
  modifier: number;
  notNull: boolean;
  defaultExpression: string | null;
  typeDefault: boolean;
  identity: "" | "a" | "d";
  generated: "" | "s" | "v";
  /** Of arrays alone. */
  elementType: string | null;
  elementKind: string | null;
  enumValues: string[] | null;
}

export interface KeyRow {
  relation: number;
  primary: boolean;
  /** A btree index that is checked at once, as `ON CONFLICT` and keyset paging need it. */
  usable: boolean;
  columns: string[];
}

export interface ForeignKeyRow {
  relation: number;
  name: string;
  columns: string[];
  targetOid: number;
  targetSchema: string;
  targetTable: string;
  targetColumns: string[];
}

export interface ContentTypeRow {
  schema: string;
  app: string;
  model: string;
}

export interface Schema {
  relations: RelationRow[];
  columns: ColumnRow[];
  keys: KeyRow[];
  foreignKeys: ForeignKeyRow[];
  /** Schemas that have Django's table of content types, and whether it can be read. */
  django: { schema: string; readable: boolean }[];
}

/** One statement, so that all parts are of one moment; one pass per catalog, however many tables. */
const schemaStatement = `
WITH RECURSIVE relation AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relhasrules, c.relrowsecurity AND NOT EXISTS (
      SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'lockstep_open') AS relrowsecurity,
    c.reltuples, has_schema_privilege(n.oid, 'USAGE') AS usable
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_'
    AND n.nspname NOT IN ('information_schema', 'lockstep')
),
-- What each domain is made of in the end, with the length that the innermost domain sets.
resolved AS (
  SELECT oid AS domain, typbasetype AS base, typtypmod AS modifier, typnotnull AS not_null,
    typdefault IS NOT NULL AS has_default
  FROM pg_type
  WHERE typtype = 'd'
  UNION ALL
  SELECT r.domain, t.typbasetype, t.typtypmod, r.not_null OR t.typnotnull,
    r.has_default OR t.typdefault IS NOT NULL
  FROM resolved r
  JOIN pg_type t ON t.oid = r.base
  WHERE t.typtype = 'd'
),
base AS MATERIALIZED (
  SELECT r.* FROM resolved r JOIN pg_type t ON t.oid = r.base WHERE t.typtype <> 'd'
),
labels AS MATERIALIZED (
  SELECT enumtypid, json_agg(enumlabel ORDER BY enumsortorder) AS labels
  FROM pg_enum
  GROUP BY enumtypid
),
typed AS MATERIALIZED (
  SELECT a.attrelid, a.attnum, a.attname, a.attnotnull OR coalesce(b.not_null, false) AS not_null,
    a.attidentity, a.attgenerated, a.atthasdef, coalesce(b.has_default, false) AS type_default,
    coalesce(b.base, a.atttypid) AS type,
    CASE WHEN b.base IS NULL THEN a.atttypmod ELSE b.modifier END AS modifier
  FROM pg_attribute a
  JOIN relation r ON r.oid = a.attrelid
  LEFT JOIN base b ON b.domain = a.atttypid
  WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT json_build_object(
  'relations', (
    SELECT coalesce(json_agg(json_build_object(
      'oid', r.oid::bigint, 'schema', r.nspname, 'name', r.relname, 'kind', r.relkind,
      'partitionOf', CASE WHEN r.relispartition THEN (
        SELECT pn.nspname || '.' || p.relname
        FROM pg_inherits i
        JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE i.inhrelid = r.oid
        LIMIT 1
      ) END,
      'inherits', r.relkind = 'r' AND NOT r.relispartition AND (h.oid IS NOT NULL),
      'hasRules', r.relhasrules AND r.relkind IN ('r', 'p'),
      'rowSecurity', r.relrowsecurity,
      'extension', e.extname,
      'usable', r.usable,
      'canRead', r.usable AND has_table_privilege(r.oid, 'SELECT'),
      'canWrite', r.usable AND has_table_privilege(r.oid, 'INSERT')
        AND has_table_privilege(r.oid, 'UPDATE') AND has_table_privilege(r.oid, 'DELETE'),
      'canTrigger', has_table_privilege(r.oid, 'TRIGGER'),
      'estimatedRows', greatest(r.reltuples, 0)
    )), '[]')
    FROM relation r
    LEFT JOIN (SELECT inhrelid AS oid FROM pg_inherits UNION SELECT inhparent FROM pg_inherits) h
      ON h.oid = r.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
      AND d.objsubid = 0 AND d.deptype = 'e'
    LEFT JOIN pg_extension e ON e.oid = d.refobjid
  ),
  'columns', (
    SELECT coalesce(json_agg(json_build_object(
      'relation', c.attrelid::bigint, 'number', c.attnum, 'name', c.attname,
      'type', format_type(c.type, c.modifier), 'baseType', t.typname, 'typeKind', t.typtype,
      'modifier', coalesce(eb.modifier, c.modifier), 'notNull', c.not_null,
      'defaultExpression', CASE WHEN c.atthasdef AND c.attgenerated = '' THEN (
        SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
        WHERE adrelid = c.attrelid AND adnum = c.attnum
      ) END,
      'typeDefault', c.type_default, 'identity', c.attidentity, 'generated', c.attgenerated,
      'elementType', et.typname, 'elementKind', et.typtype,
      'enumValues', coalesce(l.labels, el.labels)
    ) ORDER BY c.attrelid, c.attnum), '[]')
    FROM typed c
    JOIN pg_type t ON t.oid = c.type
    LEFT JOIN base eb ON eb.domain = t.typelem AND t.typlen = -1
    LEFT JOIN pg_type et ON et.oid = coalesce(eb.base, t.typelem)
      AND t.typlen = -1 AND t.typelem <> 0 AND t.typcategory = 'A'
    LEFT JOIN labels l ON l.enumtypid = t.oid
    LEFT JOIN labels el ON el.enumtypid = et.oid
  ),
  'keys', (
    SELECT coalesce(json_agg(json_build_object(
      'relation', i.indrelid::bigint, 'primary', i.indisprimary,
      'usable', i.indimmediate AND m.amname = 'btree' AND i.indisvalid,
      'columns', k.columns
    ) ORDER BY i.indrelid, i.indexrelid), '[]')
    FROM pg_index i
    JOIN relation r ON r.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam
    CROSS JOIN LATERAL (
      SELECT json_agg(a.attname ORDER BY key.position) AS columns
      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key(attnum, position)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
      WHERE key.position <= i.indnkeyatts
    ) k
    WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
  ),
  'foreignKeys', (
    SELECT coalesce(json_agg(json_build_object(
      'relation', f.conrelid::bigint, 'name', f.conname, 'columns', k.columns,
      'targetOid', t.oid::bigint, 'targetSchema', n.nspname, 'targetTable', t.relname,
      'targetColumns', k.targets
    ) ORDER BY f.conrelid, f.conname), '[]')
    FROM pg_constraint f
    JOIN relation r ON r.oid = f.conrelid
    JOIN pg_class t ON t.oid = f.confrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL (
      SELECT json_agg(a.attname ORDER BY key.position) AS columns,
        json_agg(b.attname ORDER BY key.position) AS targets
      FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS key(own, target, position)
      JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.own
      JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = key.target
    ) k
    -- A foreign key to or of a partitioned table has further rows for the partitions.
    WHERE f.contype = 'f' AND (f.conparentid = 0 OR r.relispartition)
  ),
  'django', (
    SELECT coalesce(json_agg(json_build_object(
      'schema', r.nspname, 'readable', r.usable AND has_table_privilege(r.oid, 'SELECT')
    ) ORDER BY r.nspname), '[]')
    FROM relation r
    WHERE r.relname = 'django_content_type' AND r.relkind IN ('r', 'p')
      AND (SELECT count(*) FROM typed WHERE attrelid = r.oid AND attname IN ('app_label', 'model')) = 2
  )
)::text AS schema`;

/** Reads every relation outside of PostgreSQL's own schemas and ours, temporary ones excepted. */
export async function readSchema(db: Connection): Promise<Schema> {
  const [{ schema }] = await db.query<{ schema: string }>(schemaStatement);
  return JSON.parse(schema);
}
