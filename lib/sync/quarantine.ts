import type { Principal } from "../access/mod.ts";
import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { RawObject } from "./json_scanner.ts";
import type { PushContext } from "./push.ts";
import type { RecordError } from "./push_record.ts";

/** Longest record, in characters, that is kept. */
const longestPayload = 1_000_000;

/**
 * Keeps refused records where staff can repair and replay them, and gives each error its
 * `quarantine_id`. Not kept: what the client should simply send again, deletions of rows that are
 * gone, oversized records, what is no record at all, and anything beyond the organization's limit.
 */
export async function quarantine(
  tx: Transaction,
  context: PushContext,
  errors: RecordError[],
  objects: RawObject[],
): Promise<void> {
  const refused = errors.filter(({ code, retry, index }) =>
    !retry && code !== "not_found" && objects[index].problem === undefined &&
    objects[index].raw.length <= longestPayload
  );
  if (refused.length === 0) return;
  const { principal, membership, device, requestId, quarantineLimit } = context;
  const rows = await tx.query<{ ord: number; id: number }>(
    `
    WITH given AS (
      SELECT g.*, nextval(pg_get_serial_sequence('lockstep.quarantine', 'id')) AS id
      FROM ROWS FROM (json_to_recordset($1::text::json)
        AS (model text, payload text, code text, field text, message text))
        WITH ORDINALITY AS g (model, payload, code, field, message, ord)
      WHERE g.ord <= $2 - (
        SELECT count(*) FROM lockstep.quarantine
        WHERE organization_id = $3 AND state = 'open')
    ), kept AS (
      INSERT INTO lockstep.quarantine
        (id, organization_id, user_id, device, request_id, model_name, payload, code, field, message)
      OVERRIDING SYSTEM VALUE
      SELECT id, $3, $4, $5, $6, left(model, 200), payload, code, left(field, 200), message
      FROM given
    )
    SELECT ord::int, id FROM given`,
    [
      JSON.stringify(refused.map(({ index, model, code, field, message }) => ({
        model: storable(model),
        payload: storable(objects[index].raw),
        code,
        field: storable(field ?? ""),
        message: storable(message),
      }))),
      quarantineLimit,
      membership.organization.id,
      principal.userId,
      device,
      requestId,
    ],
  );
  for (const { ord, id } of rows) refused[ord - 1].quarantine_id = id;
}

/** JSON text may hold an escaped NUL, which is kept as text; lone surrogates can't be stored. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd");
}

export type QuarantineState = "open" | "replayed" | "discarded";

/** A refused record that is kept. Times are ISO 8601 in UTC. */
export interface QuarantineEntry {
  id: number;
  model: string;
  code: string;
  field: string;
  message: string;
  state: QuarantineState;
  device: string;
  /** Who pushed it; null when that user is gone. */
  user: { id: number; username: string } | null;
  request_id: string;
  created_at: string;
  resolved_at: string | null;
  resolved_by: { id: number; username: string } | null;
}

/** Whose entries: one organization's, all of them or those that one user pushed. */
export interface QuarantineView {
  organizationId: number;
  userId: number | null;
}

const entryColumns = `
  q.id, q.model_name AS model, q.code, q.field, q.message, q.state, q.device,
  CASE WHEN u.id IS NOT NULL THEN json_build_object('id', u.id, 'username', u.username) END AS user,
  q.request_id, q.created_at, q.resolved_at,
  CASE WHEN r.id IS NOT NULL THEN json_build_object('id', r.id, 'username', r.username) END
    AS resolved_by`;

const entrySource = `
  FROM lockstep.quarantine q
  LEFT JOIN lockstep.app_user u ON u.id = q.user_id
  LEFT JOIN lockstep.app_user r ON r.id = q.resolved_by
  WHERE q.organization_id = $1 AND ($2::int IS NULL OR q.user_id = $2::int)`;

/** At most `limit` entries, newest first, of those before the id `before`. */
export async function listQuarantine(
  conn: Connection,
  { organizationId, userId }: QuarantineView,
  { state, model, before, limit }: {
    state: QuarantineState | null;
    model: string | null;
    before: number | null;
    limit: number;
  },
): Promise<QuarantineEntry[]> {
  return await conn.query<QuarantineEntry>(
    `
    SELECT ${entryColumns} ${entrySource}
      AND ($3::text IS NULL OR q.state = $3::text)
      AND ($4::text IS NULL OR lower(q.model_name) = lower($4::text))
      AND ($5::bigint IS NULL OR q.id < $5::bigint)
    ORDER BY q.id DESC
    LIMIT $6::int`,
    [organizationId, userId, state, model, before, limit],
  );
}

/**
 * One entry, and its record as the JSON text that the client sent.
 *
 * @throws LockstepError `not_found`, also for what the view does not show
 */
export async function readQuarantine(
  conn: Connection,
  { organizationId, userId }: QuarantineView,
  id: number,
): Promise<{ entry: QuarantineEntry; record: string }> {
  const [row] = await conn.query<QuarantineEntry & { payload: string }>(
    `SELECT ${entryColumns}, q.payload ${entrySource} AND q.id = $3`,
    [organizationId, userId, id],
  );
  if (!row) throw new LockstepError("not_found", `There is no quarantined record ${id}.`);
  const { payload, ...entry } = row;
  return { entry, record: payload };
}

/**
 * Closes an open entry.
 *
 * @throws LockstepError `conflict` when somebody closed it before
 */
export async function resolveQuarantine(
  conn: Connection,
  id: number,
  state: Exclude<QuarantineState, "open">,
  principal: Principal,
): Promise<void> {
  const { count } = await conn.execute(
    `
    UPDATE lockstep.quarantine
    SET state = $2, resolved_at = clock_timestamp(), resolved_by = $3
    WHERE id = $1 AND state = 'open'`,
    [id, state, principal.userId],
  );
  if (count === 1) return;
  throw new LockstepError(
    "conflict",
    `The quarantined record ${id} was replayed or discarded before. Read it again to see which.`,
  );
}
