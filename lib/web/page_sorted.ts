import type { Context } from "fresh";
import type { AdminScope } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { decodeKey, encodeKey, listPage, type ListQuery, type ListSource } from "./list_page.ts";
import type { State } from "./define.ts";
import type { AdminVisit } from "./page_admin.ts";
import { type PagePlace, pagePlace, pageSize } from "./page_rows.ts";

/** A list of the admin that is shown by the page and given as a file. */
export interface PageList<Row, Filter> {
  /**
   * What the query of an address asks for.
   *
   * @throws LockstepError `invalid_value`
   */
  filter(params: URLSearchParams): Filter;
  /** Where the rows come from that whoever visits may see. */
  source(visit: AdminVisit): ListSource;
  /** The filter as the source takes it, and the order. */
  query(filter: Filter, visit: AdminVisit): Partial<ListQuery>;
  /** Name and text of each column of the file. */
  columns: [string, (row: Row) => string | number | boolean | Date | null][];
}

/** A page of a list in any order, and the places of its neighbours. */
export interface SortedPage<Row> {
  rows: Row[];
  /** `before` of the page before this one. */
  previous?: string;
  /** `after` of the page after this one. */
  next?: string;
}

/** A page of a list, with the filter that it was asked for with. */
export interface ListedPage<Row, Filter> extends SortedPage<Row> {
  filter: Filter;
}

/**
 * The page of `list` that the address asks for.
 *
 * @throws LockstepError `invalid_value`; `invalid_cursor`, `cursor_mismatch` for a place in another order
 */
export async function listedPage<Row, Filter>(
  { state: { services, admin }, url }: Pick<Context<State>, "state" | "url">,
  list: PageList<Row, Filter>,
  filter = list.filter(url.searchParams),
): Promise<ListedPage<Row, Filter>> {
  const query = list.query(filter, admin!);
  const source = list.source(admin!);
  const page = await sortedPage<Row>(services.db, admin!.scope, source, query, pagePlace(url));
  return { ...page, filter };
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
  query: Partial<ListQuery>,
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
    limit: pageSize,
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
