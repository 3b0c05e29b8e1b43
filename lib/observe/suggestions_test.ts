import { expect } from "expect";
import { type Measured, suggestions } from "./suggestions.ts";

const quiet: Measured = {
  heapShare: 0.75,
  cacheHits: 50,
  cacheMisses: 50,
  syncs: 100,
  failedSyncs: 5,
  models: [{ operation: "PUSH", model: "a.B", operations: 500, averageBatch: 5, p95: 2 }],
};

Deno.test("suggestions() has none when nothing crosses its bound, and none without measurements", () => {
  expect(suggestions(quiet)).toEqual([]);
  expect(
    suggestions({
      heapShare: 0,
      cacheHits: 0,
      cacheMisses: 0,
      syncs: 0,
      failedSyncs: 0,
      models: [],
    }),
  ).toEqual([]);
});

Deno.test("suggestions() needs enough measurements", () => {
  expect(suggestions({
    ...quiet,
    cacheHits: 0,
    cacheMisses: 99,
    syncs: 19,
    failedSyncs: 19,
    models: [
      { operation: "PULL", model: "a.B", operations: 19, averageBatch: 9, p95: 60 },
      { operation: "PUSH", model: "a.B", operations: 499, averageBatch: 1, p95: 0.1 },
    ],
  })).toEqual([]);
});

for (
  const [rule, changed, words] of [
    ["a full heap", { heapShare: 0.8 }, "80 % of the heap"],
    ["a cold cache", { cacheHits: 49, cacheMisses: 51 }, "Only 49 % of 100 cache lookups"],
    ["failing syncs", { failedSyncs: 6 }, "6 % of 100 syncs failed"],
    [
      "a slow model",
      {
        models: [{
          operation: "PULL",
          model: "a.B",
          operations: 20,
          averageBatch: 99.6,
          p95: 2.51,
        }],
      },
      "PULL of a.B takes more than 2.5 s in 5 of 100 cases, with 100 records",
    ],
    [
      "tiny pushes",
      { models: [{ operation: "PUSH", model: "a.B", operations: 500, averageBatch: 1.2, p95: 0 }] },
      "500 pushes of a.B carried 1.2 records",
    ],
  ] as const
) {
  Deno.test(`suggestions() names ${rule} with the measured value`, () => {
    const found = suggestions({ ...quiet, ...changed } as Measured);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
    expect(found[0]).toMatch(/\.$/);
  });
}
