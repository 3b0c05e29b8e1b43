import { type Database, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Actor, actorSettings } from "./actor.ts";
import { sealAudit } from "./seal_audit.ts";

/** Events removed by one transaction. */
const batch = 10_000;

/**
 * Removes the events older than `before`, oldest first, and resolves to how many. The chain stays
 * verifiable: it then begins where the removed part ended, which an event records.
 *
 * @throws LockstepError `invalid_value` when `before` is younger than the retention floor of the
 * database, `conflict` when the part to be removed is not as it was sealed.
 */
export async function purgeAudit(db: Database, before: Date, actor: Actor): Promise<number> {
  await sealAudit(db);
  let purged = 0;
  for (;;) {
    const count = await purgeBatch(db, before, actor);
    purged += count;
    if (count < batch) return purged;
  }
}

async function purgeBatch(db: Database, before: Date, actor: Actor): Promise<number> {
  try {
    return await db.transaction({ settings: actorSettings(actor) }, async (tx) => {
      const [{ count }] = await tx.query<{ count: number }>(
        "SELECT lockstep.audit_purge($1::text::timestamptz, $2::integer) AS count",
        [before.toISOString(), batch],
      );
      return count;
    });
  } catch (cause) {
    const code = sqlError(cause)?.code;
    if (code === "23514") {
      throw new LockstepError(
        "invalid_value",
        `Audit events from before ${before.toISOString()} cannot be removed: the database keeps ` +
          "younger ones (lockstep.audit_chain.retention_floor). Name an earlier time.",
        { cause, errors: [{ field: "before", message: "The time is too recent." }] },
      );
    }
    if (code === "XX001") {
      throw new LockstepError(
        "conflict",
        "The oldest audit events are not as they were sealed, so they are kept as evidence. " +
          "Verify the trail to see where.",
        { cause },
      );
    }
    throw cause;
  }
}
