import type { Database } from "../db/mod.ts";
import { csvCell } from "./csv_cell.ts";
import { type AuditEvent, eventJson } from "./event.ts";
import { sealAudit } from "./seal_audit.ts";
import { type AuditFilter, searchAudit } from "./search_audit.ts";
import type { Visibility } from "./visibility.ts";

export type ExportFormat = "csv" | "ndjson";

const pageSize = 1000;

const csvColumns: [string, (event: AuditEvent) => string | number | null][] = [
  ["id", (e) => e.id],
  ["at", (e) => e.at.toISOString()],
  ["actor_id", (e) => e.actorId],
  ["actor", (e) => e.actor],
  ["database_role", (e) => e.databaseRole],
  ["source", (e) => e.source],
  ["request_id", (e) => e.requestId],
  ["reverts_id", (e) => e.revertsId],
  ["organization_id", (e) => e.organizationId],
  ["model", (e) => e.model],
  ["key", (e) => e.key && JSON.stringify(e.key)],
  ["action", (e) => e.action],
  ["changed", (e) => e.changed.join(" ")],
  ["before", (e) => e.before],
  ["after", (e) => e.after],
  ["position", (e) => e.position],
  ["hash", (e) => e.hash],
];

/**
 * Every event that `visibility` allows and `filter` asks for, newest first, as pieces of text of at
 * most 1,000 events. Seals first, so that the lines carry their hashes. No transaction is held
 * between the pieces.
 */
export async function* exportAudit(
  db: Database,
  visibility: Visibility,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<string> {
  await sealAudit(db);
  if (format === "csv") yield `${csvColumns.map(([name]) => name).join(",")}\r\n`;
  const line = format === "csv" ? csvLine : (event: AuditEvent) => `${eventJson(event)}\n`;
  let before: number | undefined;
  do {
    const page = await searchAudit(db, visibility, filter, { before, limit: pageSize });
    if (page.events.length > 0) yield page.events.map(line).join("");
    before = page.next ?? undefined;
  } while (before !== undefined);
}

function csvLine(event: AuditEvent): string {
  return `${csvColumns.map(([, value]) => csvCell(value(event))).join(",")}\r\n`;
}
