import { z } from "zod";
import { membershipIn, notFound } from "../access/mod.ts";
import { actorSettings } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import {
  push,
  type PushContext,
  type RawObject,
  readQuarantine,
  type RecordError,
  resolveQuarantine,
} from "../sync/mod.ts";
import { pusher } from "./bulk_push.ts";
import type { State } from "./define.ts";
import { changeByForm, visitActor } from "./form_change.ts";
import { readItem } from "./list_page.ts";
import { quarantineList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";

/** A refused record as the pages show it. */
export interface QuarantineRow {
  id: number;
  organization_id: number;
  organization_slug: string;
  user_id: number | null;
  username: string | null;
  device: string;
  model: string;
  code: string;
  field: string;
  message: string;
  state: "open" | "replayed" | "discarded";
  request_id: string;
  created_at: Date;
  resolved_at: Date | null;
  resolved_by: string | null;
}

const query = z.object({
  state: z.enum(["open", "replayed", "discarded", "all"]).optional(),
  model: filterText.optional(),
  username: filterText.optional(),
  device: filterText.optional(),
  q: filterText.optional(),
});

/** What the page's form asks for. Without a state, what is open. */
export type QuarantineFilter = z.output<typeof query>;

/** The filter in the query of an address. @throws LockstepError `invalid_value` */
export const quarantineFilter = addressFilter(query);

/** A page of the refused records, the newest first. */
export async function quarantinePage(
  conn: Connection,
  { scope, organization }: AdminVisit,
  { state = "open", ...filter }: QuarantineFilter,
  place: PagePlace,
): Promise<RowsPage<QuarantineRow>> {
  return await rowsPage<QuarantineRow>(conn, scope, quarantineList, {
    ...filter,
    state: state === "all" ? undefined : state,
    organization_id: organization?.id,
  }, place);
}

/**
 * A refused record and the JSON text of it.
 *
 * @throws LockstepError `not_found`, also for other organizations' records
 */
export async function quarantined(
  { services: { db }, admin }: State,
  id: string,
): Promise<{ row: QuarantineRow; record: string }> {
  const number = /^[1-9]\d{0,14}$/.test(id) ? Number(id) : undefined;
  const row = number && await readItem(db, admin!.scope, quarantineList, number);
  if (!row) throw notFound("quarantined record", id);
  const { organization_id: organizationId } = row as unknown as QuarantineRow;
  const { record } = await readQuarantine(db, { organizationId, userId: null }, number);
  return { row: row as unknown as QuarantineRow, record };
}

/**
 * Pushes a refused record again, as `record` has it. Accepted, it is resolved in the same
 * transaction. Resolves to why it was refused, or to undefined.
 *
 * It is written with the rights of whoever pushed it, as they are now, so that row filters hold that
 * name the user; the audit trail names whoever replays it.
 *
 * @throws LockstepError `conflict` when somebody resolved it meanwhile, `permission_denied`
 */
export async function replayQuarantined(
  state: State,
  row: QuarantineRow,
  record: RawObject,
): Promise<RecordError | undefined> {
  const context = await replayContext(state, row);
  const { user } = state.admin!;
  return await push(context, [record], { atomic: true, returns: "none" }, async (tx, outcome) => {
    if (outcome.errors.length === 0) await resolveQuarantine(tx, row.id, "replayed", user);
    return outcome.errors.at(0);
  });
}

/** Gives a refused record up. It stays readable. */
export async function discardQuarantined(state: State, { id }: QuarantineRow): Promise<void> {
  await changeByForm(state, (tx) => resolveQuarantine(tx, id, "discarded", state.admin!.user));
}

async function replayContext(state: State, row: QuarantineRow): Promise<PushContext> {
  const { services, admin, requestId } = state;
  const { db, catalog } = services;
  const { SYNC } = await services.settings.current();
  return {
    db,
    catalog: await catalog.current(),
    ...await replayer(state, row),
    device: row.device,
    requestId,
    settings: actorSettings(visitActor({ ...state, admin })),
    quarantineLimit: SYNC.QUARANTINE_LIMIT,
  };
}

/** Nobody gets the rights of a superuser by repairing a superuser's record. */
async function replayer(
  { services, admin }: State,
  { user_id: userId, organization_id: organizationId }: QuarantineRow,
): Promise<Pick<PushContext, "principal" | "membership">> {
  const { user, scope } = admin!;
  if (userId !== null) {
    const found = await pusher(services, { userId, organizationId, device: "" });
    if ("all" in scope || !found.principal.isSuperuser) return found;
  }
  const membership = await membershipIn(services.db, user, organizationId);
  if (membership) return { principal: user, membership };
  throw new LockstepError(
    "permission_denied",
    "The organization is not active, so nothing can be written for it.",
  );
}
