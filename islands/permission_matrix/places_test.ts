import { expect } from "expect";
import { placeAfter, rowsToRender, selectedIn } from "./places.ts";

const size = { rows: 30, columns: 6 };

Deno.test("placeAfter() stays inside the matrix and its heads", () => {
  const cases = [
    [{ row: 29, column: 5 }, "ArrowDown", { row: 29, column: 5 }],
    [{ row: 29, column: 5 }, "ArrowRight", { row: 29, column: 5 }],
    [{ row: 3, column: 0 }, "ArrowLeft", { row: 3, column: -1 }],
    [{ row: 3, column: -1 }, "ArrowLeft", { row: 3, column: -1 }],
    [{ row: 0, column: -1 }, "ArrowUp", { row: -1, column: 0 }],
    [{ row: 4, column: 2 }, "PageUp", { row: 0, column: 2 }],
    [{ row: 25, column: 2 }, "PageDown", { row: 29, column: 2 }],
    [{ row: 25, column: 2 }, "End", { row: 25, column: 5 }],
  ] as const;
  for (const [from, key, to] of cases) {
    expect([key, placeAfter(from, key, size)]).toEqual([key, to]);
  }
  expect(placeAfter({ row: 0, column: 0 }, "a", size)).toBeUndefined();
});

Deno.test("placeAfter() goes from group to group in the upper head, and to their first column", () => {
  expect(placeAfter({ row: -1, column: 3 }, "ArrowUp", size)).toEqual({ row: -2, column: 2 });
  expect(placeAfter({ row: -2, column: 2 }, "ArrowRight", size)).toEqual({ row: -2, column: 4 });
  expect(placeAfter({ row: -2, column: 4 }, "ArrowRight", size)).toEqual({ row: -2, column: 4 });
});

Deno.test("selectedIn() takes corners in any order", () => {
  const selection = { from: { row: 5, column: 4 }, to: { row: 3, column: 1 } };
  expect(selectedIn(selection, 4)).toEqual({ from: 1, to: 4 });
  expect([selectedIn(selection, 2), selectedIn(selection, 6), selectedIn(null, 4)])
    .toEqual([undefined, undefined, undefined]);
});

Deno.test("rowsToRender() covers the window and the row with the keyboard, in order", () => {
  const rows = rowsToRender({ top: 4000, height: 400 }, 40, 500, 3);
  expect(rows[0]).toBe(3);
  for (let row = 100; row < 110; row++) expect(rows).toContain(row);
  expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  expect(rows.length).toBeLessThan(40);
  expect(rowsToRender({ top: 0, height: 400 }, 40, 0, -1)).toEqual([]);
});
