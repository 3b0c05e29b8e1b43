import { z } from "zod";
import { type AdminScope, notFound } from "../access/mod.ts";
import type { Connection, Database } from "../db/mod.ts";
import type { Catalog } from "../models/mod.ts";
import { pendingChanges } from "../sync/mod.ts";
import { readItem } from "./list_page.ts";
import { deviceList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";

/** A device as the pages show it. */
export interface DeviceRow {
  id: number;
  name: string;
  username: string;
  organization_slug: string;
  client_version: string;
  first_seen_at: Date;
  last_seen_at: Date;
  last_push_at: Date | null;
  last_pull_at: Date | null;
  /** When a pull last brought it to the state of the server. */
  last_complete_at: Date | null;
  last_error: string;
  last_error_at: Date | null;
  resync_requested_at: Date | null;
  revoked_at: Date | null;
}

const query = z.object({
  state: z.enum(["allowed", "revoked"]).optional(),
  q: filterText.optional(),
});

/** What the page's form asks for. */
export type DeviceFilter = z.output<typeof query>;

/** The filter in the query of an address. @throws LockstepError `invalid_value` */
export const deviceFilter = addressFilter(query);

/** Where a device stands in one model. */
export interface DevicePosition {
  model: string;
  /** The time that it was given with its newest cursor; null when none is kept. */
  last_sync: Date | null;
  /** Changes of the organization's rows that came since, counted to 1,001; undefined before its end. */
  pending?: number;
}

/**
 * A device and where it stands in each model that it pulls.
 *
 * @throws LockstepError `not_found`, also for other organizations' devices
 */
export async function deviceDetails(
  db: Database,
  catalog: Catalog,
  scope: AdminScope,
  id: number | undefined,
): Promise<{ device: DeviceRow; positions: DevicePosition[] }> {
  const device = id && await readItem(db, scope, deviceList, id);
  if (!device) throw notFound("device", id ?? "of that number");
  const positions = await db.query<DevicePosition & { cursor: string; organization: number }>(
    `SELECT given.model, given.cursor, d.organization_id AS organization, max(p.last_sync) AS last_sync
    FROM lockstep.device d
    CROSS JOIN LATERAL jsonb_each_text(d.cursors) AS given (model, cursor)
    LEFT JOIN lockstep.sync_position p ON p.user_id = d.user_id
      AND p.organization_id = d.organization_id AND p.device = d.name AND p.model_name = given.model
    WHERE d.id = $1
    GROUP BY given.model, given.cursor, d.organization_id
    ORDER BY given.model`,
    [id],
  );
  const cursors = Object.fromEntries(positions.map(({ model, cursor }) => [model, cursor]));
  const pending = positions.length === 0 ? {} : await db.transaction(
    { readOnly: true },
    (tx) => pendingChanges(tx, catalog, positions[0].organization, cursors),
  );
  return {
    device: device as unknown as DeviceRow,
    positions: positions.map(({ model, last_sync }) => ({
      model,
      last_sync,
      pending: (pending as Record<string, number>)[model],
    })),
  };
}

/** A page of the devices, the one that came last first. */
export async function devicePage(
  conn: Connection,
  { scope, organization }: AdminVisit,
  { state, q }: DeviceFilter,
  place: PagePlace,
  limit?: number,
): Promise<RowsPage<DeviceRow>> {
  const is_revoked = state && state === "revoked";
  const asked = { q, is_revoked, organization_id: organization?.id, limit };
  return await rowsPage<DeviceRow>(conn, scope, deviceList, asked, place);
}
