import { z } from "zod";
import { type AdminScope, notFound } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { readItem } from "./list_page.ts";
import { deviceList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { filterText, givenFields } from "./page_filter.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";
import { parse } from "./parse.ts";

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

const pageSize = 50;

const query = z.object({
  state: z.enum(["allowed", "revoked"]).optional(),
  q: filterText.optional(),
});

/** What the page's form asks for. */
export type DeviceFilter = z.output<typeof query>;

/**
 * The filter in the query of an address; fields that are left empty do not count.
 *
 * @throws LockstepError `invalid_value`
 */
export function deviceFilter(params: URLSearchParams): DeviceFilter {
  return parse(query, givenFields(params));
}

/** Where a device stands in one model. */
export interface DevicePosition {
  model: string;
  /** The time that it was given with its newest cursor; null when none is kept. */
  last_sync: Date | null;
}

/**
 * A device and where it stands in each model that it pulls.
 *
 * @throws LockstepError `not_found`, also for other organizations' devices
 */
export async function deviceDetails(
  conn: Connection,
  scope: AdminScope,
  id: number | undefined,
): Promise<{ device: DeviceRow; positions: DevicePosition[] }> {
  const device = id && await readItem(conn, scope, deviceList, id);
  if (!device) throw notFound("device", id ?? "of that number");
  const positions = await conn.query<DevicePosition>(
    `SELECT model, max(p.last_sync) AS last_sync
    FROM lockstep.device d
    CROSS JOIN LATERAL jsonb_object_keys(d.cursors) AS model
    LEFT JOIN lockstep.sync_position p ON p.user_id = d.user_id
      AND p.organization_id = d.organization_id AND p.device = d.name AND p.model_name = model
    WHERE d.id = $1
    GROUP BY model
    ORDER BY model`,
    [id],
  );
  return { device: device as unknown as DeviceRow, positions };
}

/** A page of the devices, the one that came last first. */
export async function devicePage(
  conn: Connection,
  { scope, organization }: AdminVisit,
  { state, q }: DeviceFilter,
  place: PagePlace,
  limit = pageSize,
): Promise<RowsPage<DeviceRow>> {
  const is_revoked = state && state === "revoked";
  const asked = { q, is_revoked, organization_id: organization?.id, limit };
  return await rowsPage<DeviceRow>(conn, scope, deviceList, asked, place);
}
