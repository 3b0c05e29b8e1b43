import { expect } from "expect";
import { cellJson, csvLine, csvRows } from "../cli/csv_rows.ts";
import { type CliWorld, openCli, type Send } from "./cli_support.ts";

const exact = "12345678901234567890.123456789";

async function grantEverything({ run, db }: CliWorld): Promise<void> {
  expect((await run("org create-groups")).code).toBe(0);
  await run("org add-user --username john --org-slug acme-corp --group-name Managers");
  await db.query(
    `INSERT INTO lockstep.model_permission
      (organization_id, group_id, model_name, can_push, can_pull)
    SELECT 1, id, model, true, true FROM lockstep.auth_group,
      unnest(ARRAY['myapp.Customer', 'myapp.Order']) AS model WHERE name = 'Managers'`,
  );
}

/** Lets the first `count` pushes through, and loses the answer of the next one. */
function dying(count: number): (request: Request, send: Send) => Promise<Response> {
  return async (request, send) => {
    const response = await send(request);
    if (request.url.includes("/push/") && count-- === 0) throw new Error("The process died.");
    return response;
  };
}

const pushes = ["NDJSON", "CSV"] as const;
for (const format of pushes) {
  Deno.test(`push of ${format} goes on after a death, and writes nothing twice`, async () => {
    await using world = await openCli("local");
    await grantEverything(world);
    const path = `${world.directory}/rows.${format.toLowerCase()}`;
    const rows = Array.from({ length: 23 }, (_, i) => ({
      name: i === 12 ? "x".repeat(50) : `Line\n"${i}", é`,
      note: i === 3 ? "" : null,
    }));
    await Deno.writeTextFile(
      path,
      format === "CSV"
        ? "name,credit,vip,data,note\r\n" +
          rows.map(({ name, note }, i) =>
            csvLine([name, exact, i % 2 === 0, { i }, note]).replace(/\n$/, "\r\n")
          ).join("")
        : rows.map(({ name, note }, i) =>
          `{"name":${JSON.stringify(name)},"credit":${exact},"vip":${i % 2 === 0},` +
          `"data":{"i":${i}},"note":${JSON.stringify(note)}}\n`
        ).join("\n"),
    );
    const line = ["push", path, "--as", "john", "--model", "myapp.Customer", "--batch-size", "5"];
    const died = await world.run(line, { between: dying(2) });
    expect([died.code, died.err]).toEqual([1, expect.stringContaining("The process died.")]);
    expect(await world.db.query("SELECT count(*)::int AS n FROM myapp.customer"))
      .toEqual([{ n: 14 }]);

    const other = await world.run([...line, "--org-slug", "acme-corp"]);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("--restart")]);
    const ran = await world.run([...line, "--json"]);
    expect(ran.err).toContain("Going on after 10 records.");
    expect(ran.json).toEqual({ records: 23, accepted: 22, refused: 1 });
    expect(ran.code).toBe(1);
    const stored = await world.db.query<{ name: string }>(
      "SELECT name, credit, vip, data, note FROM myapp.customer ORDER BY (data ->> 'i')::int",
    );
    expect(stored).toEqual(
      rows.map(({ name, note }, i) => ({
        name,
        credit: exact,
        vip: i % 2 === 0,
        data: { i },
        note,
      }))
        .filter(({ name }) => name.length <= 40),
    );
    const refused = JSON.parse(await Deno.readTextFile(`${path}.refused.ndjson`));
    expect(refused).toMatchObject({ record: 13, code: "too_long", pushed: { data: { i: 12 } } });
    // Nothing is left to go on with.
    await expect(Deno.stat(`${path}.push-state.json`)).rejects.toThrow(Deno.errors.NotFound);
  });
}

