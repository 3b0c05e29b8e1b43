import { expect } from "expect";
import { localPath } from "./local_path.ts";

Deno.test("localPath() keeps path, query and fragment of this site", () => {
  expect(localPath("/")).toBe("/");
  expect(localPath("/admin/logs?status=ERROR&q=a%20b#x")).toBe(
    "/admin/logs?status=ERROR&q=a%20b#x",
  );
  expect(localPath("/admin/../login")).toBe("/login");
  expect(localPath("/%2F%2Fevil.example")).toBe("/%2F%2Fevil.example");
});

Deno.test("localPath() refuses what a browser could take for another origin", () => {
  for (
    const text of [
      null,
      undefined,
      "",
      "admin",
      "?a",
      "//evil.example",
      "///evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
      " //evil.example",
      "/.//evil.example",
      "/..//evil.example",
      "/x/..//evil.example",
      "/%2e//evil.example",
      "https://evil.example",
      "https:evil.example",
      "javascript:alert(1)",
      "//this.invalid/admin",
    ]
  ) expect([text, localPath(text)]).toEqual([text, undefined]);
});
