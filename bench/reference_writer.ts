import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type postgres from "postgres";
import { type City, cityColumns, cityType } from "./cities.ts";

/** Ways to send rows straight to PostgreSQL, each batch a transaction of its own. */
export type Writer = (
  sql: postgres.Sql,
  table: string,
  rows: City[],
  organizationId: number,
) => Promise<unknown>;

const columns = [...cityColumns, "organization_id"].join(", ");
/** What one statement takes, by its parameters. */
const mostRows = Math.floor(65_534 / (cityColumns.length + 1));

export const writers: Record<string, Writer> = {
  "INSERT … VALUES": (sql, table, rows, organization_id) =>
    sql.begin(async (sql) => {
      for (let i = 0; i < rows.length; i += mostRows) {
        const part = rows.slice(i, i + mostRows).map((row) => ({ ...row, organization_id }));
        await sql`INSERT INTO ${sql(table)} ${sql(part)}`;
      }
    }),
  "json_to_recordset": (sql, table, rows, organizationId) => {
    const types = cityColumns.map((name) => `${name} ${cityType(name)}`).join(", ");
    return sql.unsafe(
      `INSERT INTO ${table} (${columns})
       SELECT r.*, $2 FROM json_to_recordset($1::text::json) AS r (${types})`,
      [JSON.stringify(rows), organizationId],
      { prepare: true },
    );
  },
  "unnest": (sql, table, rows, organizationId) => {
    const arrays = cityColumns.map((name) => rows.map((row) => elementOf(row[name])));
    const list = cityColumns.map((name) =>
      name === "alternate_names" ? `r.${name}::text[]` : `r.${name}`
    );
    const types = cityColumns.map((name, i) =>
      `$${i + 2}::text::${name === "alternate_names" ? "text" : cityType(name)}[]`
    );
    return sql.unsafe(
      `INSERT INTO ${table} (${columns})
       SELECT ${list.join(", ")}, $1 FROM unnest(${types.join(", ")}) AS r (${
        cityColumns.join(", ")
      })`,
      [organizationId, ...arrays.map((values) => `{${values.join(",")}}`)],
      { prepare: true },
    );
  },
  "COPY FROM STDIN": async (sql, table, rows, organizationId) => {
    const copy = await sql.unsafe(`COPY ${table} (${columns}) FROM STDIN`).writable();
    await pipeline(Readable.from(copyText(rows, organizationId)), copy);
  },
};

function elementOf(value: City[keyof City]): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : arrayText(value);
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

function arrayText(values: string[]): string {
  return `{${values.map((value) => `"${value.replace(/[\\"]/g, "\\$&")}"`).join(",")}}`;
}

/** Pieces of about 64 KiB of PostgreSQL's text format. */
function* copyText(rows: City[], organizationId: number): Generator<string> {
  let piece = "";
  for (const row of rows) {
    for (const name of cityColumns) {
      const value = row[name];
      if (value === null) piece += "\\N\t";
      else if (typeof value === "number") piece += `${value}\t`;
      else {
        const text = typeof value === "string" ? value : arrayText(value);
        piece += `${/[\\\t\n\r]/.test(text) ? escaped(text) : text}\t`;
      }
    }
    piece += `${organizationId}\n`;
    if (piece.length > 65_536) {
      yield piece;
      piece = "";
    }
  }
  yield piece;
}

const escapes: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const escaped = (text: string) => text.replace(/[\\\t\n\r]/g, (character) => escapes[character]);
