import type { Tenant } from "../access/mod.ts";
import { csvCell } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import { isNumeric } from "./record_columns.ts";
import { listRecords, type RecordQuery } from "./record_list.ts";

const firstRows = 100;
const mostRows = 1_000;
/** UTF-16 units that a piece should have. */
const pieceSize = 500_000;

/**
 * Every row within the reach that fulfils the query's conditions, as pieces of CSV of bounded size, bytes
 * left out. They come in the order of the key, which has an index: any other would be sorted anew for
 * each piece. No transaction is held between the pieces.
 */
export async function* recordCsv(
  conn: Connection,
  model: Model,
  reach: Tenant,
  asked: RecordQuery,
): AsyncGenerator<string> {
  const columns = model.columns.filter(({ baseType }) => baseType !== "bytea");
  const numeric = columns.map(isNumeric);
  yield `${columns.map(({ name }) => csvCell(name)).join(",")}\r\n`;
  const query = { ...asked, sort: null, descending: false };
  let after: string | undefined;
  let limit = firstRows;
  do {
    const page = await listRecords(conn, model, reach, query, columns, { after }, { limit });
    const piece = page.rows.map(({ values }) =>
      `${values.map((text, i) => numeric[i] ? numberCell(text) : csvCell(text)).join(",")}\r\n`
    ).join("");
    yield piece;
    after = page.next;
    const each = piece.length / Math.max(page.rows.length, 1);
    limit = Math.max(1, Math.min(mostRows, 4 * limit, Math.floor(pieceSize / Math.max(each, 1))));
  } while (after !== undefined);
}

/** Floating-point numbers have exponents, which `csvCell` would take for a formula after a minus. */
function numberCell(text: string | null): string {
  return text !== null && /^-?[\d.]+(?:e[+-]?\d+)?$/.test(text) ? text : csvCell(text);
}
