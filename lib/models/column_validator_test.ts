import { expect } from "expect";
import { columnOf, kindOf } from "../../tests/support/column.ts";
import { columnValidator } from "./column_validator.ts";
import type { Column } from "./model.ts";

const column = (baseType: string, more: Partial<Column> = {}) => columnOf("c", baseType, more);

const problem = (of: Column, raw: string) => columnValidator(of)(kindOf(raw), raw);

const numeric = column("numeric", { precision: 5, scale: 2 });
const array = column("_int4", { kind: "array", elementType: "int4" });
const mood = column("mood", { kind: "enum", enumValues: ["good", "so so"] });
const short = column("varchar", { maxLength: 3 });

const accepted: [Column, string[]][] = [
  [column("int2"), ["0", "-32768", "32767", '"12"', '" 12 "', '"+7"', '"000000000032767"', "-0"]],
  [column("int8"), ["9223372036854775807", "-9223372036854775808", '"\\u0031"']],
  [numeric, ["999.99", "-999.994", "0.0001", "1e2", '"NaN"', "99999e-2", "0e5000", '".5"', '"5."']],
  [column("numeric"), ["1".repeat(1000), "1e131071", "1e-16383", '"-infinity"']],
  [column("float8"), ["1e308", "5e-324", "0", "0.0e5", '"-Infinity"', '"NaN"']],
  [column("float4"), ["3.4e38", "1e-45"]],
  [column("bool"), ["true", "false", "1", '"t"', '"YES"', '" off "', '"of"']],
  [short, ['"abc"', '"a\\u00e9\\n"', '"😀😀😀"', '"\\ud83d\\ude00bc"', "123"]],
  [column("text"), ['""', '"\\\\u0000"', '"\\\\ud800"', "5", "true"]],
  [column("uuid"), [
    '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
    '"{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"',
    '"a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11"',
  ]],
  [column("date"), [
    '"2024-02-29"',
    '"infinity"',
    '"5874897-12-31"',
    '"0005-02-29 BC"',
    "20240131",
  ]],
  [column("timestamptz"), [
    '"2024-01-31T24:00:00Z"',
    '"294276-12-31 23:59:60"',
    '"now"',
    '"Jan 5 2024"',
  ]],
  [column("time"), ['"09:30"', '"24:00"', '"allballs"', '"09:30 PM"']],
  [column("interval"), ['"P1D"', '"1 day"', '"00:01"']],
  [column("bytea"), ['"\\\\x00Ff"', '""', '"\\\\x61 62"', '"a\\\\\\\\b\\\\001"']],
  [column("bit", { maxLength: 3 }), ['"101"', "101"]],
  [mood, ['"good"', '"so so"', "null"]],
  [array, ["[]", "[1, null, 2]", "[[1,2],[3,4]]", '"{1,2}"', ' [ "3" ]'.trim()]],
  [column("_jsonb", { kind: "array", elementType: "jsonb" }), ['[{"a":[1]},[2]]']],
  [column("jsonb"), ['{"a":[1,"\\ud83d\\ude00"]}', "[]", '"x"', "1e5"]],
  [column("point3", { kind: "composite" }), ['{"x":1}', '"(1,2,3)"']],
  [column("int4range", { kind: "range" }), ['"[1,2)"', '"empty"']],
];

