import { expect } from "expect";
import { compareRoutePaths, fileRoutes, pathToPattern } from "./file_routes.ts";

Deno.test("pathToPattern() maps file names as Fresh documents them", () => {
  const table: [string, string][] = [
    ["index", "/"],
    ["about", "/about"],
    ["blog/index", "/blog"],
    ["blog/[slug]", "/blog/:slug"],
    ["blog/[slug]/comments", "/blog/:slug/comments"],
    ["old/[...path]", "/old/:path*"],
    ["docs/[[version]]/index", "/docs{/:version}?"],
    ["[[name]]", "/{:name}?"],
    ["(marketing)/about", "/about"],
    ["(marketing)/index", "/"],
    ["(group)/[[name]]/(inner)/index", "/{:name}?"],
    ["[id]@[version]", "/:id@:version"],
    ["[id]-edit", "/:id-edit"],
  ];
  for (const [path, pattern] of table) expect([path, pathToPattern(path)]).toEqual([path, pattern]);
});

Deno.test("pathToPattern() keeps groups where folders matter", () => {
  expect(pathToPattern("(info)/about", { keepGroups: true })).toBe("/(info)/about");
});

Deno.test("pathToPattern() refuses ambiguous parameters", () => {
  expect(() => pathToPattern("[a][b]")).toThrow(SyntaxError);
  expect(() => pathToPattern("x-[[a]]")).toThrow(SyntaxError);
  expect(() => pathToPattern("[a")).toThrow(SyntaxError);
});

Deno.test("compareRoutePaths() puts special files, then literals, parameters and rests", () => {
  const sorted = [
    "/_app",
    "/blog/_layout",
    "/(g)/_middleware",
    "/about",
    "/blog/(g)/new",
    "/blog/[slug]",
    "/blog/[...rest]",
    "/index",
    "/[id]",
    "/[...path]",
  ];
  const special = sorted.slice(0, 3);
  const shuffled = sorted.toReversed().toSorted(compareRoutePaths);
  expect(shuffled.slice(0, 3).toSorted()).toEqual(special.toSorted());
  expect(shuffled.slice(3)).toEqual(sorted.slice(3));
});

Deno.test("fileRoutes() names the file that exports nothing usable", () => {
  for (const path of ["/about", "/_layout", "/_middleware", "/_app"]) {
    expect(() => fileRoutes([{ path, module: {} }])).toThrow(`routes${path}`);
  }
});
