import type { AdminScope } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { listPage, type ListQuery, type ListSource } from "./list_page.ts";

/** Rows of a page, where nothing else is asked for. */
export const pageSize = 50;

/** Between which rows a page lies: those before a place in the list, or after one; else the newest. */
export interface PagePlace {
  before?: string;
  after?: string;
}

/** The place that an address names. */
export function pagePlace({ searchParams }: URL): PagePlace {
  return {
    before: searchParams.get("before") ?? undefined,
    after: searchParams.get("after") ?? undefined,
  };
}

/** A page of a list that begins with the newest, and the places of its neighbours. */
export interface RowsPage<Row> {
  rows: Row[];
  /** `after` of the page of newer rows. */
  newer?: string;
  /** `before` of the page of older rows. */
  older?: string;
}

/**
 * One page of what `source` lists, in its own, descending, order. Both neighbours can be asked for,
 * where a list of the API only goes on.
 *
 * @throws LockstepError `invalid_value`
 */
export async function rowsPage<Row>(
  conn: Connection,
  scope: AdminScope,
  source: ListSource,
  query: Partial<ListQuery>,
  place: PagePlace,
): Promise<RowsPage<Row>> {
  const sort = source.sort.replace(/^-/, "");
  const order = source.fields[sort];
  const key = source.fields[source.key.field].sql;
  const upwards = place.after !== undefined;
  const edge = place.after ?? place.before;
  const located: ListSource = {
    ...source,
    fields: { ...source.fields, place: { sql: `concat(${order.sql}, '~', ${key})`, type: "text" } },
    within(scope, addParam) {
      const within = source.within(scope, addParam);
      if (edge === undefined) return within;
      const [value, id] = placeParts(edge);
      const type = order.type === "time" ? "timestamptz" : "bigint";
      return `${within} AND ROW (${order.sql}, ${key}) ${upwards ? ">" : "<"}
        ROW (${addParam(value)}::text::${type}, ${addParam(id)}::text::${source.key.type})`;
    },
  };
  const { items, next } = await listPage(conn, scope, located, {
    ...query,
    limit: query.limit ?? pageSize,
    sort: upwards ? sort : `-${sort}`,
  });
  if (upwards) items.reverse();
  const rows = items.map(({ place: _place, ...row }) => row) as Row[];
  const [hasNewer, hasOlder] = upwards
    ? [next !== null, true]
    : [edge !== undefined, next !== null];
  return {
    rows,
    newer: hasNewer ? items[0]?.place as string | undefined : undefined,
    older: hasOlder ? items.at(-1)?.place as string | undefined : undefined,
  };
}

function placeParts(place: string): [value: string, key: string] {
  const [, value, key] = /^([\d :.+-]{1,40})~(\d{1,18})$/.exec(place) ?? [];
  if (key !== undefined) return [value, key];
  throw new LockstepError(
    "invalid_value",
    "The address names no place in this list. Start from its first page.",
  );
}
