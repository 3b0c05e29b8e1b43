import type { Connection } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Column, columnValidator, type Model } from "../models/mod.ts";
import {
  columnNamed,
  countRecords,
  isBytes,
  isJson,
  isNumeric,
  isSortable,
  isTime,
  labelColumn,
  listRecords,
  type RecordCondition,
  type RecordCount,
  type RecordQuery,
  type RecordReference,
  referencedRows,
  referencesOf,
} from "../sync/mod.ts";
import { humanName, recordPath, type RecordsVisit } from "./page_records.ts";

const pageSize = 50;
const longestCell = 200;
const columnsAtFirst = 7;

/** What the address of a list asks for. */
export interface RecordsAsked {
  query: RecordQuery;
  /** Shown columns, the one that identifies the record first. */
  columns: Column[];
  /** The choice of columns is the person's. */
  chosen: boolean;
  after?: string;
  before?: string;
}

/** The value in an address that asks for rows without one. */
export const emptyValue = "(empty)";

/**
 * @throws LockstepError `invalid_value` that names the column
 */
export function recordsAsked(model: Model, params: URLSearchParams): RecordsAsked {
  const conditions = model.columns.flatMap((column) => conditionsOn(model, column, params));
  const sort = params.get("sort") ?? "";
  const name = sort.replace(/^-/, "");
  const sorted = model.columns.find((column) => column.name === name && isSortable(column));
  const q = (params.get("q") ?? "").trim().slice(0, 200).replaceAll("\0", "");
  const label = labelColumn(model);
  const names = params.getAll("columns");
  const chosen = model.columns.filter((column) => column !== label && names.includes(column.name));
  return {
    query: {
      ...(q && { q }),
      conditions,
      sort: sorted?.name ?? null,
      descending: sorted ? sort.startsWith("-") : true,
    },
    columns: [label, ...(chosen.length > 0 ? chosen : firstColumns(model, label))],
    chosen: chosen.length > 0,
    after: params.get("after") ?? undefined,
    before: params.get("before") ?? undefined,
  };
}

function firstColumns(model: Model, label: Column): Column[] {
  const plain = model.columns.filter((column) =>
    column !== label && column.name !== model.tenantColumn && column.name !== "created_at" &&
    !isJson(column) && !isBytes(column) && column.kind !== "array" && column.kind !== "composite"
  );
  const updated = plain.find(({ name }) => name === "updated_at");
  const others = plain.filter((column) => column !== updated).slice(0, columnsAtFirst - 2);
  return updated ? [...others, updated] : others;
}

/** How a column can be filtered. */
export function filterOf(model: Model, column: Column): "choice" | "id" | "range" | undefined {
  if (column.name === model.tenantColumn) return;
  if (column.kind === "enum" || column.baseType === "bool" && column.kind === "scalar") {
    return "choice";
  }
  if (model.foreignKeys.some(({ columns }) => columns.includes(column.name))) return "id";
  if (isTime(column) || isNumeric(column) && !model.key.includes(column.name)) return "range";
}

export const filterName = (column: Column, end = "") => `f.${column.name}${end && `.${end}`}`;

function conditionsOn(model: Model, column: Column, params: URLSearchParams): RecordCondition[] {
  const filter = filterOf(model, column);
  const tests: [end: string, test: RecordCondition["test"]][] = filter === "range"
    ? [["from", "from"], ["to", "to"]]
    : filter
    ? [["", "is"]]
    : [];
  return tests.flatMap(([end, test]): RecordCondition[] => {
    const value = (params.get(filterName(column, end)) ?? "").trim();
    if (value === "") return [];
    if (value === emptyValue && column.nullable) {
      return [{ column: column.name, test: "empty", value }];
    }
    const problem = columnValidator({ ...column, readOnly: false })(
      "string",
      JSON.stringify(value),
    );
    if (!problem) return [{ column: column.name, test, value }];
    const field = filterName(column, end);
    throw new LockstepError("invalid_value", problem.message, {
      errors: [{ field, message: problem.message }],
    });
  });
}

