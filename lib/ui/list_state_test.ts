import { expect } from "expect";
import { listState } from "./list_state.ts";

Deno.test("listState().at() keeps what was asked for and goes to the first page", () => {
  const list = listState("/list", { q: "a b", state: "open", group_id: 5 });
  expect(list.at("sort", "-name")).toBe("/list?q=a+b&state=open&group_id=5&sort=-name");
  expect(listState("/list", { sort: "name", q: "x" }).at("sort", "-name")).toBe(
    "/list?q=x&sort=-name",
  );
});

Deno.test("listState().at() keeps a field that was given twice", () => {
  const query = new URLSearchParams("columns=a&columns=b&sort=a");
  expect(listState("/list", query).at("sort", "b")).toBe("/list?columns=a&columns=b&sort=b");
});

Deno.test("listState().without() keeps the order", () => {
  const list = listState("/list", { q: "x", state: "open", sort: "-name" });
  expect(list.without("q")).toBe("/list?state=open&sort=-name");
  expect(list.without("q", "state")).toBe("/list?sort=-name");
  expect(listState("/list", { q: "x" }).without("q")).toBe("/list");
});

Deno.test("listState() tells filters from the order", () => {
  expect(listState("/list", { sort: "name" }).isFiltered).toBe(false);
  expect(listState("/list", { q: "x" }, "name")).toMatchObject({ isFiltered: true, sort: "name" });
  expect(listState("/list", { sort: "-slug" }, "name").sort).toBe("-slug");
  expect(listState("/list", {}).sort).toBe(undefined);
});
