/** What the address of a list asks for, and the addresses of the same list otherwise. */
export interface ListState<Asked extends object = object> {
  path: string;
  /** The fields of the query that were given: filters, and the order as `sort`. */
  asked: Asked;
  /** The same as a query. */
  query: URLSearchParams;
  /** What the list is sorted by, where that can be chosen. */
  sort?: string;
  isFiltered: boolean;
  /** The address of the list's first page with that field, in place of any other value of it. */
  at(name: string, value: string): string;
  /** The address of the list's first page without these fields. */
  without(...names: string[]): string;
}

/**
 * The state of the list at `path`, of what its address asks for: the fields that were given, or a
 * query where a field can be given twice.
 *
 * @param sort the order where the address names none, of lists that can be sorted
 */
export function listState<Asked extends object>(
  path: string,
  asked: Asked,
  sort?: string,
): ListState<Asked> {
  const query = asked instanceof URLSearchParams
    ? asked
    : new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
  const given = [...query];
  const address = (pairs: string[][]) =>
    pairs.length > 0 ? `${path}?${new URLSearchParams(pairs)}` : path;
  return {
    path,
    asked,
    query,
    sort: query.get("sort") ?? sort,
    isFiltered: given.some(([name]) => name !== "sort"),
    at: (name, value) => address([...given.filter(([other]) => other !== name), [name, value]]),
    without: (...names) => address(given.filter(([name]) => !names.includes(name))),
  };
}
