import type postgres from "postgres";
import { parseArray } from "./array_text.ts";

const same = (text: string) => text;

/** How values are read, by the object identifiers of a type and of its array type in pg_type. */
const readers: [(text: string) => unknown, Record<number, number>][] = [
  [Number, { 20: 1016, 21: 1005, 23: 1007, 26: 1028, 700: 1021, 701: 1022 }],
  [(text) => text === "t", { 16: 1000 }],
  [(text) => Uint8Array.fromHex(text.slice(2)), { 17: 1001 }],
  [(text) => new Date(text), { 1184: 1185 }],
  [JSON.parse, { 114: 199, 3802: 3807 }],
  // "char", name, text, xid, char(n), varchar, cidr, inet, date, timestamp, time, timetz, interval,
  // numeric, regclass, regtype, uuid, xid8, pg_snapshot.
  [same, {
    ...{ 18: 1002, 19: 1003, 25: 1009, 28: 1011, 1042: 1014, 1043: 1015, 650: 651, 869: 1041 },
    ...{ 1082: 1182, 1114: 1115, 1083: 1183, 1266: 1270, 1186: 1187, 1700: 1231, 2205: 2210 },
    ...{ 2206: 2211, 2950: 2951, 5069: 271, 5038: 5039 },
  }],
];

/** For postgres.js. Parameters come to it as text already: see textParameters. */
export const postgresTypes: Record<string, postgres.PostgresType> = Object.fromEntries(
  readers.flatMap(([read, types]) =>
    Object.entries(types).flatMap(([type, array]) => [
      entry(Number(type), read),
      entry(array, (text) => parseArray(text, read)),
    ])
  ),
);

function entry(
  type: number,
  parse: (text: string) => unknown,
): [string, postgres.PostgresType] {
  return [`type${type}`, { to: type, from: [type], parse, serialize: same }];
}
