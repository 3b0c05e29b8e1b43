import { z } from "zod";
import type { Actor } from "../audit/mod.ts";
import { conflictPolicies } from "../config/mod.ts";
import { lockSettings, storeSettings, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { setAudit } from "./admin_audit.ts";
import { requireModelVersion } from "./admin_models.ts";
import type { Services } from "./services.ts";

/** What is set for one model; null gives a setting its default again. */
export const modelChange = z.strictObject({
  conflict_policy: z.enum(conflictPolicies).nullable().optional(),
  writable: z.boolean().nullable().optional(),
  audit: z.boolean().nullable().optional().describe(
    "Whether every change of its rows is written to the audit trail, from now on.",
  ),
});

/**
 * Changes what is set for the model, if nobody else did since `version` was read.
 *
 * @param change runs the change in one transaction that names the actor
 *
 * @throws LockstepError `precondition_failed`; `not_syncable` for the audit of a model that takes no
 *   part; `unprocessable` where its table cannot be audited
 */
export async function changeModel(
  { db, catalog }: Pick<Services, "db" | "catalog">,
  model: Model,
  version: string,
  wanted: z.output<typeof modelChange>,
  actor: Actor,
  change: (fn: (tx: Transaction) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { audit } = wanted;
  if (audit && !model.enabled) {
    throw new LockstepError("not_syncable", `${model.name} takes no part: ${model.reason}`);
  }
  await requireModelVersion(db, model, version);
  // First: a table that cannot be audited must not be said to be.
  if (audit !== undefined && (audit ?? false) !== model.audit) {
    await setAudit(db, model, audit ?? false, actor);
  }
  await change(async (tx) => {
    const stored = await lockSettings(tx);
    await requireModelVersion(tx, model, version);
    const entry = { ...stored.MODELS?.[model.name] as object, ...wanted };
    const set = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
    if (JSON.stringify(set) === "{}" && stored.MODELS?.[model.name] === undefined) return;
    await storeSettings(tx, stored, { MODELS: { [model.name]: set } }, false);
  });
  catalog.invalidate();
}
