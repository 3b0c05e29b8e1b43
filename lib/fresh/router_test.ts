import { expect } from "expect";
import { FreshRouter, mergePath } from "./router.ts";

function match(patterns: string[], path: string): [string | null, Record<string, string>] {
  const router = new FreshRouter<string>();
  for (const pattern of patterns) router.add(["GET"], pattern, pattern);
  const { pattern, params } = router.match("GET", new URL(path, "http://localhost"));
  return [pattern, { ...params }];
}

Deno.test("FreshRouter.match() agrees with URLPattern", () => {
  const patterns = [
    "/blog/:slug",
    "/blog/:slug/comments",
    "/old/:path*",
    "/docs{/:version}?",
    "/api{/:version}?/users",
    "/x/:module@:version/:path*",
    "/files/:name.json",
    "/:tenant/settings",
    "/jobs/:id{/}?",
    "/all/*",
  ];
  const paths = [
    "/blog/foo",
    "/blog/foo/",
    "/blog/",
    "/blog",
    "/blog/foo/comments",
    "/old",
    "/old/",
    "/old/a",
    "/old/a/b/c",
    "/old/a/b/",
    "/docs",
    "/docs/v1",
    "/docs/v1/x",
    "/api/users",
    "/api/v2/users",
    "/x/a@1/b/c",
    "/x/a@1",
    "/x/a",
    "/files/a.json",
    "/files/a",
    "/acme/settings",
    "/blog/settings",
    "/jobs/7",
    "/jobs/7/",
    "/all/a/b",
    "/all",
    "/blog/%C3%A4%2Fb",
    "/",
  ];
  for (const path of paths) {
    const url = new URL(path, "http://localhost");
    const expected = patterns.find((pathname) => new URLPattern({ pathname }).test(url)) ?? null;
    const [pattern, params] = match(patterns, path);
    expect([path, pattern]).toEqual([path, expected]);
    if (expected === null) continue;
    const { groups } = new URLPattern({ pathname: expected }).exec(url)!.pathname;
    const decoded = Object.entries(groups).map(([k, v]) => [k, decodeURI(v ?? "")]);
    expect([path, params]).toEqual([path, Object.fromEntries(decoded)]);
  }
});

Deno.test("FreshRouter.match() prefers literal paths to patterns added before", () => {
  expect(match(["/:page", "/about"], "/about")[0]).toBe("/about");
});

Deno.test("FreshRouter.match() ignores a trailing slash of literal paths", () => {
  expect(match(["/about"], "/about/")[0]).toBe("/about");
  expect(match(["/push/"], "/push")[0]).toBe("/push/");
});

Deno.test("FreshRouter.match() leaves parameters that are not valid UTF-8 as they are", () => {
  expect(match(["/:id"], "/%ff")).toEqual(["/:id", { id: "%ff" }]);
});

Deno.test("FreshRouter.match() answers HEAD with GET and tells the allowed methods", () => {
  const router = new FreshRouter<string>();
  router.add(["GET", "POST"], "/x", "item");
  const url = new URL("http://localhost/x");
  expect(router.match("HEAD", url).item).toBe("item");
  expect(router.match("DELETE", url)).toMatchObject({ item: null, allowed: ["GET", "POST"] });
});

Deno.test("mergePath() joins base path and pattern without doubling slashes", () => {
  expect(mergePath("", "/a", false)).toBe("/a");
  expect(mergePath("/base", "/", false)).toBe("/base");
  expect(mergePath("/base/*", "/a", false)).toBe("/base/a");
  expect(mergePath("/base", "*", true)).toBe("/base");
  expect(mergePath("", "*", false)).toBe("/*");
});
