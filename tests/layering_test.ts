import { expect } from "expect";
import { layeringProblems, type Sources } from "./support/layering.ts";

const root = new URL("../", import.meta.url);

async function readSources(path: string, sources: Sources = {}): Promise<Sources> {
  for await (const entry of Deno.readDir(new URL(path, root))) {
    const inner = `${path}${entry.name}`;
    if (entry.isDirectory) await readSources(`${inner}/`, sources);
    else if (/(?<!_test)\.tsx?$/.test(entry.name)) {
      sources[inner] = await Deno.readTextFile(new URL(inner, root));
    }
  }
  return sources;
}

Deno.test("every module keeps to the layering of the design", async () => {
  const sources: Sources = { "main.ts": await Deno.readTextFile(new URL("main.ts", root)) };
  for (const top of ["lib/", "routes/", "islands/", "cli/"]) await readSources(top, sources);
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  expect(layeringProblems(sources)).toEqual([]);
});

const violations: [reason: string, path: string, text: string][] = [
  ["a higher rung", "lib/db/a.ts", 'import { a } from "../models/mod.ts";'],
  ["a folder on the same rung", "lib/sync/a.ts", 'import { a } from "../jobs/mod.ts";'],
  ["the framework on the same rung", "lib/ui/a.tsx", 'import { Head } from "fresh/runtime";'],
  ["a folder past its edge", "lib/db/a.ts", 'import { a } from "../errors/codes.ts";'],
  [
    "a folder past its edge for types",
    "lib/db/a.ts",
    'import type { A } from "../errors/codes.ts";',
  ],
  ["by several lines", "lib/db/a.ts", 'import {\n  a,\n  b,\n} from "../sync/mod.ts";'],
  ["by re-export", "lib/db/a.ts", 'export * from "../sync/mod.ts";'],
  ["by a dynamic import", "lib/db/a.ts", 'const a = await import("../sync/mod.ts");'],
  ["for its effect", "lib/db/a.ts", 'import "../sync/mod.ts";'],
  ["a folder without a rung", "lib/new/a.ts", 'import { a } from "../errors/mod.ts";'],
  ["routes from lib", "lib/web/a.ts", 'import { a } from "../../routes/a.ts";'],
  ["the database from an island", "islands/A.tsx", 'import { a } from "../lib/db/mod.ts";'],
  ["a server's package from an island", "islands/A.tsx", 'import postgres from "postgres";'],
  [
    "the inside of a folder from a route",
    "routes/a.ts",
    'import { a } from "../lib/db/migrate.ts";',
  ],
  ["a database driver from a route", "routes/a.ts", 'import postgres from "postgres";'],
];

for (const [reason, path, text] of violations) {
  Deno.test(`layeringProblems() reports an import of ${reason}`, () => {
    expect(layeringProblems({ [path]: text })).toEqual([
      expect.stringContaining(`${path} imports`),
    ]);
  });
}

Deno.test("layeringProblems() reports the environment read outside lib/config and cli", () => {
  const text = 'const port = Deno.env.get("PORT");';
  const sources = Object.fromEntries(
    ["main.ts", "lib/web/a.ts", "lib/config/a.ts", "cli/a.ts"].map((path) => [path, text]),
  );
  expect(layeringProblems(sources).map((problem) => problem.split(" ")[0])).toEqual([
    ...["main.ts", "lib/web/a.ts"],
  ]);
});

Deno.test("layeringProblems() reports SQL in routes", () => {
  for (
    const text of [
      "db.query(`SELECT a\n FROM t`);",
      'db.query("INSERT INTO t VALUES (1)");',
      'db.query("UPDATE lockstep.t SET a = 1");',
      'db.query("DELETE FROM t WHERE a");',
    ]
  ) {
    expect(layeringProblems({ "routes/a.ts": text }).length).toBe(1);
    expect(layeringProblems({ "lib/sync/a.ts": text })).toEqual([]);
  }
});

Deno.test("layeringProblems() allows what the design allows", () => {
  expect(layeringProblems({
    "lib/web/a.ts": 'import { a } from "../sync/mod.ts";\nimport { App } from "fresh";',
    "lib/db/a.ts": 'import { a } from "./b.ts";\nimport { b } from "../errors/mod.ts";',
    "islands/A.tsx": [
      'import { useState } from "preact/hooks";',
      'import { IS_BROWSER } from "fresh/runtime";',
      'import { a } from "../lib/protocol/mod.ts";',
      'import { B } from "./parts/B.tsx";',
    ].join("\n"),
    "routes/a.ts":
      '/** SELECT a FROM b */\nimport { a } from "../lib/sync/mod.ts";\n// import "../cli/a.ts"',
  })).toEqual([]);
});
