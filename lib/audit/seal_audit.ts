import type { Connection, Database } from "../db/mod.ts";

/** The newest link of the hash chain. Kept elsewhere, it proves what came before it. */
export interface ChainHead {
  position: number;
  /** SHA-256 in hexadecimal. */
  hash: string;
}

/** Events sealed by one transaction. */
const batch = 10_000;

/**
 * Appends the committed events to the hash chain and resolves to how many there were, and to its
 * head. Only sealers wait for each other, writers never: an event is sealed when no older
 * transaction runs any more.
 */
export async function sealAudit(db: Database): Promise<{ sealed: number; head: ChainHead }> {
  let sealed = 0;
  for (;;) {
    const [{ count }] = await db.transaction({}, (tx) =>
      tx.query<{ count: number }>(
        "SELECT lockstep.audit_seal_pending($1::integer) AS count",
        [batch],
      ));
    sealed += count;
    if (count < batch) return { sealed, head: await chainHead(db) };
  }
}

/** The newest link of the chain; position 0 when there is none. */
export async function chainHead(conn: Connection): Promise<ChainHead> {
  const [head] = await conn.query<ChainHead>(
    `SELECT head_position AS position, encode(head_hash, 'hex') AS hash FROM lockstep.audit_chain`,
  );
  return head;
}
