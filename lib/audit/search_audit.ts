import type { Connection } from "../db/mod.ts";
import type { AuditEvent, FieldChange } from "./event.ts";
import type { Visibility } from "./visibility.ts";
import { visibleSides } from "./visible_sides.ts";

/** Key values of one row by column. */
export type RowKey = Record<string, string | number | bigint | boolean>;

/** Every condition must hold. */
export interface AuditFilter {
  id?: number;
  model?: string;
  key?: RowKey;
  actor?: string;
  /** One of them. */
  actions?: readonly string[];
  source?: string;
  requestId?: string;
  /** Not before this time. */
  from?: Date;
  /** Before this time. */
  to?: Date;
  /** Occurs, in any case of letters, in the actor, the key or a visible value. */
  text?: string;
}

export interface AuditPageOptions {
  /** Return events older than this one: the `next` of the page before. */
  before?: number;
  /** Return the events that come right after this one instead. */
  after?: number;
  /** Most events of the page, 1 to 1,000. Default 50. */
  limit?: number;
}

export interface AuditPage {
  events: AuditEvent[];
  /** `before` of the next page, or null at the end. */
  next: number | null;
  /** `after` of the page of newer events, or null where there are none. */
  previous: number | null;
}

/** The events that `visibility` allows and `filter` asks for, newest first, one page. */
export async function searchAudit(
  conn: Connection,
  visibility: Visibility,
  filter: AuditFilter = {},
  options: AuditPageOptions = {},
): Promise<AuditPage> {
  const limit = Math.min(Math.max(options.limit ?? 50, 1), 1000);
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const sides = visibleSides(visibility, addParam);
  const conditions = conditionsOf(filter, sides, addParam);
  conditions.push(`(${sides.before} OR ${sides.after})`);
  const upwards = options.after !== undefined;
  const edge = options.after ?? options.before;
  const cursor = `${addParam(edge ?? Number.MAX_SAFE_INTEGER)}::bigint`;
  const direction = upwards ? "ASC" : "DESC";
  const columns = `e.id, ${sides.before} AS before_seen, ${sides.after} AS after_seen`;
  const candidates = "all" in visibility
    ? `SELECT ${columns} FROM lockstep.audit_event e
      WHERE e.id ${upwards ? ">" : "<"} ${cursor} AND ${conditions.join(" AND ")}
      ORDER BY e.id ${direction} LIMIT ${limit + 1}`
    : ofOrganizations(addParam(JSON.stringify(visibility.organizationIds)), cursor, {
      upwards,
      columns,
      conditions: conditions.join(" AND "),
      limit: limit + 1,
    });
  const rows = await conn.query<EventRow>(
    `SELECT e.id, e.at, e.actor_id, e.actor, e.database_role::text, e.source, e.request_id,
      e.reverts_id,
      CASE WHEN after_seen OR NOT e.moved THEN e.organization_id
        ELSE e.previous_organization_id END
        AS organization_id,
      e.model, e.key, e.action, to_jsonb(e.changed) AS changed,
      CASE WHEN before_seen THEN e.before::text END AS before,
      CASE WHEN after_seen THEN e.after::text END AS after,
      (SELECT jsonb_agg(jsonb_build_object('field', c,
          'before', CASE WHEN before_seen THEN e.before ->> c END,
          'after', CASE WHEN after_seen THEN e.after ->> c END))
        FROM unnest(e.changed) c) AS changes,
      s.position, encode(s.hash, 'hex') AS hash
    FROM (${candidates}) candidate
    JOIN lockstep.audit_event e ON e.id = candidate.id
    LEFT JOIN lockstep.audit_seal s ON s.event_id = e.id
    ORDER BY e.id DESC`,
    params,
  );
  // Newest first either way: what is one too many is at the end that was read towards.
  const events = (upwards ? rows.slice(-limit) : rows.slice(0, limit)).map(eventOf);
  const hasMore = rows.length > limit;
  const [hasNewer, hasOlder] = upwards ? [hasMore, true] : [edge !== undefined, hasMore];
  return {
    events,
    next: hasOlder ? events.at(-1)?.id ?? null : null,
    previous: hasNewer ? events[0]?.id ?? null : null,
  };
}

