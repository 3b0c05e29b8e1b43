import { expect } from "expect";
import { patternProblem } from "./setting_pattern.ts";

const safe = [
  "^myapp\\.",
  "^ecommerce\\.Product.*$",
  "^.*\\.Historical.*$",
  "^.*\\.Log$",
  ".*Cache",
  "^(?:a|b|c)\\.(Log|Cache)$",
  "^(shop|stock)\\.[A-Z]\\w+$",
  "[(+*)]+x",
  "(ab)+c{2,3}",
  "(?<app>shop)\\.x?",
  "(?!x)(?<!y)a+?",
  "\\(\\[a+",
  "(a?)?",
];

const dangerous = [
  "(a+)+$",
  "(a*)*b",
  "(a|a)*b",
  "(a|aa)+$",
  "((a+)b?)*c",
  "(a?b?)*c",
  "(?:a+){2,}",
  "(a?){30}a{30}",
  "(a*)\\1",
  "(?<x>a)\\k<x>",
  "a*a*a*a*b",
  "a?".repeat(30) + "a".repeat(30),
  "(a|a)".repeat(30) + "b",
  "(?=(a+)+b)",
  "([a)]+)*b",
  "\\\\[)]*(a+)+",
];

Deno.test("patternProblem() accepts patterns of names", () => {
  for (const source of safe) expect([source, patternProblem(source)]).toEqual([source, undefined]);
});

Deno.test("patternProblem() refuses patterns that can take exponential time", () => {
  for (const source of dangerous) {
    expect([source, typeof patternProblem(source)]).toEqual([source, "string"]);
  }
});

Deno.test("patternProblem() refuses what is invalid or too long", () => {
  expect(patternProblem("(")).toBe("is not a valid regular expression");
  expect(patternProblem("[z-a]")).toBe("is not a valid regular expression");
  expect(patternProblem("a".repeat(501))).toContain("501");
});
