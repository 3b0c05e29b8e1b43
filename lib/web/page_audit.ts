import type { Context } from "fresh";
import { z } from "zod";
import { type AdminScope, notFound, type Principal } from "../access/mod.ts";
import {
  type AuditEvent,
  type AuditFilter,
  type ChainHead,
  exportAudit,
  type ExportFormat,
  revert,
  searchAudit,
  type Visibility,
} from "../audit/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import {
  editActions,
  historyEntry,
  readRecord,
  type RecordWrite,
  revertRecord,
  scopeReach,
} from "../sync/mod.ts";
import { auditFilter, auditVisibility, revertableModels } from "./admin_audit.ts";
import { eventParams } from "./admin_resource.ts";
import { recordGuard } from "./collab_records.ts";
import type { State } from "./define.ts";
import { addressFilter, filterDay, filterText, filterTimes } from "./page_filter.ts";
import { visitActor } from "./form_change.ts";
import { recordPath } from "./page_records.ts";
import type { PagePlace } from "./page_rows.ts";
import type { Services } from "./services.ts";

const query = z.object({
  model: filterText.optional(),
  key: filterText.optional(),
  actor: filterText.optional(),
  action: filterText.optional(),
  source: z.enum(["api", "admin", "cli", "job", "sql"]).optional(),
  q: filterText.optional(),
  from: filterDay.optional(),
  to: filterDay.optional(),
});

/** What the page's form asks for. Days are of UTC, `to` included. */
export type AuditPageFilter = z.output<typeof query>;

/** The filter in the query of an address. @throws LockstepError `invalid_value` */
export const auditPageFilter = addressFilter(query);

/** The changes of rows that can be undone, for people. */
export const auditActions: Record<string, { word: string; kind: "success" | "info" | "danger" }> = {
  create: { word: "Added", kind: "success" },
  update: { word: "Changed", kind: "info" },
  delete: { word: "Deleted", kind: "danger" },
};

/** What an event did. An edit in the admin of a table without triggers counts as what they would say. */
export function auditDeed(event: AuditEvent): Pick<AuditEvent, "action" | "changes"> {
  return isEdit(event) ? historyEntry(event) : event;
}

function isEdit({ action }: Pick<AuditEvent, "action">): boolean {
  return (editActions as readonly string[]).includes(action);
}

/** What was done, for people, where it changed no row. */
export const auditDeeds: Record<string, string> = {
  truncate: "Emptied",
  run: "Ran",
  explain: "Asked what they see",
  view_as: "Viewed as",
};

/** By which way a change came, for people. */
export const auditSources: Record<string, string> = {
  admin: "in the admin",
  api: "by an application",
  cli: "on the command line",
  job: "by a job",
  sql: "in the database",
};

/**
 * The head of the chain that somebody kept and now gives in a form: position and hash.
 *
 * @throws LockstepError `invalid_value`
 */
