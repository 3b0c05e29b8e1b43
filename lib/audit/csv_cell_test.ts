import { expect } from "expect";
import { csvCell } from "./csv_cell.ts";

Deno.test("csvCell() neutralizes what a spreadsheet takes for a formula", () => {
  expect(["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"].map(csvCell)).toEqual([
    "'=1+1",
    "'+1+1",
    "'-1+1",
    "'@SUM(A1)",
    "'\t=1",
    `"'\r=1"`,
    `"'\n=1"`,
  ]);
});

Deno.test("csvCell() leaves numbers and plain text as they are", () => {
  expect([-5, "-5.25", "a=b", "", null].map(csvCell)).toEqual(["-5", "-5.25", "a=b", "", ""]);
});

Deno.test("csvCell() quotes separators, quotes and line ends", () => {
  expect(csvCell('a,"b"\nc')).toBe('"a,""b""\nc"');
});
