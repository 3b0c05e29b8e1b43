import { z } from "zod";
import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import type { ListQuery, ListSource } from "./list_page.ts";
import { syncLogList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { filterDay, filterText, filterTimes, givenFields } from "./page_filter.ts";
import { type PagePlace, type RowsPage, rowsPage } from "./page_rows.ts";
import { parse } from "./parse.ts";

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

const pageSize = 50;
const exportSize = 1000;

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

/**
 * The filter in the query of an address; fields that are left empty do not count.
 *
 * @throws LockstepError `invalid_value`
 */
export function syncLogFilter(params: URLSearchParams): SyncLogFilter {
  return parse(query, givenFields(params));
}

/** A page of the sync log, the newest first. */
export async function syncLogPage(
  conn: Connection,
  visit: AdminVisit,
  filter: SyncLogFilter,
  place: PagePlace,
  limit = pageSize,
): Promise<RowsPage<SyncLogRow>> {
  const { scope, organization } = visit;
  const asked: ListQuery = { ...listed(filter), organization_id: organization?.id, limit };
  return await rowsPage<SyncLogRow>(conn, scope, source, asked, place);
}

function listed({ from, to, ...filter }: SyncLogFilter): Record<string, unknown> {
  const [timestamp_from, timestamp_to] = filterTimes(from, to);
  return { ...filter, timestamp_from, timestamp_to };
}

const columns: [string, (row: SyncLogRow) => string | number | null][] = [
  ["id", (row) => row.id],
  ["timestamp", (row) => row.timestamp.toISOString()],
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
];

/**
 * Every line that the filter asks for, as pieces of CSV of at most 1,000 lines. No transaction is
 * held between the pieces.
 */
export async function* syncLogCsv(
  conn: Connection,
  visit: AdminVisit,
  filter: SyncLogFilter,
): AsyncGenerator<string> {
  yield `${columns.map(([name]) => name).join(",")}\r\n`;
  let before: string | undefined;
  do {
    const page = await syncLogPage(conn, visit, filter, { before }, exportSize);
    yield page.rows.map((row) => `${columns.map(([, cell]) => csvCell(cell(row))).join(",")}\r\n`)
      .join("");
    before = page.older;
  } while (before !== undefined);
}