export function knownHead(form: URLSearchParams): ChainHead | undefined {
  const text = (form.get("known") ?? "").trim();
  if (text === "") return;
  const [, position, hash] = /^(\d{1,15})\s+([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash !== undefined) return { position: Number(position), hash };
  throw new LockstepError(
    "invalid_value",
    "A head is a position and a hash of 64 hexadecimal digits, with a space between them. Copy it " +
      "as the page showed it.",
    { errors: [{ field: "known", message: "Must be a position and a hash." }] },
  );
}

/** Events of the trail as a page shows them. */
export interface AuditEvents {
  events: AuditEvent[];
  /** `before` of the page of older events. */
  older?: string;
  /** `after` of the page of newer events. */
  newer?: string;
}

const pageSize = 50;

/**
 * A page of the events that whoever visits may see, newest first.
 *
 * @throws LockstepError `invalid_value`
 */
export async function auditEvents(
  { state }: Context<State>,
  filter: AuditPageFilter,
  place: PagePlace,
): Promise<AuditEvents> {
  const { db, catalog: models } = state.services;
  const catalog = await models.current();
  const { events, next, previous } = await searchAudit(
    db,
    await visitVisibility(state, catalog),
    trailFilter(filter, catalog),
    { before: placeOf(place.before), after: placeOf(place.after), limit: pageSize },
  );
  return { events, older: next?.toString(), newer: previous?.toString() };
}

function placeOf(given: string | undefined): number | undefined {
  if (given === undefined) return;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new LockstepError(
    "invalid_value",
    "The address names no place in this list. Start from its first page.",
  );
}

/** Every event that the filter asks for, as pieces of text. */
export async function auditExport(
  { state }: Context<State>,
  filter: AuditPageFilter,
  format: ExportFormat,
): Promise<AsyncGenerator<string>> {
  const { db, catalog: models } = state.services;
  const catalog = await models.current();
  const visibility = await visitVisibility(state, catalog);
  return exportAudit(db, visibility, trailFilter(filter, catalog), format);
}

/**
 * One event, whichever organization is chosen.
 *
 * @throws LockstepError `not_found`, also for what the visitor may not see
 */
export async function auditEventOf({ state, params }: Context<State>): Promise<AuditEvent> {
  const { success, data } = eventParams.safeParse({ id: params.id });
  if (!success) throw notFound("audit event", params.id);
  const { db, catalog } = state.services;
  const { user, scope } = state.admin!;
  const visibility = await auditVisibility(db, user, scope, await catalog.current());
  const { events: [event] } = await searchAudit(db, visibility, { id: data.id }, { limit: 1 });
  if (!event) throw notFound("audit event", data.id);
  return event;
}

/**
 * What of the trail somebody may see who is about to revert the event, and what the transaction that
 * does so calls first: somebody may have the record open and be editing it.
 *
 * @throws LockstepError `permission_denied` for a change that only staff may revert
 */
export async function revertRight(
  services: Pick<Services, "db" | "collab">,
  principal: Principal,
  scope: AdminScope,
  catalog: Catalog,
  id: number,
): Promise<{ visibility: Visibility; guard(tx: Transaction): Promise<void> }> {
  const { db } = services;
  const visibility = await auditVisibility(db, principal, scope, catalog);
  const { events: [event] } = await searchAudit(db, visibility, { id }, { limit: 1 });
  if (event && !mayRevert(scope, event)) {
    throw new LockstepError(
      "permission_denied",
      `Only staff may revert changes of ${event.model}. Ask one of them.`,
    );
  }
  const named = event && recordOf(event, catalog);
  if (!named) return { visibility, guard: () => Promise.resolve() };
  const { model, key } = named;
  // Rooms are named by keys as the database spells them, which the trail does not always do.
  const stored = await readRecord(db, model, await scopeReach(db, scope, { inactive: true }), key);
  return { visibility, guard: await recordGuard(services, principal, model, stored?.key ?? key) };
}

/** Whether somebody may revert changes of the event's model. */
export function mayRevert(scope: AdminScope, { model }: Pick<AuditEvent, "model">): boolean {
  return "all" in scope || revertableModels.includes(model);
}

/** Whether an event is a change of a row that the visitor may revert on its page. */
export function isRevertable(scope: AdminScope, event: AuditEvent, catalog: Catalog): boolean {
  if (!(auditDeed(event).action in auditActions) || !mayRevert(scope, event)) return false;
  return !isEdit(event) || recordOf(event, catalog) !== undefined;
}

/**
 * Undoes an event's change as a new change by whoever visits. Resolves to the path of what shows it.
 *
 * @throws LockstepError `permission_denied`, `conflict` with the reason when it can no longer be undone
 */
export async function revertEvent({ state }: Context<State>, event: AuditEvent): Promise<string> {
  const { services, admin } = state;
  const { db } = services;
  const { user, scope } = admin!;
  const catalog = await services.catalog.current();
  const { visibility, guard } = await revertRight(services, user, scope, catalog, event.id);
  const actor = visitActor(state);
  const edited = isEdit(event) ? recordOf(event, catalog) : undefined;
  if (!edited) {
    const id = await db.transaction({ retries: 3 }, async (tx) => {
      await guard(tx);
      return await revert(tx, event.id, actor, visibility);
    });
    return `/admin/audit/${id}?reverted`;
  }
  const { model, key } = edited;
  const reach = await scopeReach(db, scope, { inactive: true });
  const write: RecordWrite = { db, catalog, model, reach, actor, guard };
  await revertRecord(write, event.key!, event.id);
  return recordPath(model, key, "history");
}

/** Path of the record that an event is about, where the admin shows it. */
export function eventRecord(event: AuditEvent, catalog: Catalog): string | undefined {
  const named = recordOf(event, catalog);
  if (!named) return;
  const isGone = auditDeed(event).action === "delete";
  return recordPath(named.model, named.key, isGone ? "history" : "change");
}

function recordOf(
  { model: name, key }: AuditEvent,
  catalog: Catalog,
): { model: Model; key: string[] } | undefined {
  const model = catalog.find(name);
  if (!model?.enabled || !key) return;
  const values = model.key.map((column) => key[column]);
  return values.some((value) => value === undefined) ? undefined : { model, key: values };
}

async function visitVisibility({ services, admin }: State, catalog: Catalog): Promise<Visibility> {
  const { user, scope, organization } = admin!;
  const visibility = await auditVisibility(services.db, user, scope, catalog);
  if (!organization) return visibility;
  const organizationIds = [organization.id];
  return "all" in visibility ? { organizationIds } : { ...visibility, organizationIds };
}

function trailFilter(
  { from, to, action, ...filter }: AuditPageFilter,
  catalog: Catalog,
): AuditFilter {
  const [at_from, at_to] = filterTimes(from, to);
  const actions = action && action in auditActions
    ? [action, `admin_${action}`]
    : action && [action];
  return {
    ...auditFilter({ ...filter, at_from, at_to }, catalog),
    actions: actions || undefined,
  };
}
