import { expect } from "expect";
import { identifier, literal } from "./identifier.ts";

Deno.test("identifier() quotes each part", () => {
  expect(identifier("app", 'a"; DROP TABLE t; --')).toBe('"app"."a""; DROP TABLE t; --"');
});

Deno.test("literal() quotes apostrophes and backslashes", () => {
  expect(literal("it's")).toBe("'it''s'");
  expect(literal("\\' OR true")).toBe(" E'\\\\'' OR true'");
});

Deno.test("identifier() and literal() refuse U+0000", () => {
  for (const quote of [identifier, literal]) expect(() => quote("a\0b")).toThrow("U+0000");
});
