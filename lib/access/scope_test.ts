import { expect } from "expect";
import { canonicalScope, type Condition, scopeColumns, scopeHash } from "./scope.ts";

const a: Condition = { field: "a", operator: "in", value: [1, 2] };
const b: Condition = { field: "b", operator: "exact", value: "x" };

Deno.test("scopeHash() does not depend on order, repetition or spelling", () => {
  const hash = scopeHash({ any: [[a, b], [{ ...b, value: "y" }]] });
  expect(hash).toMatch(/^[\w-]{22}$/);
  const same = { value: [2, 1, 2], negate: false, operator: "in", field: "a" } as const;
  expect(scopeHash({ any: [[{ ...b, value: "y" }], [b, { ...same, value: [2, 1, 2] }, a]] }))
    .toBe(hash);
});

Deno.test("scopeHash() tells different scopes apart", () => {
  const scopes = [
    { all: true } as const,
    { any: [] },
    { any: [[a]] },
    { any: [[{ ...a, negate: true }]] },
    { any: [[{ ...a, value: [1] }]] },
    { any: [[b]] },
    { any: [[{ ...b, value: "X" }]] },
    { any: [[{ ...b, operator: "iexact" as const }]] },
    { any: [[a, b]] },
    { any: [[a], [b]] },
    { any: [[{ field: "a", operator: "range" as const, value: [1, 2] }]] },
    { any: [[{ field: "a", operator: "range" as const, value: [2, 1] }]] },
  ];
  expect(new Set(scopes.map(scopeHash)).size).toBe(scopes.length);
});

Deno.test("canonicalScope() absorbs what another list covers", () => {
  expect(canonicalScope({ any: [[a, b], [b]] })).toEqual({ any: [[b]] });
  expect(canonicalScope({ any: [[a], []] })).toEqual({ all: true });
  expect(canonicalScope({ any: [] })).toEqual({ any: [] });
});

Deno.test("scopeColumns() names each column once", () => {
  expect(scopeColumns({ any: [[b, a], [b]] })).toEqual(["a", "b"]);
  expect(scopeColumns({ all: true })).toEqual([]);
});
