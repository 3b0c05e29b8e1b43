import { expect } from "expect";
import { MatrixStore } from "./matrix_store.ts";
import { byTemplate, templates, toggled, triOf, visibleRows } from "./visible_rows.ts";

/** Two groups; nobody can push the shared model. */
function store(): MatrixStore {
  const cell = { filtered: false, version: "1" };
  return new MatrixStore({
    organization_id: 1,
    groups: [{ id: 7, name: "Sales", members: 1 }, { id: 9, name: "Users", members: 0 }],
    models: [
      { name: "shop.Order", writable: true, shared: false },
      { name: "base.Country", writable: false, shared: true },
    ],
    cells: [
      { ...cell, group_id: 7, model: "base.Country", push: false, pull: true },
      { ...cell, group_id: 7, model: "shop.Order", push: true, pull: true },
    ],
  });
}

Deno.test("triOf() leaves out rights that cannot be granted", () => {
  const matrix = store();
  expect(triOf(matrix, [0, 1], [0, 1])).toBe("all");
  expect(triOf(matrix, [0, 1], [0, 1, 2, 3])).toBe("some");
  expect(triOf(matrix, [0, 1], [2])).toBe("none");
  expect(triOf(matrix, [0], [0])).toBe("none");
});

Deno.test("toggled() grants everything unless everything is granted", () => {
  const matrix = store();
  expect(toggled(matrix, [0, 1], [1]).map(({ value }) => value)).toEqual([false, false]);
  expect(toggled(matrix, [0, 1], [1, 3]).every(({ value }) => value)).toBe(true);
});

Deno.test("byTemplate() gives no right to push a model that cannot be written", () => {
  const matrix = store();
  const full = templates.find(({ name }) => name === "full_access")!;
  expect(byTemplate(matrix, [0, 1], 1, full)).toEqual([
    { right: 2, value: false },
    { right: 3, value: true },
    { right: 6, value: true },
    { right: 7, value: true },
  ]);
});

Deno.test("visibleRows() groups by schema, folds, and unfolds what is searched for", () => {
  const matrix = store();
  expect(visibleRows(matrix, "", new Set(["base"])).rows).toEqual([
    { schema: "base", models: [0], folded: true },
    { schema: "shop", models: [1], folded: false },
    { model: 1 },
  ]);
  expect(visibleRows(matrix, " COUNTRY ", new Set(["base"]))).toEqual({
    rows: [{ schema: "base", models: [0], folded: false }, { model: 0 }],
    models: [0],
  });
});

Deno.test("MatrixStore keeps what was asked for while others change the same cell", () => {
  const matrix = store();
  matrix.ask([{ right: 4, value: false }]);
  const news = matrix.apply(
    [{ group_id: 7, model: "shop.Order", push: true, pull: false, filtered: false, version: "2" }],
    () => "ada",
  );
  expect(news).toEqual([{ right: 5, value: false }]);
  expect([matrix.granted(4), matrix.saved(4), matrix.changedBy(5)]).toEqual([false, true, "ada"]);
  expect(matrix.cellsOf([{ right: 4, value: false }])).toEqual([
    {
      organization_id: 1,
      group_id: 7,
      model: "shop.Order",
      push: false,
      pull: false,
      version: "2",
    },
  ]);
});
