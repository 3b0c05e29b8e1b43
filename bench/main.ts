/**
 * Measures Lockstep beside PostgreSQL itself: `deno task bench [--quick] [push] [pull] [increments]
 * [memory] [matrix] [pages] [collab] [start] [row_security]`. Each ratio is of medians of runs that
 * took turns on this machine; the servers are processes of their own, and end with this one. @module
 */
import { benchCollab } from "./collab.ts";
import { benchIncrements } from "./increments.ts";
import { benchMemory } from "./memory.ts";
import { benchMatrix } from "./matrix.ts";
import { benchPages } from "./pages.ts";
import { benchPull } from "./pull.ts";
import { benchPush } from "./push.ts";
import { benchRowSecurity } from "./row_security.ts";
import { benchStart } from "./start.ts";
import { type Line, printTable } from "./table.ts";

const parts: Record<string, { title: string; run: (o: { quick: boolean }) => Promise<Line[]> }> = {
  push: { title: "Push, as part of the speed of the fastest way to PostgreSQL", run: benchPush },
  pull: { title: "Pull, as part of the speed of COPY … TO STDOUT", run: benchPull },
  increments: { title: "Increment of 100 rows", run: benchIncrements },
  memory: { title: "Pull of a large table as NDJSON", run: benchMemory },
  matrix: { title: "The permission matrix at 500 models × 12 groups", run: benchMatrix },
  pages: { title: "The pages of the admin on the demo's data", run: benchPages },
  collab: { title: "Editing together", run: benchCollab },
  row_security: { title: "What row level security costs a pull", run: benchRowSecurity },
  start: { title: "Start to the first answer", run: benchStart },
};

const quick = Deno.args.includes("--quick");
const asked = Deno.args.filter((arg) => arg !== "--quick");
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(
    `There is no part ${unknown.join(", ")}. Parts are ${Object.keys(parts).join(", ")}.`,
  );
  Deno.exit(2);
}
const build = await new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", "build"] })
  .output();
if (!build.success) throw new Error(new TextDecoder().decode(build.stderr));
for (const [name, { title, run }] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) printTable(title, await run({ quick }));
}
Deno.exit(0);
