import type { Connection, Database } from "../db/mod.ts";
import { type ChainHead, sealAudit } from "./seal_audit.ts";

/** Where the trail is not what was sealed. */
export interface ChainProblem {
  kind: "event_missing" | "event_changed" | "event_inserted" | "seal_missing" | "head_mismatch";
  /** Place in the chain, or null for an event that the chain does not have. */
  position: number | null;
  eventId: number | null;
  message: string;
}

export interface Verification {
  /** The first problem in the order of the chain, or null when the trail is intact. */
  problem: ChainProblem | null;
  /** How many events were found as they were sealed. */
  verified: number;
  /** Events of running or just ended transactions, which the chain does not cover yet. */
  pending: number;
  head: ChainHead;
}

interface Chain extends ChainHead {
  anchor_position: number;
  anchor_hash: string;
}

/** Links checked by one statement. */
const page = 20_000;

/**
 * Seals what is pending and checks every event against the hash chain. Who can write the whole
 * chain anew is found out by a `known` head that was kept elsewhere (in a log, an export).
 */
export async function verifyAudit(db: Database, known?: ChainHead): Promise<Verification> {
  await sealAudit(db);
  for (;;) {
    const chain = await readChain(db);
    const result = await verifyChain(db, chain, known);
    // Retention may have moved the beginning meanwhile: what was read then proves nothing.
    if ((await readChain(db)).anchor_position === chain.anchor_position) return result;
  }
}

async function verifyChain(db: Database, chain: Chain, known?: ChainHead): Promise<Verification> {
  const head = { position: chain.position, hash: chain.hash };
  let previous = chain.anchor_hash;
  let verified = 0;
  const result = async (problem: ChainProblem | null): Promise<Verification> => ({
    problem,
    verified,
    pending: await pendingEvents(db),
    head,
  });
  for (let from = chain.anchor_position + 1; from <= chain.position; from += page) {
    const to = Math.min(from + page - 1, chain.position);
    const [row] = await db.query<PageRow>(pageStatement, [
      from,
      to,
      previous,
      known?.position ?? 0,
    ]);
    if (row.position !== null) {
      verified += row.position - from;
      return await result(linkProblem(row.position, row));
    }
    if (row.known_hash !== null && row.known_hash !== known?.hash) {
      return await result({
        kind: "head_mismatch",
        position: known!.position,
        eventId: null,
        message: `The chain was written anew: position ${known!.position} has another hash than ` +
          "the one that was kept.",
      });
    }
    verified += to - from + 1;
    previous = row.last_hash!;
  }
  if (previous !== chain.hash || (known && known.position > chain.position)) {
    return await result({
      kind: "head_mismatch",
      position: chain.position,
      eventId: null,
      message: `The chain ends at position ${chain.position}, before links that it once had.`,
    });
  }
  const problem = await anchorProblem(db, chain) ?? await insertedEvent(db);
  return await result(problem);
}

interface PageRow {
  position: number | null;
  event_id: number | null;
  sealed: boolean;
  present: boolean;
  last_hash: string | null;
  known_hash: string | null;
}

/** The first unsound position from $1 to $2, after a link with hash $3; the last hash of the page. */
const pageStatement = `
  WITH link AS MATERIALIZED (
    SELECT p.position, s.event_id, s.hash, e.id IS NOT NULL AS present, coalesce(s.hash = sha256(
        coalesce(lag(s.hash) OVER (ORDER BY p.position),
          CASE WHEN p.position = $1::bigint THEN decode($3::text, 'hex') END)
        || lockstep.audit_digest(e)), false) AS sound
    FROM generate_series($1::bigint, $2::bigint) p (position)
    LEFT JOIN lockstep.audit_seal s ON s.position = p.position
    LEFT JOIN lockstep.audit_event e ON e.id = s.event_id
  )
  SELECT broken.position, broken.event_id, broken.event_id IS NOT NULL AS sealed, broken.present,
    (SELECT encode(hash, 'hex') FROM link WHERE position = $2::bigint) AS last_hash,
    (SELECT encode(hash, 'hex') FROM link WHERE position = $4::bigint) AS known_hash
  FROM (VALUES (1)) one (row)
  LEFT JOIN LATERAL (
    SELECT * FROM link WHERE NOT sound ORDER BY position LIMIT 1) broken ON true`;

function linkProblem(position: number, row: PageRow): ChainProblem {
  const [kind, message]: [ChainProblem["kind"], string] = !row.sealed
    ? ["seal_missing", `The link at position ${position} of the chain was removed.`]
    : !row.present
    ? ["event_missing", `Event ${row.event_id} at position ${position} of the chain was removed.`]
    : [
      "event_changed",
      `Event ${row.event_id} at position ${position} of the chain is not as it was sealed.`,
    ];
  return { kind, position, eventId: row.event_id, message };
}

/** The chain may begin later than its first link only where an event of the purge says so. */
async function anchorProblem(db: Connection, chain: Chain): Promise<ChainProblem | null> {
  if (chain.anchor_position === 0) return null;
  const recorded = await db.query(
    `SELECT FROM lockstep.audit_event e
    WHERE e.model = 'lockstep.AuditEvent' AND e.action = 'purge' AND e.after ->> 'hash' = $1::text`,
    [chain.anchor_hash],
  );
  if (recorded.length > 0) return null;
  return {
    kind: "event_missing",
    position: chain.anchor_position,
    eventId: null,
    message: `The events up to position ${chain.anchor_position} of the chain were removed, but ` +
      "not by retention.",
  };
}

/** An event of a transaction from before the last sealing that the chain does not have. */
async function insertedEvent(db: Connection): Promise<ChainProblem | null> {
  const [inserted] = await db.query<{ id: number }>(
    `SELECT e.id FROM lockstep.audit_event e CROSS JOIN lockstep.audit_chain c
    WHERE e.xid < c.sealed_before
      AND NOT EXISTS (SELECT FROM lockstep.audit_seal s WHERE s.event_id = e.id)
    ORDER BY e.id LIMIT 1`,
  );
  if (!inserted) return null;
  return {
    kind: "event_inserted",
    position: null,
    eventId: inserted.id,
    message: `Event ${inserted.id} was added later than the time it claims.`,
  };
}

async function pendingEvents(db: Connection): Promise<number> {
  const [{ count }] = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM lockstep.audit_event e
    WHERE e.xid >= (SELECT sealed_before FROM lockstep.audit_chain)
      AND NOT EXISTS (SELECT FROM lockstep.audit_seal s WHERE s.event_id = e.id)`,
  );
  return count;
}

async function readChain(db: Connection): Promise<Chain> {
  const [chain] = await db.query<Chain>(
    `SELECT head_position AS position, encode(head_hash, 'hex') AS hash, anchor_position,
      encode(anchor_hash, 'hex') AS anchor_hash
    FROM lockstep.audit_chain`,
  );
  return chain;
}