/** One value as the list shows it. */
export interface RecordCell {
  text: string | null;
  /** Of the record that a foreign key points to. */
  href?: string;
}

export interface ListedColumn {
  name: string;
  label: string;
  look: "text" | "number" | "boolean" | "time" | "date" | "code" | "bytes";
  sortable: boolean;
}

export interface RecordsView {
  columns: ListedColumn[];
  rows: { href: string; label: string; organizationId: number | null; cells: RecordCell[] }[];
  previous?: string;
  next?: string;
  /** How many rows there are without filters. */
  total?: RecordCount;
}

/** A page of a model's records with the names of what their foreign keys point to. */
export async function recordsView(
  conn: Connection,
  { model, reach, catalog }: RecordsVisit,
  { query, columns, after, before }: RecordsAsked,
): Promise<RecordsView> {
  const page = await listRecords(conn, model, reach, query, columns, { after, before }, {
    limit: pageSize,
    cut: longestCell,
  });
  const unfiltered = !query.q && query.conditions.length === 0;
  const total = unfiltered ? (await countRecords(conn, [model], reach)).get(model) : undefined;
  const names = new Map<number, Map<string, RecordCell>>();
  for (const reference of referencesOf(model, catalog)) {
    const at = columns.findIndex(({ name }) => name === reference.column);
    if (at > 0) {
      names.set(
        at,
        await namesOf(
          conn,
          reference,
          reach,
          page.rows.map((r) => r.values[at]),
        ),
      );
    }
  }
  return {
    columns: columns.map((column) => ({
      name: column.name,
      label: humanName(column.name),
      look: lookOf(model, column),
      sortable: isSortable(column),
    })),
    rows: page.rows.map(({ key, label, organizationId, values }) => ({
      href: recordPath(model, key),
      label,
      organizationId,
      cells: values.map((text, i) => (text !== null && names.get(i)?.get(text)) || { text }),
    })),
    previous: page.previous,
    next: page.next,
    total,
  };
}

async function namesOf(
  conn: Connection,
  reference: RecordReference,
  reach: RecordsVisit["reach"],
  values: (string | null)[],
): Promise<Map<string, RecordCell>> {
  const given = [...new Set(values.filter((value) => value !== null))];
  const rows = await referencedRows(conn, reference, reach, given);
  return new Map(rows.map(({ value, label, key }) => [
    value,
    { text: label, href: recordPath(reference.target, key) },
  ]));
}

function lookOf(model: Model, column: Column): ListedColumn["look"] {
  const refers = model.foreignKeys.some(({ columns }) => columns.includes(column.name));
  if (isBytes(column)) return "bytes";
  if (isNumeric(column) && !refers) return "number";
  if (column.kind === "scalar" && column.baseType === "bool") return "boolean";
  if (column.kind === "scalar" && column.baseType === "timestamptz") return "time";
  if (isTime(column)) return "date";
  return isJson(column) || column.kind === "array" || column.kind === "composite" ? "code" : "text";
}

/** The filters in force, as chips show them. */
export function recordChips(
  model: Model,
  { query }: RecordsAsked,
): { name: string; label: string; shown: string }[] {
  const chips = query.conditions.map(({ column: name, test, value }) => {
    const column = columnNamed(model, name);
    const end = test === "from" || test === "to"
      ? test
      : filterOf(model, column) === "range"
      ? "from"
      : "";
    const yes = column.baseType === "bool"
      ? /^(?:t|true|yes|on|1)$/i.test(value) ? "yes" : "no"
      : value;
    return {
      name: filterName(column, end),
      label: `${humanName(name)}${test === "from" ? " (from)" : test === "to" ? " (to)" : ""}`,
      shown: test === "empty" ? "empty" : yes,
    };
  });
  return query.q ? [{ name: "q", label: "Text", shown: query.q }, ...chips] : chips;
}
