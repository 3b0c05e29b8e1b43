import { z } from "zod";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Catalog, columnSchema, type Model } from "../models/mod.ts";

/** What a push does when the row changed since the client read it, for people. */
export const conflictPolicyWords: Record<Model["conflictPolicy"], string> = {
  last_write_wins: "Last write wins",
  reject: "Rejected",
  merge: "Merged",
};

/** A model as the admin API shows it. */
export const modelSchema = z.object({
  name: z.string(),
  app: z.string(),
  schema: z.string(),
  table: z.string(),
  kind: z.string(),
  key: z.array(z.string()),
  tenant_column: z.string().nullable().describe("Null for a shared model."),
  enabled: z.boolean(),
  syncable: z.boolean(),
  excluded_by: z.string().nullable().describe("The discovery setting that leaves it out."),
  reason: z.string().describe("Why it is not enabled; empty when it is."),
  writable: z.boolean(),
  conflict_policy: z.enum(["last_write_wins", "reject", "merge"]),
  audit: z.boolean(),
  columns: z.int(),
  estimated_rows: z.int().nullable().describe("The planner's estimate; staff only."),
});

export const modelDetail = modelSchema.extend({
  column_types: z.record(
    z.string(),
    z.object({
      type: z.string(),
      nullable: z.boolean(),
      max_length: z.int().optional(),
      enum: z.array(z.string()).optional(),
      references: z.string().optional(),
      read_only: z.boolean(),
    }),
  ),
  version: z.string().describe("Of its settings."),
});

export const catalogSchema = z.object({
  fingerprint: z.string(),
  items: z.array(modelSchema),
  warnings: z.array(z.string()),
});

/** @param counted with the estimate of rows, which tells of all organizations together */
export function modelView(model: Model, counted: boolean): z.input<typeof modelSchema> {
  return {
    name: model.name,
    app: model.app,
    schema: model.schema,
    table: model.table,
    kind: model.kind,
    key: model.key,
    tenant_column: model.tenantColumn,
    enabled: model.enabled,
    syncable: model.syncable,
    excluded_by: model.excludedBy,
    reason: model.reason,
    writable: model.writable,
    conflict_policy: model.conflictPolicy,
    audit: model.audit,
    columns: model.columns.length,
    estimated_rows: counted ? model.estimatedRows : null,
  };
}

/** One model with its columns and the version of its settings. */
export async function modelWithColumns(
  conn: Connection,
  catalog: Catalog,
  model: Model,
  counted: boolean,
): Promise<z.input<typeof modelDetail>> {
  return {
    ...modelView(model, counted),
    column_types: Object.fromEntries(
      model.columns.map((column) => [column.name, columnSchema(model, column, catalog)]),
    ),
    version: await modelVersion(conn, model),
  };
}

/**
 * @throws LockstepError `precondition_failed` when what is set for the model changed since `version`
 *   was read
 */
export async function requireModelVersion(
  conn: Connection,
  model: Model,
  version: string,
): Promise<void> {
  if (version === "*" || version === await modelVersion(conn, model)) return;
  throw new LockstepError(
    "precondition_failed",
    `The settings of ${model.name} were changed since you read them. Read them again, and decide.`,
  );
}

/** The version of what is set for the model; `none` when nothing is. */
async function modelVersion(conn: Connection, model: Model): Promise<string> {
  const [row] = await conn.query<{ version: string }>(
    `SELECT xmin::text AS version FROM lockstep.sync_configuration
    WHERE section = 'MODELS' AND key = $1`,
    [model.name],
  );
  return row?.version ?? "none";
}
