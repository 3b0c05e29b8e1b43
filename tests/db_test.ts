import { expect } from "expect";
import { type Database, sqlError, type TransactionOptions } from "../lib/db/mod.ts";
import { eachDatabase, openTestDatabase } from "./support/databases.ts";

/** The error that `promise` rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => {
    throw new Error("It did not reject");
  }, (error) => error);
}

eachDatabase("query() gives each type as Connection says", async ({ db }) => {
  const [row] = await db.query(`
    SELECT 9007199254740991::bigint AS bigint, 12.50::numeric AS numeric, 7::smallint AS small,
      0.1::float8 AS float, 'NaN'::float8 AS nan, true AS yes, NULL::text AS nothing,
      '2024-02-29 23:59:59.123456+00'::timestamptz AS time, '2024-02-29'::date AS date,
      '2024-02-29 12:00:00.123456'::timestamp AS local, '{"a": [1, null]}'::json AS json,
      '{"b": "é"}'::jsonb AS jsonb, '12'::xid8 AS xid, '10:20:10,14'::pg_snapshot AS snapshot,
      '\\x00ff'::bytea AS bytes, 'Zoë 🚀'::text AS text, 26::oid AS oid,
      '00000000-0000-0000-0000-000000000001'::uuid AS uuid, 'a'::name AS name`);
  expect({ ...row }).toEqual({
    bigint: 9007199254740991,
    numeric: "12.50",
    small: 7,
    float: 0.1,
    nan: NaN,
    yes: true,
    nothing: null,
    time: new Date("2024-02-29T23:59:59.123Z"),
    date: "2024-02-29",
    local: "2024-02-29 12:00:00.123456",
    json: { a: [1, null] },
    jsonb: { b: "é" },
    xid: "12",
    snapshot: "10:20:10,14",
    bytes: new Uint8Array([0, 255]),
    text: "Zoë 🚀",
    oid: 26,
    uuid: "00000000-0000-0000-0000-000000000001",
    name: "a",
  });
});

eachDatabase("query() gives arrays of built-in types as arrays", async ({ db }) => {
  const [row] = await db.query(`
    SELECT ARRAY[1, NULL, 3]::bigint[] AS bigints, ARRAY['a"b', 'c,d', NULL, 'NULL', '\\'] AS texts,
      ARRAY[true, false] AS booleans, ARRAY[[1, 2], [3, 4]] AS nested, '{}'::text[] AS none,
      ARRAY['2024-01-01 00:00+00']::timestamptz[] AS times`);
  expect({ ...row }).toEqual({
    bigints: [1, null, 3],
    texts: ['a"b', "c,d", null, "NULL", "\\"],
    booleans: [true, false],
    nested: [[1, 2], [3, 4]],
    none: [],
    times: [new Date("2024-01-01T00:00:00Z")],
  });
});

eachDatabase("parameters arrive as they were given", async ({ db }) => {
  const time = new Date("2024-01-01T00:00:00.001Z");
  const [row] = await db.query(
    `SELECT $1::bigint = 9223372036854775807 AS bigint, $2::numeric::text AS numeric,
      $3::boolean::text AS yes, $4::boolean::text AS text_yes, $5::timestamptz AS time,
      $6::timestamptz::text AS microseconds, $7::bytea AS bytes, $8::text IS NULL AS nothing,
      $9::text AS text, $10::int AS int, $11::jsonb ->> 'a' AS json, $12::float8 AS float`,
    [
      ...[9223372036854775807n, "0.10", true, "true", time, "2024-01-01 00:00:00.123456+00"],
      ...[new Uint8Array([0, 1, 255]), null, 'é\\" \n🚀', -1, '{"a": "b"}', Infinity],
    ],
  );
  expect({ ...row }).toEqual({
    bigint: true,
    numeric: "0.10",
    yes: "true",
    text_yes: "true",
    time,
    microseconds: "2024-01-01 00:00:00.123456+00",
    bytes: new Uint8Array([0, 1, 255]),
    nothing: true,
    text: 'é\\" \n🚀',
    int: -1,
    json: "b",
    float: Infinity,
  });
});

eachDatabase("array parameters arrive as they were given", async ({ db }) => {
  const texts = ['a"b', "c,d", null, "NULL", "\\", "", "{}", "é 🚀"];
  const times = [new Date("2024-01-01T00:00:00.001Z"), null];
  const [row] = await db.query(
    `SELECT $1::text[] AS texts, $2::bigint[] AS ints, $3::boolean[] AS booleans,
      $4::timestamptz[] AS times, $5::int[] AS none, $6::int[] AS nested, $7::bytea[] AS bytes`,
    [texts, [1n, 2], [true, false, null], times, [], [[1, 2], [3, 4]], [new Uint8Array([255])]],
  );
  expect({ ...row }).toEqual({
    texts,
    ints: [1, 2],
    booleans: [true, false, null],
    times,
    none: [],
    nested: [[1, 2], [3, 4]],
    bytes: [new Uint8Array([255])],
  });
});

eachDatabase("query() refuses undefined, objects and U+0000", async ({ db }) => {
  expect(await rejection(db.query("SELECT $1::text", [undefined]))).toBeInstanceOf(TypeError);
  expect(await rejection(db.query("SELECT $1::text", [{}]))).toBeInstanceOf(TypeError);
  const many = Array(65_535).fill(1);
  expect(await rejection(db.query("SELECT $1::int", many))).toBeInstanceOf(TypeError);
  expect(sqlError(await rejection(db.query("SELECT $1::text", ["a\0b"])))?.code).toBe("22021");
  expect((await db.query("SELECT 1 AS one"))[0].one).toBe(1);
});

eachDatabase("a JSON parameter is passed as text", async ({ db }) => {
  const value = { text: "é\"'\\ 🚀", list: [1, null, { deep: true }], long: "x".repeat(100_000) };
  for (const type of ["json", "jsonb"]) {
    const [row] = await db.query(`SELECT $1::text::${type} AS value`, [JSON.stringify(value)]);
    expect(row.value).toEqual(value);
  }
  for (const scalar of ['"text"', "1", "null", "true", "[]"]) {
    const [row] = await db.query("SELECT $1::text::jsonb::text AS value", [scalar]);
    expect(row.value).toBe(scalar);
  }
});

eachDatabase("bytes() gives PostgreSQL's own text of every type", async ({ db }) => {
  const expressions = [
    ...["9223372036854775807::bigint", "0.10::numeric", "true", "0.1::float8", "'NaN'::float8"],
    ...["1e-7::float8", "'2024-02-29 23:59:59.123456+00'::timestamptz", "'infinity'::timestamptz"],
    ...["'0044-03-15 BC'::date", "'{\"a\":  1}'::json", "'{\"a\":  1}'::jsonb", "'\\xff'::bytea"],
    ...[
      "ARRAY['a,b', NULL, 'é']",
      "'1 year 2 days 3.5 seconds'::interval",
      "'Zoë 🚀 日本語'::text",
    ],
    ...["'{1,2}'::int[]", "'12'::xid8", "'[1,5)'::int4range", "ROW(1, 'é')", "'(1,2)'::point"],
    ...["'10.0.0.1/8'::inet", "''::text", "'a'::char(3)", "'12:30:00+02'::timetz", "NULL::text"],
  ];
  const [row] = await db.bytes(`SELECT ${expressions.join(", ")}`);
  // format() uses each type's output function, as the protocol does; casts of char(n) trim.
  const texts = expressions.map((expression) => `format('%s', ${expression})`);
  const [expected] = await db.query<Record<string, string>>(
    `SELECT ${texts.map((text, i) => `${text} AS c${i}`).join(", ")}`,
  );
  const decoder = new TextDecoder("utf-8", { fatal: true });
  expect(row.at(-1)).toBe(null);
  expect(row.slice(0, -1).map((value) => decoder.decode(value!)))
    .toEqual(Object.values(expected).slice(0, -1));
});

eachDatabase("bytes() takes parameters and gives every row", async ({ db }) => {
  const rows = await db.bytes("SELECT n, n * 2 FROM generate_series(1, $1::int) AS n", [2000]);
  expect(rows.length).toBe(2000);
  expect(rows[1999].map((value) => new TextDecoder().decode(value!))).toEqual(["2000", "4000"]);
});

eachDatabase("execute() counts the rows that a statement touched", async ({ db }) => {
  await db.script("CREATE TABLE t (id int PRIMARY KEY)");
  expect((await db.execute("INSERT INTO t SELECT generate_series(1, 5)")).count).toBe(5);
  expect((await db.execute("UPDATE t SET id = id WHERE id > $1", [3])).count).toBe(2);
  expect(await db.execute("DELETE FROM t WHERE id = 1 RETURNING id")).toEqual({
    rows: [{ id: 1 }],
    count: 1,
  });
  expect((await db.execute("DELETE FROM t WHERE id = 99")).count).toBe(0);
});

eachDatabase("script() runs several statements, all or none", async ({ db }) => {
  await db.script("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)");
  expect(await db.query("SELECT id FROM a")).toEqual([{ id: 1 }]);
  await rejection(db.script("INSERT INTO a VALUES (2); SELECT 1 / 0"));
  expect(await db.query("SELECT id FROM a")).toEqual([{ id: 1 }]);
});

eachDatabase("transaction() commits, and rolls back what throws", async ({ db }) => {
  await db.script("CREATE TABLE t (id int)");
  const result = await db.transaction({}, async (tx) => {
    expect(tx.inTransaction).toBe(true);
    await tx.query("INSERT INTO t VALUES (1)");
    return "done";
  });
  expect(result).toBe("done");
  const failure = new Error("changed my mind");
  const failed = db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (2)");
    throw failure;
  });
  expect(await rejection(failed)).toBe(failure);
  const thrown = db.transaction({ settings: { work_mem: "1MB" } }, () => {
    throw failure;
  });
  expect(await rejection(thrown)).toBe(failure);
  expect(await db.query("SELECT id FROM t")).toEqual([{ id: 1 }]);
});

eachDatabase("transaction() keeps what was done before a savepoint", async ({ db }) => {
  await db.script("CREATE TABLE t (id int PRIMARY KEY)");
  await db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (1)");
    await tx.script("SAVEPOINT s");
    expect(sqlError(await rejection(tx.query("INSERT INTO t VALUES (1)")))?.code).toBe("23505");
    await tx.script("ROLLBACK TO s");
    await tx.query("INSERT INTO t VALUES (2)");
  });
  expect(await db.query("SELECT id FROM t ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
});

eachDatabase("transaction() rejects when a failed statement was ignored", async ({ db }) => {
  await db.script("CREATE TABLE t (id int)");
  const ignored = db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (1)");
    await rejection(tx.query("SELECT 1 / 0"));
  });
  expect(await rejection(ignored)).toBeInstanceOf(Error);
  expect(await db.query("SELECT id FROM t")).toEqual([]);
});

eachDatabase("transaction() rejects when the commit fails", async ({ db }) => {
  await db.script("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
  const failed = db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (1), (1)");
  });
  expect(sqlError(await rejection(failed))?.code).toBe("23505");
  expect(await db.query("SELECT count(*) AS n FROM t")).toEqual([{ n: 0 }]);
});

eachDatabase("transaction() refuses statements after its end", async ({ db }) => {
  const tx = await db.transaction({}, (tx) => Promise.resolve(tx));
  expect(await rejection(tx.query("SELECT 1"))).toBeInstanceOf(Error);
});

eachDatabase("transaction() has the isolation and mode that were asked for", async ({ db }) => {
  const show = (options: TransactionOptions) =>
    db.transaction(options, async (tx) => {
      const [row] = await tx.query(`SELECT current_setting('transaction_isolation') AS isolation,
        current_setting('transaction_read_only') AS read_only`);
      return [row.isolation, row.read_only];
    });
  expect(await show({})).toEqual(["read committed", "off"]);
  expect(await show({ isolation: "repeatable read" })).toEqual(["repeatable read", "off"]);
  expect(await show({ isolation: "serializable", readOnly: true })).toEqual(["serializable", "on"]);
  const write = db.transaction({ readOnly: true }, (tx) => tx.script("CREATE TABLE t (id int)"));
  expect(sqlError(await rejection(write))?.code).toBe("25006");
});

eachDatabase("transaction() applies settings to its statements alone", async ({ db }) => {
  await db.script(`
    CREATE TABLE t (id int, actor text DEFAULT current_setting('lockstep.actor', true))`);
  const actor = `o'brien \\ "é" ${"x".repeat(1000)}`;
  await db.transaction({ settings: { "lockstep.actor": actor, lock_timeout: "1234" } }, (tx) => {
    return tx.query("INSERT INTO t VALUES (1)");
  });
  expect(await db.query("SELECT actor FROM t")).toEqual([{ actor }]);
  const [after] = await db.query(
    "SELECT current_setting('lockstep.actor', true) AS actor, current_setting('lock_timeout') AS t",
  );
  expect(after).toEqual({ actor: "", t: "0" });
  const wrong = db.transaction({ settings: { nonsense_setting: "1" } }, () => Promise.resolve());
  expect(sqlError(await rejection(wrong))?.code).toBe("42704");
  expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

eachDatabase("transaction() writes nothing when its settings cannot be applied", async ({ db }) => {
  await db.script("CREATE TABLE number (n int)");
  const impossible: Record<string, string>[] = [{ role: "nobody" }, { "lockstep.x": "a\0b" }];
  for (const settings of [...impossible, { "no name": "" }]) {
    const write = db.transaction({ settings }, (tx) => tx.query("INSERT INTO number VALUES (1)"));
    expect(await rejection(write)).toBeInstanceOf(Error);
  }
  await db.query("INSERT INTO number VALUES (2)");
  expect(await db.query("SELECT n FROM number")).toEqual([{ n: 2 }]);
});

eachDatabase("transaction() lets statements run together", async ({ db }) => {
  const sums = await db.transaction({}, (tx) =>
    Promise.all(
      Array.from({ length: 50 }, (_, i) => tx.query("SELECT $1::int + 1 AS n", [i])),
    ));
  expect(sums.map(([row]) => row.n)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
});

eachDatabase("callers wait for a transaction or run beside it", async ({ db }) => {
  await db.script("CREATE TABLE t (id int)");
  const begun = Promise.withResolvers<void>();
  const first = db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (1)");
    begun.resolve();
    await tx.query("SELECT pg_sleep(0.05)");
    await tx.query("INSERT INTO t VALUES (2)");
  });
  await begun.promise;
  const others = [1, 2, 3].map((n) =>
    db.transaction({}, async (tx) => {
      const [{ count }] = await tx.query<{ count: number }>("SELECT count(*) AS count FROM t");
      expect([0, 2]).toContain(count);
      return n;
    })
  );
  const [{ count }] = await db.query<{ count: number }>("SELECT count(*) AS count FROM t");
  expect([0, 2]).toContain(count);
  expect(await Promise.all(others)).toEqual([1, 2, 3]);
  await first;
});

eachDatabase("sqlError() names code, table, column and constraint", async ({ db }) => {
  await db.script(`
    CREATE SCHEMA app;
    CREATE TABLE app.t (id int PRIMARY KEY, name text NOT NULL,
      size int CONSTRAINT size_positive CHECK (size > 0))`);
  await db.query("INSERT INTO app.t VALUES (1, 'a', 1)");
  const of = async (sql: string) => sqlError(await rejection(db.query(sql)));
  expect(await of("INSERT INTO app.t VALUES (2, NULL, 1)")).toMatchObject({
    ...{ code: "23502", schema: "app", table: "t", column: "name" },
  });
  expect(await of("INSERT INTO app.t VALUES (2, 'a', 0)")).toMatchObject({
    ...{ code: "23514", schema: "app", table: "t", constraint: "size_positive" },
  });
  const duplicate = await of("INSERT INTO app.t VALUES (1, 'a', 1)");
  expect(duplicate).toMatchObject({ code: "23505", constraint: "t_pkey" });
  expect(duplicate?.detail).toContain("(id)=(1)");
  expect((await of("SELECT * FROM nowhere"))?.code).toBe("42P01");
  expect(sqlError(new Error("other"))).toBe(undefined);
  expect(sqlError(Object.assign(new Error("pipe"), { code: "EPIPE" }))).toBe(undefined);
});

eachDatabase("listen() hears what is committed, until it stops", async ({ db }) => {
  const heard: string[] = [];
  let arrived = Promise.withResolvers<void>();
  const stop = await db.listen("Room é", (payload) => {
    heard.push(payload);
    arrived.resolve();
  });
  const notify = (connection: Pick<Database, "query">, payload: string) =>
    connection.query("SELECT pg_notify($1, $2)", ["Room é", payload]);
  await rejection(db.transaction({}, async (tx) => {
    await notify(tx, "rolled back");
    throw new Error("roll back");
  }));
  await db.transaction({}, (tx) => notify(tx, "first é"));
  await arrived.promise;
  arrived = Promise.withResolvers();
  await notify(db, "second");
  await arrived.promise;
  await stop();
  await notify(db, "third");
  await db.query("SELECT 1");
  expect(heard).toEqual(["first é", "second"]);
});

eachDatabase("listen() can begin while a transaction runs", async ({ db }) => {
  const begun = Promise.withResolvers<void>();
  const transaction = db.transaction({}, async (tx) => {
    begun.resolve();
    await tx.query("SELECT pg_sleep(0.02)");
    await tx.query("SELECT pg_notify('room', 'from inside')");
  });
  await begun.promise;
  const arrived = Promise.withResolvers<string>();
  const stop = await db.listen("room", arrived.resolve);
  await transaction;
  await db.query("SELECT pg_notify('room', 'after')");
  expect(["from inside", "after"]).toContain(await arrived.promise);
  await stop();
});

Deno.test("a stored database keeps its rows when it is closed", async () => {
  const { openPglite } = await import("../lib/db/mod.ts");
  const directory = await Deno.makeTempDir({ prefix: "lockstep-data-" });
  try {
    const first = await openPglite(directory);
    await first.script("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    await first.close();
    const second = await openPglite(directory);
    expect(await second.query("SELECT id FROM t")).toEqual([{ id: 1 }]);
    await second.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("openTestDatabase() opens a stored database", async () => {
  await using test = await openTestDatabase("pglite", { stored: true });
  expect((await Deno.stat(`${test.dataDir}/pgdata`)).isDirectory).toBe(true);
});
