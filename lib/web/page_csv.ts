import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import { define } from "./define.ts";
import { listPage } from "./list_page.ts";
import type { AdminVisit } from "./page_admin.ts";
import type { PageList } from "./page_sorted.ts";

/**
 * The handlers of a list's file: everything that the address asks for, as CSV in pieces of at most
 * 1,000 lines. No transaction is held between the pieces.
 */
export function csvHandlers<Row, Filter>(name: string, list: PageList<Row, Filter>) {
  return define.handlers({
    GET(ctx) {
      const { services, admin } = ctx.state;
      const filter = list.filter(ctx.url.searchParams);
      return ctx.stream(csvOf(services.db, admin!, list, filter), { headers: csvHeaders(name) });
    },
  });
}

async function* csvOf<Row, Filter>(
  conn: Connection,
  visit: AdminVisit,
  list: PageList<Row, Filter>,
  filter: Filter,
): AsyncGenerator<string> {
  const { columns } = list;
  const source = list.source(visit);
  const query = { ...list.query(filter, visit), limit: 1000 };
  yield `${columns.map(([name]) => name).join(",")}\r\n`;
  let cursor: string | undefined;
  do {
    const { items, next } = await listPage(conn, visit.scope, source, { ...query, cursor });
    yield items.map((row) => `${columns.map(([, cell]) => text(cell(row as Row))).join(",")}\r\n`)
      .join("");
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

function text(value: string | number | boolean | Date | null): string {
  if (value instanceof Date) return csvCell(value.toISOString());
  return csvCell(typeof value === "boolean" ? String(value) : value);
}

/** Headers of a CSV file of that name, with the day: today's if no other. */
export function csvHeaders(
  name: string,
  day = new Date().toISOString().slice(0, 10),
): Record<string, string> {
  return {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${name}-${day}.csv"`,
  };
}
