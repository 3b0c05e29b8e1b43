import { expect } from "expect";
import { type ApiWorld, eachApi, expectRefusal, type Json } from "./api_support.ts";

const hundredDigits = "1234567890".repeat(10);

/** Type of the column, JSON as it is pushed, JSON as it is pulled when that differs. */
const values: [type: string, pushed: string, pulled?: string][] = [
  ["smallint", "-32768"],
  ["integer", "2147483647"],
  ["integer", '"42"', "42"],
  ["integer", "null"],
  ["bigint", "9223372036854775807"],
  ["bigint", "-9223372036854775808"],
  ["bigint", "9007199254740993"],
  ["numeric", hundredDigits],
  ["numeric", `-${hundredDigits}.${hundredDigits}`],
  ["numeric", `0.${"0".repeat(99)}1`],
  ["numeric", "1.10"],
  ["numeric", '"1.10"', "1.10"],
  ["numeric", "0.0000"],
  ["numeric", '"NaN"'],
  ["numeric", "1e20", "100000000000000000000"],
  ["numeric(10,2)", "12345678.90"],
  ["numeric(10,2)", "1.5", "1.50"],
  ["real", "1.5"],
  ["double precision", "0.1"],
  ["double precision", "1.7976931348623157e308", "1.7976931348623157e+308"],
  ["double precision", "5e-324"],
  ["double precision", '"NaN"'],
  ["double precision", '"-Infinity"'],
  ["boolean", "true"],
  ["boolean", '"f"', "false"],
  ["text", '""'],
  ["text", '"Å𝄞 \\"quoted\\" \\\\ back \\t tab"'],
  ["text", '"\\u00e9\\ud834\\udd1e"', '"é𝄞"'],
  ["text", '"\\\\u0000"'],
  ["text", '"__proto__"'],
  ["text", '"{\\"$ref\\":\\"x\\"}"'],
  ["varchar(3)", '"𝄞𝄞𝄞"'],
  ["char(4)", '"ab"', '"ab  "'],
  ['"char"', '"x"'],
  ["name", '"abc"'],
  ["uuid", '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
  ["uuid", '"{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"', '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
  ["bytea", '"\\\\x00ff10"'],
  ["bytea", '"\\\\x"'],
  ["date", '"2024-02-29"'],
  ["date", '"infinity"'],
  ["date", '"4713-01-01 BC"', '"4713-01-01 BC"'],
  ["date", '"5874897-12-31"'],
  ["timestamp", '"294276-12-31T23:59:59.999999"'],
  ["timestamp", '"-infinity"'],
  ["timestamp", '"4713-01-01 00:00:00 BC"', '"4713-01-01T00:00:00 BC"'],
  ["timestamptz", '"2024-01-14T10:00:00.123456+00:00"'],
  ["timestamptz", '"2024-01-14T10:00:00.5Z"', '"2024-01-14T10:00:00.5+00:00"'],
  ["timestamptz", '"2024-01-14T12:00:00+02:00"', '"2024-01-14T10:00:00+00:00"'],
  ["timestamptz", '"infinity"'],
  ["time", '"24:00:00"'],
  ["timetz", '"10:00:00+05:30"'],
  ["interval", '"1 year 2 mons 3 days 04:05:06.789"', '"P1Y2M3DT4H5M6.789S"'],
  ["interval", '"P1DT2H"'],
  ["json", '{"b": 1,"a":[1,  2.0],"a":null}'],
  ["json", "null"],
  ["json", '"text"'],
  ["json", `{"n":${hundredDigits}}`],
  ["json", '{"__proto__":{"x":1},"constructor":[]}'],
  ["jsonb", '{"b": 1.10, "a": [true, null]}', '{"a": [true, null], "b": 1.10}'],
  ["jsonb", hundredDigits],
  ["jsonb", '"x"'],
  ["jsonb", "false"],
  ["jsonb", '{"$ref": "not a reference"}'],
  ["integer[]", "[1,null,3]"],
  ["integer[]", "[]"],
  ["integer[]", "[[1,2],[3,4]]"],
  ["integer[]", '"{5,6}"', "[5,6]"],
  ["bigint[]", "[9223372036854775807]"],
  ["numeric[]", `[1.10,${hundredDigits}]`],
  ["text[]", '["a,b","\\"q\\"","","NULL",null,"{}"]'],
  ["boolean[]", "[true,false]"],
  ["uuid[]", '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]'],
  ["jsonb[]", '[{"a": 1}, null]', '[{"a": 1},null]'],
  ["t.mood", '"sad"'],
  ["t.mood[]", '["sad","ok"]'],
  ["t.point3", '{"x":1,"y":2.50,"label":"é"}'],
  ["t.point3", '{"y":1}', '{"x":null,"y":1,"label":null}'],
  ["t.point3[]", '[{"x":1,"y":2,"label":"a"}]'],
  ["t.positive", "7"],
  ["t.word", '"abc"'],
  ["int4range", '"[1,10)"'],
  ["int4range", '"empty"'],
  ["tstzrange", '"[\\"2024-01-01 00:00:00+00\\",)"'],
  ["inet", '"192.0.2.1/24"'],
  ["macaddr", '"08:00:2b:01:02:03"'],
  ["bit(4)", '"0101"'],
  ["varbit", '"0101010"'],
  ["point", '"(1.5,2)"'],
  ["tsvector", `"'a' 'b'"`],
  ["xml", '"<a/>"'],
  ["t.ci", '"MiXed"'],
];

const refused: [type: string, pushed: string, code: string][] = [
  ["smallint", "32768", "invalid_value"],
  ["integer", "1.0", "invalid_value"],
  ["integer", "1e2", "invalid_value"],
  ["integer", "[]", "invalid_value"],
  ["integer", '""', "invalid_value"],
  ["bigint", "9223372036854775808", "invalid_value"],
  ["numeric", '"abc"', "invalid_value"],
  ["numeric", "1e200000", "invalid_value"],
  ["numeric", `"${"9".repeat(200_000)}"`, "invalid_value"],
  ["numeric(10,2)", "123456789.00", "invalid_value"],
  ["real", "1e39", "invalid_value"],
  ["double precision", "1e400", "invalid_value"],
  ["boolean", "2", "invalid_value"],
  ["boolean", '"maybe"', "invalid_value"],
  ["varchar(3)", '"abcd"', "too_long"],
  ["char(4)", '"abcde"', "too_long"],
  ["uuid", '"a0eebc99"', "invalid_value"],
  ["bytea", '"\\\\xzz"', "invalid_value"],
  ["bytea", '"\\\\x0"', "invalid_value"],
  ["date", '"2023-02-29"', "invalid_value"],
  ["date", '"5874898-01-01"', "invalid_value"],
  ["date", '"4715-01-01 BC"', "invalid_value"],
  ["timestamptz", '"294277-01-01T00:00:00Z"', "invalid_value"],
  ["timestamptz", '"2024-01-14T25:00:00Z"', "invalid_value"],
  ["timestamptz", '"2024-01-14T10:00:00+99:00"', "invalid_value"],
  ["time", '"25:00"', "invalid_value"],
  ["interval", '"soon"', "invalid_value"],
  ["text", '"\\u0000"', "invalid_value"],
  ["text", '"\\ud834"', "invalid_value"],
  ["text", "[1]", "invalid_value"],
  ["json", '{"a":"\\u0000"}', "invalid_value"],
  ["jsonb", '{"a":"\\ud834"}', "invalid_value"],
  ["jsonb", `1e200000`, "invalid_value"],
  ["integer[]", "[1,[2]]", "invalid_value"],
  ["integer[]", "[[1],[2,3]]", "invalid_value"],
  ["integer[]", "[[[[[[[1]]]]]]]", "invalid_value"],
  ["integer[]", '["x"]', "invalid_value"],
  ["integer[]", "7", "invalid_value"],
  ["integer[]", '"{1,"', "invalid_value"],
  ["t.mood", '"cross"', "invalid_value"],
  ["t.mood", '"SAD"', "invalid_value"],
  ["t.mood[]", '["cross"]', "invalid_value"],
  ["t.point3", "[1,2]", "invalid_value"],
  ["t.point3", '{"x":"no"}', "invalid_value"],
  ["t.positive", "-7", "check_violation"],
  ["t.word", '"abcd"', "too_long"],
  ["int4range", '"[10,1)"', "invalid_value"],
  ["int4range", '"x"', "invalid_value"],
  ["inet", '"999.1.1.1"', "invalid_value"],
  ["bit(4)", '"01"', "invalid_value"],
  ["point", '"x"', "invalid_value"],
  ["xml", '"<a>"', "invalid_value"],
];

/** A table with a column of each type that this build of PostgreSQL has, for Ann to push and pull. */
async function typedTable(world: ApiWorld, types: string[]) {
  const { db } = world;
  await db.script(`
    CREATE SCHEMA t;
    CREATE TYPE t.mood AS ENUM ('sad', 'ok');
    CREATE TYPE t.point3 AS (x integer, y numeric, label text);
    CREATE DOMAIN t.positive AS integer CHECK (VALUE > 0);
    CREATE DOMAIN t.word AS varchar(3);`);
  // citext is not in every build; a domain stands in where it is missing.
  await db.script("CREATE EXTENSION citext; CREATE DOMAIN t.ci AS citext")
    .catch(() => db.script("CREATE DOMAIN t.ci AS text"));
  const available: string[] = [];
  for (const type of new Set(types)) {
    // Nor have all of them XML.
    const usable = await db.query(`SELECT NULL::${type}`).then(() => true, () => false);
    if (usable) available.push(type);
  }
  const column = (type: string) => `c${available.indexOf(type)}`;
  await db.script(`CREATE TABLE app.typed (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES lockstep.organization,
    ${available.map((type) => `${column(type)} ${type}`).join(", ")})`);
  await world.grant("Staff", "app.Typed", { push: true, pull: true });
  const ann = await world.as("ann");
  await world.app.everywhere(async () => {
    const { body } = await ann.get("/api/sync/me/");
    return "app.Typed" in body.organizations[0].models;
  });
  return { ann, available, column };
}

eachApi("values of every type come back from a pull as they were pushed", async (world) => {
  const types = [...values, ...refused].map(([type]) => type);
  const { ann, available, column } = await typedTable(world, types);
  const cases = values.filter(([type]) => available.includes(type));
  const records = cases.map(([type, pushed], id) =>
    `{"_model":"app.Typed","id":${id},"${column(type)}":${pushed}}`
  );
  const answer = await ann.post("/api/sync/push/", `{"data":[${records.join(",")}]}`);
  const shown = (answer.body.errors ?? []).map(({ index, message }: Json) => [
    ...cases[index],
    message,
  ]);
  expect(shown).toEqual([]);
  expect(answer.body.success_count).toBe(cases.length);

  // Sent again, nothing changes: what was stored is what was sent.
  const again = await ann.post(
    "/api/sync/push/",
    `{"data":[${records.join(",")}],"return":"ids"}`,
  );
  const changed = again.body.results.filter(({ action }: Json) => action !== "unchanged");
  expect(changed.map(({ index }: Json) => cases[index])).toEqual([]);

  const stream = await ann.pull({ "app.Typed": null }, {}, { Accept: "application/x-ndjson" });
  const lines = stream.text.split("\n").filter((line) => line.includes(`"_model":"app.Typed"`));
  expect(lines.length).toBe(cases.length);
  const mismatches = cases.flatMap(([type, pushed, pulled = pushed], i) => {
    const member = `"${column(type)}":${pulled}`;
    const found = lines[i].includes(`${member},"c`) || lines[i].includes(`${member},"_version"`);
    return found
      ? []
      : [[type, pulled, lines[i].match(`"${column(type)}":.{0,300}?(?=,"[c_])`)?.[0]]];
  });
  expect(mismatches).toEqual([]);

  // As strings, for clients whose numbers are doubles.
  const strings = await ann.post("/api/sync/pull/?numbers=strings", {
    models: { "app.Typed": null },
  });
  const asStrings = strings.body.data.map((row: Json, i: number) => row[column(cases[i][0])]);
  cases.forEach(([type, pushed, pulled = pushed], i) => {
    if (!["bigint", "numeric", "bigint[]", "numeric[]", "numeric(10,2)"].includes(type)) return;
    const expected = pulled.startsWith('"') ? JSON.parse(pulled) : pulled;
    const given = Array.isArray(asStrings[i]) ? `[${asStrings[i].join(",")}]` : asStrings[i];
    expect([type, given]).toEqual([type, expected]);
  });

  // What was pulled can be pushed as it is: nothing changes.
  const back = lines.map((line) => JSON.parse(line)._model && line).join("\n");
  const echoed = await ann.post("/api/sync/push/?return=ids", back, {
    "Content-Type": "application/x-ndjson",
  });
  const [part] = echoed.text.split("\n").map((line) => line && JSON.parse(line));
  expect((part.errors ?? []).map(({ index, message }: Json) => [cases[index], message])).toEqual(
    [],
  );
  expect(
    part.results.filter(({ action }: Json) => action !== "unchanged")
      .map(({ index }: Json) => cases[index]),
  ).toEqual([]);
});

eachApi("values that a column cannot hold are refused with their field", async (world) => {
  const types = refused.map(([type]) => type);
  const { ann, available, column } = await typedTable(world, types);
  const cases = refused.filter(([type]) => available.includes(type));
  for (const [type, pushed, code] of cases) {
    const answer = await ann.post(
      "/api/sync/push/",
      `{"data":[{"_model":"app.Typed","id":1,"${column(type)}":${pushed}}]}`,
    );
    const error = answer.body.errors?.[0];
    expect([type, pushed.slice(0, 40), answer.status, error?.code])
      .toEqual([type, pushed.slice(0, 40), 422, code]);
    expect(error.message.length).toBeLessThan(600);
    expectRefusal(answer, code, error.field);
  }
  // All at once, among good ones: only they are refused.
  const records = cases.map(([type, pushed], i) =>
    `{"_model":"app.Typed","id":${2 * i},"${column(type)}":${pushed}},` +
    `{"_model":"app.Typed","id":${2 * i + 1},"${column(type)}":null}`
  );
  const all = await ann.post("/api/sync/push/", `{"data":[${records.join(",")}]}`);
  expect([all.body.success_count, all.body.error_count]).toEqual([cases.length, cases.length]);
  expect(all.body.errors.every(({ index }: Json) => index % 2 === 0)).toBe(true);
  expect(await world.count("app.typed")).toBe(cases.length);
});
