import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Member, nameOf } from "./store.ts";

/** What the database knows of a room whose token could not be recorded, because it is not newer. */
export interface HighWater {
  token: number;
  /** Who was granted it and has not released it, or null. */
  holderId: number | null;
  holderName: string;
  /** Whether the holder renewed it within the lease. */
  fresh: boolean;
}

/**
 * Records that `token` of `room` belongs to `member` from now on. Must be done before the member is
 * told: a store that loses its memory can then never give the same token again. Waits for a saving
 * transaction that holds the room's row.
 *
 * @returns null when recorded, or the mark that is as high or higher. `lease` is in milliseconds.
 */
export async function recordGrant(
  connection: Connection,
  room: string,
  token: number,
  member: Member,
  lease: number,
): Promise<HighWater | null> {
  const { count } = await connection.execute(
    `INSERT INTO lockstep.edit_lock AS l (room, fencing_token, holder_id, holder_name)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (room) DO UPDATE
     SET fencing_token = EXCLUDED.fencing_token, holder_id = EXCLUDED.holder_id,
       holder_name = EXCLUDED.holder_name, granted_at = now(), updated_at = now()
     WHERE l.fencing_token < EXCLUDED.fencing_token`,
    [room, token, member.userId, nameOf(member)],
  );
  if (count === 1) return null;
  const [mark] = await connection.query<HighWater>(
    `SELECT fencing_token AS token, holder_id AS "holderId", holder_name AS "holderName",
       updated_at > now() - $2::float8 * interval '1 millisecond' AS fresh
     FROM lockstep.edit_lock
     WHERE room = $1`,
    [room, lease],
  );
  return mark;
}

/** Whether `token` of `room` is current and the user's, who comes back to it on a new connection. */
export async function isCurrent(
  connection: Connection,
  room: string,
  token: number,
  userId: number,
): Promise<boolean> {
  const { rows } = await connection.execute(
    `UPDATE lockstep.edit_lock
     SET updated_at = now()
     WHERE room = $1 AND fencing_token = $2 AND holder_id = $3
     RETURNING room`,
    [room, token, userId],
  );
  return rows.length === 1;
}

/** Notes that the holder of `token` gave it back, so that nobody waits for its return. */
export async function recordRelease(
  connection: Connection,
  room: string,
  token: number,
): Promise<void> {
  await connection.execute(
    `UPDATE lockstep.edit_lock
     SET holder_id = NULL, updated_at = now()
     WHERE room = $1 AND fencing_token = $2`,
    [room, token],
  );
}

/** Makes `token` invalid without giving the lock to anybody: its holder's rights were withdrawn. */
export async function revokeToken(
  connection: Connection,
  room: string,
  token: number,
): Promise<void> {
  await connection.execute(
    `UPDATE lockstep.edit_lock
     SET fencing_token = fencing_token + 1, holder_id = NULL, updated_at = now()
     WHERE room = $1 AND fencing_token = $2`,
    [room, token],
  );
}

/** Notes that the leases live, in one statement. */
export async function recordRenewals(
  connection: Connection,
  leases: { room: string; token: number }[],
): Promise<void> {
  await connection.execute(
    `UPDATE lockstep.edit_lock AS l
     SET updated_at = now()
     FROM json_to_recordset($1::text::json) AS r(room text, token bigint)
     WHERE l.room = r.room AND l.fencing_token = r.token`,
    [JSON.stringify(leases.map(({ room, token }) => ({ room, token })))],
  );
}

/**
 * Lets a save go on only with the room's current fencing token. Locks the room's row until the
 * transaction ends, so that nobody is granted the lock between this check and the commit.
 *
 * @param userId Who saves: the token must be theirs.
 * @throws LockstepError `conflict` when the token is not current, or is somebody else's.
 */
export async function assertFencing(
  tx: Transaction,
  room: string,
  token: number,
  userId?: number,
): Promise<void> {
  const [row] = await tx.query<{ token: number; holderId: number | null; holderName: string }>(
    `SELECT fencing_token AS token, holder_id AS "holderId", holder_name AS "holderName"
     FROM lockstep.edit_lock
     WHERE room = $1
     FOR UPDATE`,
    [room],
  );
  const foreign = userId !== undefined && row?.holderId !== null && row?.holderId !== userId;
  if (row && row.token === token && !foreign) return;
  const successor = row?.holderId && row.holderId !== userId && row.holderName;
  throw new LockstepError(
    "conflict",
    successor
      ? `The edit lock has passed to ${successor} since you began to edit. Nothing was saved; copy ` +
        "your changes, then ask for the lock again."
      : "Your edit lock is no longer valid. Nothing was saved; claim the lock again, then save.",
    { extra: { room } },
  );
}

/** The room's token now; undefined when there was never one. */
export async function currentToken(
  connection: Connection,
  room: string,
): Promise<number | undefined> {
  const [row] = await connection.query<{ token: number }>(
    `SELECT fencing_token AS token
     FROM lockstep.edit_lock
     WHERE room = $1`,
    [room],
  );
  return row?.token;
}

/**
 * Lets a save that has no token go on only while nobody else holds the lock. Locks the room's row as
 * `assertFencing` does.
 *
 * @param lease Milliseconds for which a holder counts as one after the last renewal.
 * @param lapsed A token whose holder is known to have gone.
 * @throws LockstepError `conflict` when somebody else is editing.
 */
export async function assertUnlocked(
  tx: Transaction,
  room: string,
  userId: number,
  { lease, lapsed }: { lease: number; lapsed?: number },
): Promise<void> {
  const [row] = await tx.query<
    { token: number; holderId: number | null; holderName: string; fresh: boolean }
  >(
    `SELECT fencing_token AS token, holder_id AS "holderId", holder_name AS "holderName",
       updated_at > clock_timestamp() - $2::float8 * interval '1 millisecond' AS fresh
     FROM lockstep.edit_lock
     WHERE room = $1
     FOR UPDATE`,
    [room, lease],
  );
  if (!row || row.holderId === null || row.holderId === userId) return;
  if (!row.fresh || row.token === lapsed) return;
  throw new LockstepError(
    "conflict",
    `${row.holderName} is editing this record, so nothing was saved. Wait until they leave, or ask ` +
      "for the lock; then try again.",
    { extra: { room } },
  );
}
