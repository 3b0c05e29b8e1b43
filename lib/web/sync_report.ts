import { z } from "zod";
import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";

/** What an organization did with one model on one day. */
export interface SyncReportRow {
  /** Slug; null for requests that failed before it was known. */
  organization: string | null;
  model: string;
  operation: "PUSH" | "PULL";
  status: "SUCCESS" | "WARNING" | "ERROR";
  /** A request counts for each of its models. */
  syncs: number;
  objects: number;
  users: number;
  devices: number;
  /** Seconds. */
  average_time: number;
  longest_time: number;
}

export interface SyncReport {
  /** The day in UTC, as 2026-01-31. */
  day: string;
  syncs: number;
  failed: number;
  objects: number;
  rows: SyncReportRow[];
}

/** A report as the admin API shows it. */
export const syncReportSchema = z.object({
  day: z.string(),
  syncs: z.int(),
  failed: z.int(),
  objects: z.number(),
  rows: z.array(z.object({
    organization: z.string().nullable(),
    model: z.string(),
    operation: z.enum(["PUSH", "PULL"]),
    status: z.enum(["SUCCESS", "WARNING", "ERROR"]),
    syncs: z.int(),
    objects: z.number(),
    users: z.int(),
    devices: z.int(),
    average_time: z.number().describe("Seconds."),
    longest_time: z.number().describe("Seconds."),
  })),
});

/** Which day a report is asked for. */
export const reportQuery = z.strictObject({
  day: z.iso.date().refine((value) => value >= "1970", "Must be a day from 1970 on.").optional(),
});

/**
 * The syncs of a day (UTC), by default the day before this one; of the organizations with these ids,
 * or of all.
 */
export async function syncReport(
  conn: Connection,
  day: string | null = null,
  organizationIds: readonly number[] | null = null,
): Promise<SyncReport> {
  const [{ name }] = await conn.query<{ name: string }>(
    `SELECT coalesce($1::date, (now() AT TIME ZONE 'UTC')::date - 1)::text AS name`,
    [day],
  );
  const rows = await conn.query<SyncReportRow>(
    `
    SELECT o.slug AS organization, l.model_name AS model, l.operation, l.status,
      count(*)::int AS syncs, sum(l.object_count)::float8 AS objects,
      count(DISTINCT l.user_id)::int AS users,
      count(DISTINCT (l.user_id, l.device)) FILTER (WHERE l.device <> '')::int AS devices,
      round(avg(l.processing_time)::numeric, 6)::float8 AS average_time,
      round(max(l.processing_time)::numeric, 6)::float8 AS longest_time
    FROM lockstep.sync_log l
    LEFT JOIN lockstep.organization o ON o.id = l.organization_id
    WHERE l.timestamp >= $1::date::timestamp AT TIME ZONE 'UTC'
      AND l.timestamp < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND ($2::int[] IS NULL OR l.organization_id = ANY ($2::int[]))
    GROUP BY o.slug, l.model_name, l.operation, l.status
    ORDER BY o.slug NULLS FIRST, l.model_name, l.operation, l.status`,
    [name, organizationIds],
  );
  const sum = (of: (row: SyncReportRow) => number) =>
    rows.reduce((total, row) => total + of(row), 0);
  return {
    day: name,
    syncs: sum(({ syncs }) => syncs),
    failed: sum(({ status, syncs }) => status === "ERROR" ? syncs : 0),
    objects: sum(({ objects }) => objects),
    rows,
  };
}

const columns = [
  ...["organization", "model", "operation", "status", "syncs", "objects", "users", "devices"],
  ...["average_time", "longest_time"],
] as (keyof SyncReportRow)[];

export function syncReportCsv({ rows }: SyncReport): string {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return lines.map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
}

/**
 * Writes the report to `directory` as JSON and CSV. Resolves to the paths, or to why there are none:
 * a process without the right to write keeps the report in the database alone.
 */
export async function writeSyncReport(
  directory: string,
  report: SyncReport,
): Promise<{ files: string[]; unwritten?: string }> {
  const path = `${directory}/${report.day}`;
  try {
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
    await Deno.writeTextFile(`${path}.csv`, syncReportCsv(report));
  } catch (error) {
    const reason = error instanceof Error ? error.name : "unknown";
    return { files: [], unwritten: `${directory} cannot be written (${reason}).` };
  }
  return { files: [`${path}.json`, `${path}.csv`] };
}
