import type { Transaction } from "../db/mod.ts";
import type { HubContext } from "./context.ts";
import { assertFencing, assertUnlocked, currentToken } from "./fencing.ts";
import { StoreUnavailable } from "./store.ts";

/**
 * What a saving transaction asks first; it throws when the save must not be. With a token it must be
 * the room's current one and the user's own; without one nobody else may hold the lock.
 */
export async function saveGuard(
  context: HubContext,
  room: string,
  userId: number,
  token?: number,
): Promise<(tx: Transaction) => Promise<void>> {
  if (token !== undefined) return (tx) => assertFencing(tx, room, token, userId);
  const lapsed = await lapsedToken(context, room);
  const lease = context.options.stale_after * 1000;
  return (tx) => assertUnlocked(tx, room, userId, { lease, lapsed });
}

/**
 * The token whose holder the store says has gone, of which the database is not told. The token is
 * read first: one that is granted after that is another.
 */
async function lapsedToken(
  { db, store }: HubContext,
  room: string,
): Promise<number | undefined> {
  const token = await currentToken(db, room);
  if (token === undefined || !store.available) return;
  try {
    const { lock } = await store.inspect(room);
    return lock ? undefined : token;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}
