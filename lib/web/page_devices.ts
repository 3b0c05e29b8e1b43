import { z } from "zod";
import type { Connection } from "../db/mod.ts";
import { deviceList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";
import { parse } from "./parse.ts";

/** A device as the pages show it. */
export interface DeviceRow {
  id: number;
  name: string;
  username: string;
  organization_slug: string;
  client_version: string;
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
  q: z.string().max(200).refine((value) => !value.includes("\0"), "Must not contain NUL")
    .optional(),
});

/** What the page's form asks for. */
export type DeviceFilter = z.output<typeof query>;

/**
 * The filter in the query of an address; fields that are left empty do not count.
 *
 * @throws LockstepError `invalid_value`
 */
export function deviceFilter(params: URLSearchParams): DeviceFilter {
  const given = [...params].map(([name, value]) => [name, value.trim()])
    .filter(([, value]) => value !== "");
  return parse(query, Object.fromEntries(given));
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
