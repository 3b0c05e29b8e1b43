/** A column that an update changed, with both values as text. Null is SQL's NULL. */
export interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
}

/** One event of the trail, as far as its reader may see it. */
export interface AuditEvent {
  id: number;
  at: Date;
  actorId: number | null;
  actor: string;
  /** The database role of the session that made the change, whatever `actor` claims. */
  databaseRole: string;
  source: string;
  requestId: string;
  /** The event that this one reverted. */
  revertsId: number | null;
  organizationId: number | null;
  model: string;
  /** Key column to value as text. Null for events that concern no one row. */
  key: Record<string, string> | null;
  /** `create`, `update`, `delete`, `truncate`, or the name of a recorded event such as `login`. */
  action: string;
  changed: string[];
  changes: FieldChange[];
  /** The row as JSON text, unparsed because JavaScript would round its numbers. */
  before: string | null;
  after: string | null;
  /** Place in the hash chain and hash in hexadecimal; null until the event is sealed. */
  position: number | null;
  hash: string | null;
}

/** What stands in the trail for the value of a secret column. */
export const secretMarker = "[secret]";

/** The event as one line of JSON in which every number keeps its digits. */
export function eventJson(event: AuditEvent): string {
  const { before, after, ...rest } = event;
  return `${JSON.stringify(rest).slice(0, -1)},"before":${before ?? "null"},"after":${
    after ?? "null"
  }}`;
}
