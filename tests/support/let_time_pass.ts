import type { Database } from "../../lib/db/mod.ts";

const minutes = 5;

/** Lets five minutes pass: what the sync noted with a time becomes as much older. */
export async function letTimePass(db: Database): Promise<void> {
  const passed = `interval '${minutes} minutes'`;
  await db.script(`
    CREATE TEMP TABLE history AS SELECT taken_at, snapshot FROM lockstep.snapshot_history;
    DELETE FROM lockstep.snapshot_history;
    INSERT INTO lockstep.snapshot_history SELECT taken_at - ${passed}, snapshot FROM history;
    DROP TABLE history;
    CREATE TEMP TABLE position AS SELECT * FROM lockstep.sync_position;
    DELETE FROM lockstep.sync_position;
    INSERT INTO lockstep.sync_position SELECT user_id, organization_id, device, model_name,
      last_sync - ${passed}, cursor FROM position;
    DROP TABLE position;
    UPDATE lockstep.tracked_model SET reset_at = reset_at - ${passed}`);
}

/** A time that was given out before `letTimePass`, as it is after. */
export function madeOlder(time: string): string {
  return Temporal.Instant.from(time).subtract({ minutes }).toString();
}
