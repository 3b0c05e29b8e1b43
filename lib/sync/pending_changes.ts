import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import {
  changeTable,
  organizationType,
  organizationValue,
  type TrackedModel,
  trackedModels,
} from "./change_log.ts";
import { decodeCursor, type Position } from "./cursor.ts";
import { snapshotHead } from "./installation.ts";

/** Most changes of one model that are counted. */
export const mostPending = 1000;

/**
 * How many changes of an organization's rows came after each cursor, by model, at most 1,001: what a
 * device has to catch up with. Changes of rows that its user may not see count too. A model is left
 * out where the device has not read it to the end once, or would start over.
 */
export async function pendingChanges(
  tx: Transaction,
  catalog: Catalog,
  organizationId: number,
  cursors: Record<string, string>,
): Promise<Record<string, number>> {
  const { identity, cursorKey } = await snapshotHead(tx);
  const models = Object.keys(cursors).map((name) => catalog.find(name)).filter((model) =>
    model !== undefined
  );
  const pending: Record<string, number> = {};
  for (const [model, tracked] of await trackedModels(tx, models)) {
    const { id: modelId, generation } = tracked;
    const binding = { identity, cursorKey, organizationId, modelId, generation };
    const position = positionOf(cursors[model.name], model, binding);
    if (position?.phase === "log") {
      pending[model.name] = await countAfter(tx, model, tracked, organizationId, position);
    }
  }
  return pending;
}

function positionOf(
  cursor: string | undefined,
  model: Model,
  binding: Parameters<typeof decodeCursor>[1],
): Position | undefined {
  try {
    const decoded = cursor && decodeCursor(cursor, binding, model.name);
    return decoded && "position" in decoded ? decoded.position : undefined;
  } catch (error) {
    if (error instanceof LockstepError) return;
    throw error;
  }
}

async function countAfter(
  tx: Transaction,
  model: Model,
  { id }: TrackedModel,
  organizationId: number,
  { s0, after }: Position,
): Promise<number> {
  const [{ count }] = await tx.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
      SELECT FROM ${changeTable(id)} l
      WHERE l.org = $1::text::${organizationType(model)}
        AND l.xid >= pg_snapshot_xmin($2::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(l.xid, $2::text::pg_snapshot)
        AND ($3::text IS NULL OR (l.xid, l.seq) > ($3::text::xid8, $4::text::bigint))
      LIMIT ${mostPending + 1}) changes`,
    [organizationValue(model, organizationId), s0, after?.[0] ?? null, after?.[1] ?? null],
  );
  return count;
}
