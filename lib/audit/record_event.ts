import type { Connection } from "../db/mod.ts";
import type { RowKey } from "./search_audit.ts";

/** Something to remember that changes no audited row. */
export interface RecordedEvent {
  /** A lower-case word, for example `login`, `export`, `take_over`. */
  action: string;
  model: string;
  key?: RowKey;
  /** Shown as the event's `after`. Must hold no secret. */
  detail?: Record<string, unknown>;
  organizationId?: number;
}

/** Adds an event to the trail, by the actor of the transaction. Resolves to its id. */
export async function recordEvent(conn: Connection, event: RecordedEvent): Promise<number> {
  const key = event.key &&
    Object.fromEntries(Object.entries(event.key).map(([name, value]) => [name, String(value)]));
  const [{ id }] = await conn.query<{ id: number }>(
    `SELECT lockstep.audit_record($1::text, $2::text, $3::text::jsonb, $4::text::jsonb, $5::integer)
      AS id`,
    [
      event.action,
      event.model,
      key ? JSON.stringify(key) : null,
      event.detail ? JSON.stringify(event.detail) : null,
      event.organizationId ?? null,
    ],
  );
  return id;
}
