import { actorSettings } from "../../lib/audit/mod.ts";
import { type Database, sqlError } from "../../lib/db/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";
import { importActor } from "./import_installation.ts";

/** The tables that an import writes, those that refer to others first. */
const tables: Record<string, string[]> = {
  sync_configuration: ["section", "key"],
  user_sync_metadata: ["user_id", "organization_id", "model_name"],
  sync_metadata: ["model_name"],
  data_filter: ["organization_id", "group_id", "model_name", "filter_name"],
  model_permission: ["organization_id", "group_id", "model_name"],
  user_organization: ["user_id", "organization_id", "group_id"],
  app_user: ["id"],
  auth_group: ["id"],
  organization: ["id"],
};

/** How many rows an import made that are remembered. */
export async function countImported(db: Database): Promise<number> {
  const [{ count }] = await db.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM lockstep.imported_row",
  );
  return count;
}

/**
 * Deletes what imports made, and what depends on it. Resolves to the number of deleted rows by table.
 *
 * @throws LockstepError `conflict` when rows of the application belong to an imported organization
 */
export async function undoImport(db: Database): Promise<Record<string, number>> {
  try {
    return await db.transaction({ settings: actorSettings(importActor) }, async (tx) => {
      const removed: Record<string, number> = {};
      for (const [table, keys] of Object.entries(tables)) {
        const same = keys.map((key) => `t.${key}::text = r.key ->> '${key}'`).join(" AND ");
        const { count } = await tx.execute(
          `DELETE FROM lockstep.${table} t USING lockstep.imported_row r
          WHERE r.table_name = '${table}' AND ${same}`,
        );
        if (count > 0) removed[table] = count;
      }
      await tx.execute("DELETE FROM lockstep.imported_row");
      return removed;
    });
  } catch (cause) {
    const { code, table } = (sqlError(cause) ?? {}) as { code?: string; table?: string };
    if (code !== "23503") throw cause;
    throw new LockstepError(
      "conflict",
      `Rows ${table ? `of ${table} ` : ""}refer to what was imported, so nothing was taken back. ` +
        "Delete or move these rows first.",
      { cause },
    );
  }
}