/** What happened to one row, newest first. */
export async function history(
  conn: Connection,
  visibility: Visibility,
  model: string,
  key: RowKey,
  options: AuditPageOptions = {},
): Promise<AuditPage> {
  return await searchAudit(conn, visibility, { model, key }, options);
}

/**
 * One page's candidates for each organization from its own range of an index, so that those of a
 * small one are found at once. The comparison of pairs is what holds the planner to that range.
 */
function ofOrganizations(
  ids: string,
  cursor: string,
  page: { upwards: boolean; columns: string; conditions: string; limit: number },
): string {
  const direction = page.upwards ? "ASC" : "DESC";
  const [least, most] = page.upwards ? [`${cursor} + 1`, "9223372036854775807"] : ["0", cursor];
  const range = (organization: string) =>
    `SELECT ${page.columns} FROM lockstep.audit_event e
    WHERE (${organization}, e.id) >= (o.id, ${least}) AND (${organization}, e.id) < (o.id, ${most})
      AND ${organization} IS NOT NULL AND ${page.conditions}
    ORDER BY ${organization} ${direction}, e.id ${direction} LIMIT ${page.limit}`;
  return `SELECT DISTINCT c.*
    FROM (SELECT value::integer AS id FROM jsonb_array_elements_text(${ids}::text::jsonb)) o
    CROSS JOIN LATERAL (
      (${range("e.organization_id")}) UNION ALL (${range("e.previous_organization_id")})) c
    ORDER BY c.id ${direction} LIMIT ${page.limit}`;
}

function conditionsOf(
  filter: AuditFilter,
  sides: { before: string; after: string },
  addParam: (value: unknown) => string,
): string[] {
  const conditions: string[] = [];
  const equal = (column: string, value: unknown, type: string) => {
    if (value !== undefined) conditions.push(`e.${column} = ${addParam(value)}::${type}`);
  };
  equal("id", filter.id, "bigint");
  equal("model", filter.model, "text");
  equal("actor", filter.actor, "text");
  if (filter.actions) {
    const names = filter.actions.map((name) => `${addParam(name)}::text`);
    conditions.push(`e.action IN (${names.join(", ")})`);
  }
  equal("source", filter.source, "text");
  equal("request_id", filter.requestId, "text");
  if (filter.key) {
    const texts = Object.entries(filter.key).map(([column, value]) => [column, String(value)]);
    const key = `${addParam(JSON.stringify(Object.fromEntries(texts)))}::text::jsonb`;
    conditions.push(
      `jsonb_hash_extended(e.key, 0) = jsonb_hash_extended(${key}, 0) AND e.key = ${key}`,
    );
  }
  if (filter.from) conditions.push(`e.at >= ${addParam(filter.from.toISOString())}::timestamptz`);
  if (filter.to) conditions.push(`e.at < ${addParam(filter.to.toISOString())}::timestamptz`);
  if (filter.text) {
    const pattern = addParam(`%${filter.text.replace(/[\\%_]/g, "\\$&")}%`);
    // Only what the reader may see is searched: a match must not tell what the rest holds.
    conditions.push(`concat_ws(' ', e.actor, e.key::text,
      CASE WHEN ${sides.before} THEN e.before::text END,
      CASE WHEN ${sides.after} THEN e.after::text END) ILIKE ${pattern}::text`);
  }
  return conditions;
}

interface EventRow {
  id: number;
  at: Date;
  actor_id: number | null;
  actor: string;
  database_role: string;
  source: string;
  request_id: string;
  reverts_id: number | null;
  organization_id: number | null;
  model: string;
  key: Record<string, string> | null;
  action: string;
  changed: string[] | null;
  changes: FieldChange[] | null;
  before: string | null;
  after: string | null;
  position: number | null;
  hash: string | null;
}

function eventOf(row: EventRow): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    actorId: row.actor_id,
    actor: row.actor,
    databaseRole: row.database_role,
    source: row.source,
    requestId: row.request_id,
    revertsId: row.reverts_id,
    organizationId: row.organization_id,
    model: row.model,
    key: row.key,
    action: row.action,
    changed: row.changed ?? [],
    changes: row.changes ?? [],
    before: row.before,
    after: row.after,
    position: row.position,
    hash: row.hash,
  };
}
