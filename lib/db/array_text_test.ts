import { expect } from "expect";
import fc from "fast-check";
import { formatArray, parseArray } from "./array_text.ts";

const asText = (value: unknown) => value as string | null;
const same = (text: string) => text;

Deno.test("parseArray() tells NULL from the text NULL", () => {
  expect(parseArray('{NULL,"NULL",null,"",a}', same)).toEqual([null, "NULL", "null", "", "a"]);
});

Deno.test("parseArray() reads nested and empty arrays and drops subscripts", () => {
  expect(parseArray("{{1,2},{3,NULL}}", Number)).toEqual([[1, 2], [3, null]]);
  expect(parseArray("{}", Number)).toEqual([]);
  expect(parseArray("[0:1]={1,2}", Number)).toEqual([1, 2]);
});

Deno.test("parseArray() reads what formatArray() wrote", () => {
  const texts = fc.array(fc.option(fc.string({ unit: "binary" }), { nil: null }));
  fc.assert(fc.property(fc.oneof(texts, fc.array(texts)), (array) => {
    expect(parseArray(formatArray(array, asText), same)).toEqual(array);
  }));
});