Deno.test("push refuses a file that it cannot read, by the number of the record", async () => {
  await using world = await openCli("local");
  await grantEverything(world);
  const cases: [name: string, text: string, told: string][] = [
    ["a.ndjson", '{"_model":"myapp.Customer","name":"x"}\n[1]\n', "Record 2"],
    ["b.ndjson", '{"name":"x"}\n', "--model"],
    ["c.csv", "name,note\nx\n", "Record 1 has 1 cells"],
    ["d.csv", "", "empty"],
    ["h.csv", "nmae,note,_op\nx,y,\n", 'myapp.Customer has no column "nmae". Its columns are id,'],
    ["i.csv", "name;note\nx;y\n", "The first line has no comma."],
    ["e.csv", 'name,note\nx,y\n"x"y,z\n', "Record 2 has text after a closing quotation mark"],
    ["f.csv", 'name,note\nx,y\nx,5" long\n', "Record 2 has a quotation mark in a cell"],
    ["g.csv", 'name,note\n"x,y\n', "Record 1 has a quotation mark that is not closed"],
  ];
  for (const [name, text, told] of cases) {
    const path = `${world.directory}/${name}`;
    await Deno.writeTextFile(path, text);
    const options = name.endsWith("csv") ? ["--model", "myapp.Customer"] : [];
    const ran = await world.run(["push", path, "--as", "john", ...options]);
    expect([name, ran.code > 0, ran.err]).toEqual([name, true, expect.stringContaining(told)]);
  }
  for (const line of ["push - --as john", "pull --out - --as john"]) {
    expect(await world.run(line)).toMatchObject({ code: 2, err: expect.stringContaining("file") });
  }
  expect(await world.db.query("SELECT 1 FROM myapp.customer")).toEqual([]);
  const names = [...Deno.readDirSync(world.directory)].map(({ name }) => name);
  expect(names.toSorted()).toEqual(cases.map(([name]) => name).toSorted());
});

/** Cuts the stream of the first pull after so many bytes. */
function cut(bytes: number): (request: Request, send: Send) => Promise<Response> {
  let done = false;
  return async (request, send) => {
    const response = await send(request);
    if (done || response.headers.get("Content-Type") !== "application/x-ndjson") return response;
    done = true;
    let left = bytes;
    const cutting = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, Math.max(0, left)));
        if ((left -= chunk.length) <= 0) controller.error(new Error("The connection was reset."));
      },
    });
    return new Response(response.body!.pipeThrough(cutting), response);
  };
}

Deno.test("pull goes on after a cut stream, and brings what changed since", async () => {
  await using world = await openCli("local");
  const { run, db, directory } = world;
  await grantEverything(world);
  const count = 11_000;
  await db.query(
    `INSERT INTO myapp.customer (organization_id, name, credit, data)
    SELECT 1, 'Customer ' || i, ${exact}, '{"text": "a,\\"b\\""}' FROM generate_series(1, $1::int) i`,
    [count],
  );
  const nowhere = await run(["pull", "--as", "john", "--out", `${directory}/none/rows.ndjson`]);
  expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining("Check the path")]);
  expect(nowhere.err).not.toContain("are written");
  const path = `${directory}/rows.ndjson`;
  const line = ["pull", "myapp.customer", "--as", "john", "--out", path];
  const first = await run(line, { between: cut(900_000) });
  expect([first.code, first.err]).toEqual([0, expect.stringContaining(`${count} records`)]);
  const read = async () =>
    (await Deno.readTextFile(path)).trimEnd().split("\n").map((text) => JSON.parse(text));
  const rows = await read();
  expect(rows.length).toBe(count);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(count);
  expect((await Deno.readTextFile(path)).split(`"credit":${exact}`).length).toBe(count + 1);

  await db.script(`DELETE FROM myapp.customer WHERE id = 7;
    UPDATE myapp.customer SET name = 'Renamed' WHERE id = 8`);
  expect((await run([...line, "--json"])).json).toMatchObject({ records: 2, complete: true });
  const changes = (await read()).slice(count);
  expect(changes).toEqual(expect.arrayContaining([
    { _model: "myapp.Customer", _op: "delete", id: 7 },
    expect.objectContaining({ id: 8, name: "Renamed" }),
  ]));
  await db.script("TRUNCATE myapp.customer CASCADE");
  await run(line);
  expect((await read()).at(-1)).toEqual({ _model: "myapp.Customer", _op: "reset" });

  // Rows go back into another place as they came.
  await db.query(`INSERT INTO myapp.customer (organization_id, name, credit, data, note)
    VALUES (1, 'Q, "1"', ${exact}, '{"text": "a,\\"b\\""}', ''), (1, 'R', NULL, NULL, NULL)`);
  const before = await db.query(
    "SELECT id, name, credit, data, note FROM myapp.customer ORDER BY 1",
  );
  const csv = ["--as", "john", "--out", `${directory}/csv`, "--format", "csv"];
  expect((await run(["pull", "myapp.Customer", ...csv])).code).toBe(0);
  const file = `${directory}/csv/myapp.Customer.csv`;
  const table = (await Array.fromAsync(csvRows(file, 0, 0))).map(({ cells }) => cells);
  const own = table[0].indexOf("organization_id");
  const op = table[0].indexOf("_op");
  await Deno.writeTextFile(
    file,
    table.map((cells) => csvLine(cells.filter((_, i) => i !== own && i !== op))).join(""),
  );
  await db.script("DELETE FROM myapp.customer");
  const pushed = await run(["push", file, "--as", "john", "--model", "myapp.Customer"]);
  expect([pushed.code, pushed.err]).toEqual([0, expect.anything()]);
  expect(await db.query("SELECT id, name, credit, data, note FROM myapp.customer ORDER BY 1"))
    .toEqual(before);
});

