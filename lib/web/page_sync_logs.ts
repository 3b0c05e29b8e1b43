import { z } from "zod";
import type { Connection } from "../db/mod.ts";
import type { ListSource } from "./list_page.ts";
import { syncLogList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { addressFilter, filterDay, filterText, filterTimes } from "./page_filter.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";
import type { PageList } from "./page_sorted.ts";

/** A line of the sync log as the pages show it. */
export interface SyncLogRow {
  id: number;
  timestamp: Date;
  operation: "PUSH" | "PULL";
  status: "SUCCESS" | "WARNING" | "ERROR";
  model: string;
  object_count: number;
  /** Seconds. */
  processing_time: number;
  error_message: string;
  username: string | null;
  organization_slug: string | null;
  device: string;
  request_id: string;
}

/** Without the requests themselves, which no page shows. */
const { request_data: _requestData, ...fields } = syncLogList.fields;
const source: ListSource = { ...syncLogList, fields, sort: "-timestamp" };

const query = z.object({
  operation: z.enum(["PUSH", "PULL"]).optional(),
  status: z.enum(["SUCCESS", "WARNING", "ERROR"]).optional(),
  model: filterText.optional(),
  username: filterText.optional(),
  device: filterText.optional(),
  q: filterText.optional(),
  from: filterDay.optional(),
  to: filterDay.optional(),
});

/** What the page's form asks for. Days are of UTC, `to` included. */
export type SyncLogFilter = z.output<typeof query>;

/** The sync log, as a file too. */
export const syncLogPages: PageList<SyncLogRow, SyncLogFilter> = {
  filter: addressFilter(query),
  source: () => source,
  query({ from, to, ...filter }, { organization }) {
    const [timestamp_from, timestamp_to] = filterTimes(from, to);
    return { ...filter, timestamp_from, timestamp_to, organization_id: organization?.id };
  },
  columns: [
    ["id", (row) => row.id],
    ["timestamp", (row) => row.timestamp],
    ["operation", (row) => row.operation],
    ["status", (row) => row.status],
    ["model", (row) => row.model],
    ["object_count", (row) => row.object_count],
    ["processing_time", (row) => row.processing_time],
    ["error_message", (row) => row.error_message],
    ["user", (row) => row.username],
    ["organization", (row) => row.organization_slug],
    ["device", (row) => row.device],
    ["request_id", (row) => row.request_id],
  ],
};

/** A page of the sync log, the newest first. */
export function syncLogPage(
  conn: Connection,
  visit: AdminVisit,
  filter: SyncLogFilter,
  place: PagePlace,
): Promise<RowsPage<SyncLogRow>> {
  return rowsPage(conn, visit.scope, source, syncLogPages.query(filter, visit), place);
}
