import type { Settings } from "../config/mod.ts";
import { type Connection, identifier } from "../db/mod.ts";
import { columnOf } from "./column.ts";
import { type DjangoNames, djangoNames } from "./django_names.ts";
import { exclusionsBy, limitPerApp } from "./exclusion.ts";
import type { Catalog, Model, ModelKind } from "./model.ts";
import { nameModels, type Naming } from "./name_models.ts";
import { orderModels } from "./order_models.ts";
import {
  type ContentTypeRow,
  type KeyRow,
  readSchema,
  type RelationRow,
  type Schema,
} from "./read_schema.ts";
import { ownedThrough, tenantColumnOf } from "./tenant_column.ts";

/** What of the settings discovery reads. */
export type DiscoverySettings = Pick<Settings, "MODEL_DISCOVERY" | "MODELS" | "TENANT">;

const kinds: Record<RelationRow["kind"], ModelKind> = {
  r: "table",
  p: "partitioned",
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/**
 * Reads the schema and makes the catalog of it that `settings` ask for, whether or not these are
 * stored: the preview of changed settings is this too.
 */
export async function discoverModels(
  db: Connection,
  settings: DiscoverySettings,
): Promise<Catalog> {
  const schema = await readSchema(db);
  const djangoSchemas = schema.django.filter(({ readable }) => readable).map(({ schema }) =>
    schema
  );
  const contentTypes = await readContentTypes(db, djangoSchemas);
  const { models, spellings, warnings } = modelsOf(
    schema,
    djangoNames(djangoSchemas, contentTypes),
    settings,
  );
  for (const { schema: name, readable } of schema.django) {
    if (!readable) {
      warnings.push(
        `The database role may not read ${name}.django_content_type, so that Django's tables are ` +
          `named like any others: GRANT SELECT ON ${name}.django_content_type.`,
      );
    }
  }
  return {
    fingerprint: await fingerprintOf(models, warnings),
    models,
    warnings,
    find: (name) => {
      const found = spellings.get(name) ?? spellings.get(name.toLowerCase());
      return found?.length === 1 ? found[0] : undefined;
    },
  };
}

async function readContentTypes(db: Connection, schemas: string[]): Promise<ContentTypeRow[]> {
  if (schemas.length === 0) return [];
  const selects = schemas.map((schema, i) =>
    `SELECT $${i + 1}::text AS schema, app_label::text AS app, model::text AS model
     FROM ${identifier(schema, "django_content_type")}`
  );
  return await db.query<ContentTypeRow>(selects.join("\nUNION ALL\n"), schemas);
}

/** The models of a schema, parents first, and which of them each spelling of a name means. */
function modelsOf(
  schema: Schema,
  django: DjangoNames,
  settings: DiscoverySettings,
) {
  const discovery = settings.MODEL_DISCOVERY;
  const { names, warnings } = nameModels(schema.relations, django, discovery);
  const columns = Map.groupBy(schema.columns, (row) => row.relation);
  const keys = Map.groupBy(schema.keys, (row) => row.relation);
  const foreignKeys = Map.groupBy(schema.foreignKeys, (row) => row.relation);
  const tables = new Set(schema.relations.map(({ schema, name }) => `${schema}\0${name}`));
  const entries = new Map(
    Object.entries(settings.MODELS).map(([name, entry]) => [name.toLowerCase(), entry]),
  );
  const exclusion = exclusionsBy(discovery);
  const [owned, shared] = [new Set<Model>(), new Set<Model>()];

  const models = schema.relations.map((relation): Model => {
    const naming = names.get(relation.oid)!;
    const ownKeys = keys.get(relation.oid) ?? [];
    const primary = ownKeys.find((key) => key.primary);
    const key = primary?.columns ?? [];
    const model: Model = {
      name: naming.name,
      app: naming.app,
      schema: relation.schema,
      table: relation.name,
      oid: relation.oid,
      kind: relation.partitionOf === null ? kinds[relation.kind] : "partition",
      columns: (columns.get(relation.oid) ?? []).map((row) =>
        columnOf(row, key.includes(row.name))
      ),
      key,
      uniqueKeys: ownKeys.filter((other) => !other.primary).map((other) => other.columns),
      foreignKeys: (foreignKeys.get(relation.oid) ?? []).map((foreign) => ({
        name: foreign.name,
        columns: foreign.columns,
        targetSchema: foreign.targetSchema,
        targetTable: foreign.targetTable,
        targetColumns: foreign.targetColumns,
      })),
      tenantColumn: null,
      rowSecurity: relation.rowSecurity,
      syncable: true,
      excludedBy: null,
      reason: "",
      enabled: true,
      writable: false,
      conflictPolicy: "last_write_wins",
      audit: false,
      estimatedRows: Math.round(relation.estimatedRows),
    };
    const tenant = tenantColumnOf(model.columns, model.foreignKeys, settings.TENANT.TENANT_COLUMNS);
    model.tenantColumn = tenant.tenantColumn;
    const entry = entryOf(entries, settings.MODELS, model, naming);
    if (tenant.tenantColumn !== null || tenant.problem) owned.add(model);
    else if (entry?.writable) shared.add(model);
    model.writable = entry?.writable ?? model.tenantColumn !== null;
    model.conflictPolicy = entry?.conflict_policy ?? "last_write_wins";
    model.audit = entry?.audit ?? false;

    const obstacle = obstacleOf(relation, model, primary) ?? tenant.problem;
    const excluded = exclusion({
      model,
      naming,
      relation,
      hasTable: (name) => tables.has(`${relation.schema}\0${name}`),
      configured: entry !== undefined,
    });
    model.syncable = obstacle === undefined;
    model.excludedBy = excluded?.setting ?? null;
    model.reason = obstacle ?? excluded?.reason ?? "";
    model.enabled = model.reason === "";
    return model;
  });
  const [column = "organization_id"] = settings.TENANT.TENANT_COLUMNS;
  for (const [model, { owner, columns }] of ownedThrough(models, owned, shared)) {
    if (!model.syncable) continue;
    model.syncable = model.enabled = false;
    model.reason =
      `Its rows belong to ${owner.name} by ${columns.join(", ")}, and it has no column ` +
      `of its own that says the organization: add a column ${column} to sync it, or mark it ` +
      "writable if its rows are everybody's.";
  }
  limitPerApp(models, discovery.MAX_MODELS_PER_APP);
  return {
    models: parentsFirst(models, schema),
    spellings: spellingsOf(models, names),
    warnings,
  };
}

/** Why a relation can take no part in a sync whatever the settings say, undefined when it can. */
function obstacleOf(
  relation: RelationRow,
  model: Model,
  primary: KeyRow | undefined,
): string | undefined {
  const { kind, partitionOf, extension, schema, name } = relation;
  if (extension !== null) return `It belongs to the extension ${extension}.`;
  if (partitionOf !== null) return `It is a partition of ${partitionOf}: sync ${partitionOf}.`;
  if (kind === "v") {
    return "It is a view: it has no rows of its own, so that their changes cannot be tracked. " +
      "Sync the tables that it reads.";
  }
  if (kind === "m") {
    return "It is a materialized view: a refresh replaces its rows without a trace. " +
      "Sync the tables that it reads.";
  }
  if (kind === "f") {
    return "It is a foreign table: changes made on the other server cannot be tracked. " +
      "Connect Lockstep to that server.";
  }
  if (!primary) return "It has no primary key, by which a row could be told from others: add one.";
  if (!primary.usable) {
    return "Its primary key is deferrable or not an ordinary index, so that ON CONFLICT cannot use it.";
  }
  const generated = model.columns.find((column) =>
    column.generated && model.key.includes(column.name)
  );
  if (generated) {
    return `Its key column ${generated.name} is generated, so that no client can name a new row.`;
  }
  if (!relation.canTrigger) {
    return "The database role may not put triggers on it, without which changes cannot be tracked: " +
      `GRANT TRIGGER ON ${schema}.${name}.`;
  }
}

/** The entry of the section MODELS; a model whose name clashes is only meant by its own exact name. */
function entryOf(
  entries: ReadonlyMap<string, Settings["MODELS"][string]>,
  settings: Settings["MODELS"],
  model: Model,
  naming: Naming,
) {
  if (!naming.spellings.includes(model.name.toLowerCase())) return settings[model.name];
  const spellings = [...naming.spellings, `${model.schema}.${model.table}`.toLowerCase()];
  const found = spellings.find((spelling) => entries.has(spelling));
  return found === undefined ? undefined : entries.get(found);
}

/** Exact names first, then every spelling in lower case with all the models that answer to it. */
function spellingsOf(models: readonly Model[], names: ReadonlyMap<number, Naming>) {
  const spellings = new Map<string, Model[]>();
  for (const model of models) {
    const raw = `${model.schema}.${model.table}`.toLowerCase();
    for (const spelling of new Set([...names.get(model.oid)!.spellings, raw])) {
      const found = spellings.get(spelling);
      if (!found) spellings.set(spelling, [model]);
      else found.push(model);
    }
  }
  for (const model of models) spellings.set(model.name, [model]);
  return spellings;
}

function parentsFirst(models: readonly Model[], schema: Schema): Model[] {
  const foreignKeys = Map.groupBy(schema.foreignKeys, (row) => row.relation);
  const byOid = new Map(models.map((model) => [model.oid, model]));
  const nodes = models.map((model) => {
    const nullable = new Set(model.columns.filter((c) => c.nullable).map((c) => c.name));
    const parents = (foreignKeys.get(model.oid) ?? []).map((foreign) => ({
      oid: foreign.targetOid,
      required: !foreign.columns.some((column) => nullable.has(column)),
    }));
    return { oid: model.oid, name: model.name, parents };
  });
  return orderModels(nodes).map((node) => byOid.get(node.oid)!);
}

async function fingerprintOf(
  models: readonly Model[],
  warnings: readonly string[],
): Promise<string> {
  const text = JSON.stringify(
    [models, warnings],
    (key, value) => key === "estimatedRows" ? 0 : value,
  );
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