const refused: [Column, string[]][] = [
  [column("int2"), [
    "32768",
    "-32769",
    "1.0",
    "1e3",
    '""',
    '"1_000"',
    "true",
    "{}",
    "[]",
    '"1 2"',
    '"-"',
  ]],
  [column("int8"), [
    "9223372036854775808",
    "-9223372036854775809",
    "1".repeat(10_000),
    '"\\u00a01"',
  ]],
  [numeric, [
    "1000",
    "999.995",
    "-999.9951",
    "1e3",
    '"inf"',
    '"abc"',
    '"1e"',
    '"."',
    "99999.5e-2",
    "1e99999999999",
  ]],
  [column("numeric"), ["1e131072", "1e-16384", "1e2000000000"]],
  [column("float8"), ["1e309", "1e-400", '"1e"', '""']],
  [column("float4"), ["3.5e38", "1e-46"]],
  [column("bool"), ["2", '"o"', '"yess"', '""', "1.0", "[]"]],
  [short, ['"abcd"', '"😀😀😀😀"', "1234", "[1]"]],
  [column("text"), ['"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud800\\u0041"', "{}"]],
  [column("uuid"), [
    '"a0eebc99"',
    '"g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
    '"{a0eebc999c0b4ef8bb6d6bb9bd380a11"',
    "1",
  ]],
  [column("date"), [
    '"2023-02-29"',
    '"2024-13-01"',
    '"0000-01-01"',
    '"soon"',
    '"5874898-01-01"',
    '""',
  ]],
  [column("timestamptz"), [
    '"2024-01-31T25:00:00Z"',
    '"294277-01-01"',
    '"2024-01-31T24:00:01"',
    "true",
  ]],
  [column("time"), ['"25:00"', '"09:60"', '"noon"']],
  [column("bytea"), ['"\\\\x0"', '"\\\\xzz"', '"\\\\9"']],
  [column("bit", { maxLength: 3 }), ['"10"', '"102"']],
  [mood, ['"bad"', '"Good"', "1"]],
  [array, ['["x"]', "[1,[2]]", "[[1],[2,3]]", "[[[[[[[1]]]]]]]", "1", "{}", "[1.5]"]],
  [column("jsonb"), ['{"a":"\\u0000"}', '["\\udfff"]', '{"\\u0000":1}']],
  [column("point3", { kind: "composite" }), ["5", "[]"]],
  [column("int4range", { kind: "range" }), ['"1,2"', "5"]],
];

Deno.test("columnValidator() accepts what the type takes", () => {
  for (const [of, values] of accepted) {
    for (const raw of values) {
      expect([of.type, raw, problem(of, raw)]).toEqual([of.type, raw, undefined]);
    }
  }
});

Deno.test("columnValidator() refuses what the type cannot hold", () => {
  for (const [of, values] of refused) {
    for (const raw of values) {
      const found = problem(of, raw);
      expect([of.type, raw, found?.message]).toEqual([
        of.type,
        raw,
        expect.stringMatching(/^The column c .*\.$/),
      ]);
      expect(found!.message.isWellFormed()).toBe(true);
    }
  }
});

Deno.test("columnValidator() words its messages with what would be right", () => {
  expect(problem(column("int2"), '"many"')).toEqual({
    code: "invalid_value",
    message: 'The column c takes a whole number from -32768 to 32767, not "many".',
  });
  expect(problem(short, '"a😀cd"')).toEqual({
    code: "too_long",
    message: "The column c takes at most 3 characters, not 4.",
  });
  expect(problem(mood, '"bad"')?.message).toBe(
    'The column c takes one of "good", "so so", not "bad".',
  );
  expect(problem(column("uuid"), `"${"😀".repeat(100)}"`)!.message.length).toBeLessThan(120);
});

Deno.test("columnValidator() knows missing values and read-only columns", () => {
  expect(problem(column("int4", { nullable: false }), "null")?.code).toBe("required");
  expect(problem(column("int4", { nullable: false, hasDefault: true }), "null")?.code).toBe(
    "required",
  );
  expect(problem(column("int4"), "null")).toBeUndefined();
  expect(problem(column("int4", { readOnly: true }), "1")?.code).toBe("read_only_column");
});

Deno.test("columnValidator() takes values of many megabytes", () => {
  const long = "0".repeat(20_000_000);
  for (
    const type of ["bytea", "bit", "int4", "numeric", "float8", "date", "interval", "jsonb", "uuid"]
  ) {
    columnValidator(column(type))("string", `"${long}"`);
    columnValidator(column(type))("string", `"\\\\x${long}"`);
  }
  expect(problem(column("bytea"), `"\\\\x${long}"`)).toBeUndefined();
});