Deno.test("push shows share, rate and time left at a terminal", async () => {
  await using world = await openCli("local");
  await grantEverything(world);
  const path = `${world.directory}/rows.ndjson`;
  await Deno.writeTextFile(path, '{"_model":"myapp.Customer","name":"x"}\n'.repeat(4));
  const ran = await world.run(["push", path, "--as", "john", "--batch-size", "2"], {
    terminal: true,
  });
  expect(ran.err).toContain("\r\x1b[K");
  expect(ran.err).toMatch(/ 50% \[#{10}\.{10}\] +2 records +\d+\/s +\d+ s left/);
  expect(ran.err).toMatch(/4 records in \d+ s, \d+\/s\n$/);
});

Deno.test("push tells of text that is not UTF-8, and of a record without an end", async () => {
  await using world = await openCli("local");
  await grantEverything(world);
  const push = async (name: string, ...parts: Uint8Array<ArrayBuffer>[]) => {
    const path = `${world.directory}/${name}`;
    await Deno.writeFile(path, new Blob(parts).stream());
    return (await world.run(["push", path, "--as", "john", "--model", "myapp.Customer"])).err;
  };
  const text = (value: string) => new TextEncoder().encode(value);
  const latin = new Uint8Array([0xe9, 0x0a]);
  expect(await push("a.csv", text("name\na\n"), latin)).toContain("Record 2 is not valid UTF-8");
  expect(await push("a.ndjson", text('{"name":"'), latin)).toContain("Record 1 is not valid UTF-8");
  const long = text("x".repeat(65 * 1024 * 1024));
  expect(await push("b.csv", text('name\n"'), long)).toContain("Record 1 is longer than 64 MiB");
  expect(await push("b.ndjson", long)).toContain("Record 1 is longer than 64 MiB");
  expect(await world.db.query("SELECT 1 FROM myapp.customer")).toEqual([]);
});

Deno.test("csvRows() reads what csvLine() writes, from any row on", async () => {
  const rows = [["é", null, ""], [null], ["", "x\ny", 'q"'], [null, null], [" a "]]
    .filter((cells) => cells.length > 1 || cells[0] !== null);
  const path = await Deno.makeTempFile();
  try {
    for (const [bom, newline] of [["", "\n"], ["\uFEFF", "\r\n"]]) {
      const lines = rows.map((cells) => csvLine(cells).replace(/\n$/, newline));
      await Deno.writeTextFile(path, bom + lines.join(newline));
      const read = await Array.fromAsync(csvRows(path, 0, 0));
      expect(read.map(({ cells }) => cells)).toEqual(rows);
      for (const [i, { end }] of read.entries()) {
        const rest = await Array.fromAsync(csvRows(path, end, i + 1));
        expect(rest).toEqual(read.slice(i + 1));
      }
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("cellJson() makes the JSON of a column's type", () => {
  expect(cellJson("007", "integer")).toBe('"007"');
  expect(cellJson("t", "boolean")).toBe("true");
  expect(cellJson("[1]", "integer[]")).toBe("[1]");
});
