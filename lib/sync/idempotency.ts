import { createHash } from "node:crypto";
import { type Database, sqlError, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";

/** An answer that can be given again. */
export interface StoredAnswer {
  status: number;
  body: string;
}

/** What an `Idempotency-Key` belongs to. */
export interface IdempotencyScope {
  userId: number;
  organizationId: number;
  key: string;
  requestHash: string;
}

export function requestHash(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\u0000");
  return hash.digest("base64url");
}

/**
 * The answer that was given to the same request before.
 *
 * @throws LockstepError `idempotency_key_reused` when the key came with another request.
 */
export async function storedAnswer(
  db: Database,
  { userId, organizationId, key, requestHash }: IdempotencyScope,
): Promise<StoredAnswer | undefined> {
  const [row] = await db.query<{ request_hash: string; status: number; response: string }>(
    `
    SELECT request_hash, status, response
    FROM lockstep.idempotency_key
    WHERE user_id = $1 AND organization_id = $2 AND key = $3`,
    [userId, organizationId, key],
  );
  if (!row) return;
  if (row.request_hash !== requestHash) {
    throw new LockstepError(
      "idempotency_key_reused",
      "The Idempotency-Key was used for another request. Choose a new key for a new request.",
      { errors: [{ field: "Idempotency-Key", message: "Used before, with another body." }] },
    );
  }
  return { status: row.status, body: row.response };
}

/** Stores the answer with the change that it answers, in the same transaction. */
export async function storeAnswer(
  tx: Transaction,
  { userId, organizationId, key, requestHash }: IdempotencyScope,
  { status, body }: StoredAnswer,
): Promise<void> {
  await tx.query(
    `
    INSERT INTO lockstep.idempotency_key
      (user_id, organization_id, key, request_hash, status, response)
    VALUES ($1, $2, $3, $4, $5, $6)`,
    [userId, organizationId, key, requestHash, status, body],
  );
}

/**
 * Runs `attempt`, which does the work and calls `storeAnswer`, once for each key: a request that
 * comes again is answered from the store, also when both come at the same moment. Then the second
 * one's transaction fails on the first one's key, and nothing of it stays.
 */
export async function once(
  db: Database,
  scope: IdempotencyScope | undefined,
  attempt: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { replayed: boolean }> {
  if (!scope) return { ...await attempt(), replayed: false };
  const before = await storedAnswer(db, scope);
  if (before) return { ...before, replayed: true };
  try {
    return { ...await attempt(), replayed: false };
  } catch (error) {
    const sql = sqlError(error);
    if (sql?.code !== "23505" || sql.constraint !== "idempotency_key_pkey") throw error;
    const answer = await storedAnswer(db, scope);
    if (!answer) throw error;
    return { ...answer, replayed: true };
  }
}
