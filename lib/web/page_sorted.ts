import type { AdminScope } from "../access/mod.ts";
import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import { decodeKey, encodeKey, listPage, type ListQuery, type ListSource } from "./list_page.ts";
import type { PagePlace } from "./page_rows.ts";

/** A page of a list in any order, and the places of its neighbours. */
export interface SortedPage<Row> {
  rows: Row[];
  /** `before` of the page before this one. */
  previous?: string;
  /** `after` of the page after this one. */
  next?: string;
}

/**
 * One page of what `source` lists in the order that `query` asks for, going on after a place or
 * ending before one.
 *
 * @throws LockstepError `invalid_cursor`, `cursor_mismatch` for a place in another order
 */
export async function sortedPage<Row>(
  conn: Connection,
  scope: AdminScope,
  source: ListSource,
  query: ListQuery,
  { before, after }: PagePlace,
): Promise<SortedPage<Row>> {
  const sort = query.sort ?? source.sort;
  const opposite = sort.startsWith("-") ? sort.slice(1) : `-${sort}`;
  const field = source.fields[sort.replace(/^-/, "")];
  const located: ListSource = {
    ...source,
    fields: {
      ...source.fields,
      place_value: { sql: `(${field.sortSql ?? field.sql})::text`, type: "text" },
      place_key: { sql: `(${source.fields[source.key.field].sql})::text`, type: "text" },
    },
  };
  const backwards = before !== undefined;
  const cursor = backwards ? turned(before, sort, opposite) : after;
  const { items, next } = await listPage(conn, scope, located, {
    ...query,
    cursor,
    sort: backwards ? opposite : sort,
  });
  if (backwards) items.reverse();
  const placeOf = (item?: Record<string, unknown>) =>
    item && encodeKey([sort, String(item.place_value), String(item.place_key)]);
  const [hasPrevious, hasNext] = backwards
    ? [next !== null, true]
    : [after !== undefined, next !== null];
  return {
    rows: items.map(({ place_value: _value, place_key: _key, ...row }) => row as Row),
    previous: hasPrevious ? placeOf(items[0]) : undefined,
    next: hasNext ? placeOf(items.at(-1)) : undefined,
  };
}

/** The place as a cursor of the list in the opposite order. */
function turned(place: string, sort: string, opposite: string): string {
  const [order, value, key] = decodeKey(place, 3);
  return encodeKey([order === sort ? opposite : order, value, key]);
}

/** Name and text of each column of a CSV file. */
export type CsvColumns<Row> = [string, (row: Row) => string | number | boolean | Date | null][];

/**
 * Everything that `query` asks for, as pieces of CSV of at most 1,000 lines. No transaction is held
 * between the pieces.
 */
export async function* sortedCsv<Row>(
  conn: Connection,
  scope: AdminScope,
  source: ListSource,
  query: ListQuery,
  columns: CsvColumns<Row>,
): AsyncGenerator<string> {
  yield `${columns.map(([name]) => name).join(",")}\r\n`;
  let cursor: string | undefined;
  do {
    const page = await listPage(conn, scope, source, { ...query, limit: 1000, cursor });
    yield page.items.map((row) =>
      `${columns.map(([, cell]) => text(cell(row as Row))).join(",")}\r\n`
    )
      .join("");
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

function text(value: ReturnType<CsvColumns<never>[number][1]>): string {
  if (value instanceof Date) return csvCell(value.toISOString());
  return csvCell(typeof value === "boolean" ? String(value) : value);
}

/** Headers of a CSV file of that name, with the day. */
export function csvHeaders(name: string): Record<string, string> {
  return {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${name}-${
      new Date().toISOString().slice(0, 10)
    }.csv"`,
  };
}
