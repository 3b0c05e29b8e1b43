import { expect } from "expect";
import { eachDatabase } from "./support/databases.ts";
import { pullAs, recordsOf, syncWorld } from "./support/sync.ts";

eachDatabase(
  "pages that PostgreSQL joins hold what single rows do, each record on its line",
  async ({ db }) => {
    await db.script(`
    CREATE SCHEMA app;
    CREATE TYPE app.pair AS (a integer, b json);
    CREATE TABLE app.note (
      part uuid, name text, organization_id integer NOT NULL, body json, twin app.pair,
      PRIMARY KEY (part, name));
    INSERT INTO app.note
    SELECT ('00000000-0000-4000-8000-00000000000' || i % 3)::uuid, 'n,ame "' || i || E'\\n', 1,
      E'{\\n "text": "a\\\\nb",\\n "i": 12345678901234567890\\n}', ROW(i, E'[\\n1]'::json)::app.pair
    FROM generate_series(1, 100) i;
    INSERT INTO app.note (part, name, organization_id) VALUES (gen_random_uuid(), 'theirs', 2)`);
    const world = await syncWorld(db);
    await world.grant("one", "Staff", "app.Note", { pull: true });
    const ann = await world.caller("ann", "one");
    const pull = async (separator: "," | "\n", batchSize: number) => {
      const texts: string[] = [];
      let cursor: string | null = null;
      while (true) {
        const page = await pullAs(world, ann, { "app.Note": cursor }, { separator, batchSize });
        const [model] = page.models;
        for (const bytes of model.records) texts.push(new TextDecoder().decode(bytes));
        if (separator === ",") expect(recordsOf(page, "app.Note").length).toBe(model.count);
        cursor = model.cursor;
        if (page.complete) return texts;
      }
    };
    // The first pull learns how large the records are, so it reads rows.
    const rows = (await pull("\n", 100)).flatMap((text) => text.split("\n"));
    expect(rows.length).toBe(100);
    const lines = (await pull("\n", 37)).flatMap((text) => text.split("\n"));
    expect(lines).toEqual(rows);
    const [whole] = await pull(",", 100);
    expect(JSON.parse(`[${whole}]`)).toEqual(rows.map((row) => JSON.parse(row)));
    expect(rows[0]).toContain("12345678901234567890");
  },
);
