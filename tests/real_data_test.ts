import { expect } from "expect";
import { type City, cityColumns, createCities, readCities } from "../bench/cities.ts";
import type { Client } from "../bench/client.ts";
import { ServerProcess } from "../bench/server_process.ts";
import { grant, prepare, signIn } from "../bench/world.ts";
import { type DatabaseKind, hasPostgres, openTestDatabase } from "./support/databases.ts";

const model = "geonames.City";
/** The embedded database takes a part of the data, for the time's sake. */
const limits = { pglite: 40_000, postgres: Infinity };

async function pushJson(client: Client, cities: City[]): Promise<void> {
  for (let i = 0; i < cities.length; i += 10_000) {
    await client.push(model, cities.slice(i, i + 10_000));
  }
}

async function pushStream(client: Client, cities: City[]): Promise<void> {
  const lines = cities.map((city) => JSON.stringify({ _model: model, ...city })).join("\n");
  const response = await client.post("push/", lines, { "Content-Type": "application/x-ndjson" });
  const totals = JSON.parse((await response.text()).trimEnd().split("\n").at(-1)!);
  expect([totals.success_count, totals.error_count]).toEqual([cities.length, 0]);
}

type Row = Record<string, unknown>;

async function pullJson(client: Client): Promise<Row[]> {
  const rows: Row[] = [];
  for (let position = null;;) {
    const body = { models: { [model]: position }, batch_size: 10_000 };
    const response = await client.post("pull/?numbers=strings", body);
    const { data, metadata, complete } = await response.json();
    for (const row of data) rows.push(row);
    if (complete) return rows;
    position = metadata[model].cursor;
  }
}

async function pullStream(client: Client): Promise<Row[]> {
  const headers = { Accept: "application/x-ndjson" };
  const response = await client.post("pull/", { models: { [model]: null } }, headers);
  const lines = (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
  expect(lines.at(-1).complete).toBe(true);
  expect(lines[0]._total).toEqual({ [model]: lines.filter((line) => line._model).length });
  return lines.filter((line) => line._model);
}

/** Names the first difference instead of printing all rows. */
function expectCities(
  rows: Row[],
  cities: City[],
  form: (column: string, value: unknown) => unknown,
) {
  const byId = new Map(rows.map((row) => [String(row.id), row]));
  expect([rows.length, byId.size]).toEqual([cities.length, cities.length]);
  for (const city of cities) {
    const row = byId.get(String(city.id))!;
    for (const column of cityColumns) {
      const expected = form(column, city[column]);
      const same = Array.isArray(expected)
        ? JSON.stringify(row[column]) === JSON.stringify(expected)
        : row[column] === expected;
      if (!same) expect([city.id, column, row[column]]).toEqual([city.id, column, expected]);
    }
  }
}

const wide = new Set<string>(["id", "population"]);
const decimal = new Set<string>(["latitude", "longitude"]);

/** As `numbers=strings` writes it: every digit of the column's scale. */
function inStrings(column: string, value: unknown): unknown {
  if (wide.has(column)) return String(value);
  return decimal.has(column) ? Number(value).toFixed(5) : value;
}

const inNumbers = (column: string, value: unknown) => decimal.has(column) ? Number(value) : value;

function testRealData(kind: DatabaseKind) {
  Deno.test({
    name: `every field of GeoNames' cities comes back as it was pushed [${kind}]`,
    ignore: kind === "postgres" && !hasPostgres,
    async fn() {
      await using test = await openTestDatabase(kind, { stored: true });
      const { organizationId, groupId } = await prepare(test.db);
      await test.db.script(`CREATE SCHEMA geonames; ${createCities("geonames.city")}`);
      await grant(test.db, organizationId, groupId, model);
      if (test.dataDir) await test.db.close();
      const cities = await readCities(limits[kind]);
      const half = cities.length >> 1;
      await using server = await ServerProcess.start(
        test.dataDir ? { LOCKSTEP_DATA_DIR: test.dataDir } : { DATABASE_URL: test.url! },
      );
      const device = await signIn(server);
      await pushJson(device, cities.slice(0, half));
      await pushStream(device, cities.slice(half));
      const other = await signIn(server);
      expectCities(await pullJson(other), cities, inStrings);
      expectCities(await pullStream(other), cities, inNumbers);
    },
  });
}

testRealData("pglite");
testRealData("postgres");
