import { expect } from "expect";

/**
 * Where the name of a model's table may be written, and how often. Statements that read or write rows
 * of an organization get it from `tenantTable`, together with the condition that keeps them to it.
 */
const allowed: Record<string, number> = {
  // The one place.
  "lib/access/tenant.ts": 1,
  // Triggers, policies and locks of whole tables; no rows.
  "lib/audit/audited_table.ts": 3,
  "lib/audit/visible_sides.ts": 1,
  "lib/sync/change_log.ts": 1,
  "lib/sync/pull.ts": 1,
  "lib/sync/row_security.ts": 2,
  // Draws keys: whether one is taken is asked of every row, and nothing else of it.
  "lib/sync/push_sql.ts": 2,
};

const root = new URL("../", import.meta.url);
const tableName = /identifier\(\s*[\w.!]*schema,\s*[\w.!]*table\s*,?\s*\)/gi;

async function countNames(folder: string, counts: Record<string, number> = {}) {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    if (isDirectory) await countNames(`${folder}${name}/`, counts);
    else if (/(?<!_test)\.tsx?$/.test(name)) {
      const text = await Deno.readTextFile(new URL(folder + name, root));
      const found = text.match(tableName)?.length ?? 0;
      if (found > 0) counts[folder + name] = found;
    }
  }
  return counts;
}

Deno.test("no statement names a model's table but through its tenant", async () => {
  const counts = { ...await countNames("lib/"), ...await countNames("routes/") };
  expect(counts).toEqual(allowed);
});
