import { z } from "zod";
import {
  type AdminScope,
  compileScope,
  modelAccess,
  parseRowKey,
  type Principal,
  resolveMembership,
} from "../access/mod.ts";
import {
  type Actor,
  type AuditEvent,
  type AuditFilter,
  auditStatus,
  disableAudit,
  enableAudit,
  type RowKey,
  type RowScope,
  searchAudit,
  type Visibility,
} from "../audit/mod.ts";
import { type Connection, type Database, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { instant } from "./list_page.ts";
import { parse, parseJson } from "./parse.ts";
import type { Services } from "./services.ts";

/** Configuration tables whose events the administrators of an organization see. */
const administeredTables: Record<string, string> = {
  "lockstep.UserOrganization": "user_organization",
  "lockstep.ModelPermission": "model_permission",
  "lockstep.DataFilter": "data_filter",
  "lockstep.Device": "device",
  "lockstep.Organization": "organization",
  "lockstep.Quarantine": "quarantine",
};

/** Of which they may also revert changes. A record is reverted by staff: no row scope is asked there. */
export const revertableModels = [
  "lockstep.UserOrganization",
  "lockstep.ModelPermission",
  "lockstep.DataFilter",
  "lockstep.Device",
];

/**
 * What of the audit trail somebody sees: staff all of it, others the events of the organizations that
 * they administer, of rows that they may pull.
 */
export async function auditVisibility(
  conn: Connection,
  principal: Principal,
  scope: AdminScope,
  catalog: Catalog,
): Promise<Visibility> {
  if ("all" in scope) return { all: true };
  const rowScopes = new Map<string, RowScope>();
  for (const [model, table] of Object.entries(administeredTables)) {
    rowScopes.set(model, { schema: "lockstep", table, compile: () => "true" });
  }
  const slugs = await conn.query<{ id: number; slug: string }>(
    "SELECT id, slug FROM lockstep.organization WHERE id = ANY ($1::int[])",
    [scope.organizationIds],
  );
  const access = await Promise.all(slugs.map(async ({ id, slug }) => ({
    id,
    rights: await modelAccess(
      conn,
      principal,
      await resolveMembership(conn, principal, slug),
      catalog,
    ),
  })));
  for (const model of catalog.models) {
    const { tenantColumn } = model;
    if (tenantColumn === null) continue;
    const scopes = access.flatMap(({ id, rights }) => {
      const pull = rights.get(model.name)?.pull;
      return pull ? [{ id, pull }] : [];
    });
    if (scopes.length === 0) continue;
    rowScopes.set(model.name, {
      schema: model.schema,
      table: model.table,
      // The rights differ from one organization to the other.
      compile: (sqlOf, addParam) =>
        scopes.map(({ id, pull }) =>
          `(coalesce(${sqlOf(tenantColumn)}::text = ${addParam(String(id))}::text, false) AND ${
            compileScope(pull, model, sqlOf, addParam)
          })`
        ).join(" OR "),
    });
  }
  return { organizationIds: scope.organizationIds, rowScopes };
}

export const auditEvent = z.object({
  id: z.int(),
  at: z.iso.datetime(),
  actor_id: z.int().nullable(),
  actor: z.string(),
  database_role: z.string(),
  source: z.enum(["api", "admin", "cli", "job", "sql"]),
  request_id: z.string(),
  reverts_id: z.int().nullable(),
  organization_id: z.int().nullable(),
  model: z.string(),
  key: z.record(z.string(), z.string()).nullable(),
  action: z.string(),
  changes: z.array(z.object({
    field: z.string(),
    before: z.string().nullable(),
    after: z.string().nullable(),
  })),
  position: z.int().nullable().describe("Place in the hash chain; null until it is sealed."),
  hash: z.string().nullable(),
  before: z.unknown().describe("The row before, as far as the reader may see it."),
  after: z.unknown(),
});

/** The event as JSON text in which every number of the rows keeps its digits. */
export function auditEventJson(event: AuditEvent): string {
  const head = JSON.stringify({
    id: event.id,
    at: event.at,
    actor_id: event.actorId,
    actor: event.actor,
    database_role: event.databaseRole,
    source: event.source,
    request_id: event.requestId,
    reverts_id: event.revertsId,
    organization_id: event.organizationId,
    model: event.model,
    key: event.key,
    action: event.action,
    changes: event.changes,
    position: event.position,
    hash: event.hash,
  });
  return `${head.slice(0, -1)},"before":${event.before ?? "null"},"after":${
    event.after ?? "null"
  }}`;
}

/** An answer of JSON text. */
export function rawJson(text: string): Response {
  return new Response(text, {
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
  });
}

/**
 * Makes the audit of one model's table what its setting says.
 *
 * @throws LockstepError `unprocessable` when the database role does not own the table, or the table
 *   cannot be audited
 */
export async function setAudit(
  db: Database,
  model: Model,
  on: boolean,
  actor: Actor,
): Promise<void> {
  const status = (await auditStatus(db))
    .find(({ schema, table }) => schema === model.schema && table === model.table);
  try {
    if (on) {
      const { schema, table, name: modelName, key, tenantColumn } = model;
      await enableAudit(db, { schema, table, modelName, key, tenantColumn }, actor);
    } else if (status) await disableAudit(db, model, actor);
  } catch (cause) {
    if (sqlError(cause)?.code !== "42501") throw cause;
    throw new LockstepError(
      "unprocessable",
      `The database role does not own ${model.schema}.${model.table}, so it cannot create the ` +
        "triggers of the audit. Make it the owner.",
      { cause },
    );
  }
}

/** Makes a change of settings take effect here at once. Resolves to what of it could not. */
export async function settingsChanged(
  { db, catalog }: Pick<Services, "db" | "catalog">,
  actor: Actor,
): Promise<string[]> {
  catalog.invalidate();
  return await applyAudit(db, await catalog.current(), actor);
}

/** Makes the audit of every model what its setting says. Resolves to what could not be done. */
async function applyAudit(db: Database, catalog: Catalog, actor: Actor): Promise<string[]> {
  const warnings: string[] = [];
  const status = await auditStatus(db);
  for (const model of catalog.models) {
    const known = status.find(({ schema, table }) =>
      schema === model.schema && table === model.table
    );
    const isOn = known?.state === "active" && known.modelName === model.name;
    if (model.schema === "lockstep" || (model.audit ? isOn : !known)) continue;
    try {
      await setAudit(db, model, model.audit, actor);
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      warnings.push(error.message);
    }
  }
  return warnings;
}

const wholeNumber = (least: number, most: number) =>
  z.string().regex(/^\d{1,15}$/, "Must be a whole number.").transform(Number)
    .pipe(z.int().min(least).max(most));

/** Query parameters of a page of events. */
export const auditPage = {
  limit: wholeNumber(1, 1000).default(50).describe("Most events of the page."),
  cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional()
    .describe("The `next` of the page before."),
};

/** Query parameters that choose events. */
export const auditQuery = z.strictObject({
  model: z.string().max(200).optional(),
  key: z.string().max(2000).optional().describe(
    'Value of the key, or a JSON object of its columns. Needs `model`, as in {"id": 5}.',
  ),
  actor: z.string().max(200).optional(),
  action: z.string().max(50).optional(),
  source: z.enum(["api", "admin", "cli", "job", "sql"]).optional(),
  request_id: z.string().max(100).optional(),
  at_from: instant.optional().describe("Not before."),
  at_to: instant.optional().describe("Before."),
  q: z.string().max(200).optional().describe("Occurs in the actor, the key or a visible value."),
});

/** @throws LockstepError `invalid_value`, `required` for a key without its model */
export function auditFilter(query: z.output<typeof auditQuery>, catalog: Catalog): AuditFilter {
  const { model, key, actor, action, source, request_id: requestId, at_from, at_to, q } = query;
  return {
    model: model && (catalog.find(model)?.name ?? model),
    key: key === undefined ? undefined : keyOf(key, model && catalog.find(model)),
    actor,
    actions: action === undefined ? undefined : [action],
    source,
    requestId,
    from: at_from === undefined ? undefined : new Date(at_from),
    to: at_to === undefined ? undefined : new Date(at_to),
    text: q,
  };
}

function keyOf(text: string, model: Model | undefined | ""): RowKey {
  if (model) return parseRowKey(model, text);
  const given = text.startsWith("{") ? parse(z.record(z.string(), z.unknown()), parseJson(text)) : {
    id: text,
  };
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}

/** Pages of events, as every history answers them. */
export const auditAnswer = {
  schema: z.object({
    items: z.array(auditEvent),
    next: z.string().nullable().describe("`cursor` of the next page; null at the end."),
  }),
  async page(
    db: Database,
    principal: Principal,
    scope: AdminScope,
    catalog: Catalog,
    filter: AuditFilter,
    { limit, cursor: before }: { limit: number; cursor?: number },
  ): Promise<Response> {
    const visibility = await auditVisibility(db, principal, scope, catalog);
    const { events, next } = await searchAudit(db, visibility, filter, { limit, before });
    return rawJson(
      `{"items":[${events.map(auditEventJson).join(",")}],"next":${
        JSON.stringify(next === null ? null : String(next))
      }}`,
    );
  },
};
