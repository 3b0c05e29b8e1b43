import { expect } from "expect";
import { openPostgres, type Transaction } from "../lib/db/mod.ts";
import { eachDatabase, hasPostgres, openTestDatabase } from "./support/databases.ts";
import { freePort } from "./support/free_port.ts";

const unavailable = { name: "LockstepError", code: "unavailable" };

/** Registers a test that needs a PostgreSQL server. */
function onPostgres(
  name: string,
  fn: (test: { url: string }) => Promise<void>,
) {
  Deno.test({
    name,
    ignore: !hasPostgres,
    async fn() {
      await using test = await openTestDatabase("postgres");
      await fn({ url: test.url! });
    },
  });
}

async function backend(tx: Pick<Transaction, "query">): Promise<number> {
  const [{ pid }] = await tx.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return pid;
}

onPostgres("a transaction whose connection is lost rejects and leaves nothing", async ({ url }) => {
  const db = openPostgres(url, { max: 2 });
  await db.script("CREATE TABLE t (id int)");
  const lost = db.transaction({}, async (tx) => {
    await tx.query("INSERT INTO t VALUES (1)");
    const pid = await backend(tx);
    await db.query("SELECT pg_terminate_backend($1)", [pid]);
    // Whichever of these notices it, none may run on another connection.
    for (const id of [2, 3, 4]) await tx.query("INSERT INTO t VALUES ($1)", [id]).catch(() => {});
  });
  await expect(lost).rejects.toMatchObject(unavailable);
  const during = db.transaction({}, async (tx) => {
    const pid = await backend(tx);
    const statement = tx.query("SELECT pg_sleep(60)");
    await Promise.all([statement, db.query("SELECT pg_terminate_backend($1)", [pid])]);
  });
  await expect(during).rejects.toMatchObject(unavailable);
  expect(await db.query("SELECT id FROM t")).toEqual([]);
  await db.close();
});

onPostgres("a pool replaces connections that were lost while idle", async ({ url }) => {
  const db = openPostgres(url, { max: 1 });
  const killer = openPostgres(url, { max: 1 });
  const pid = await backend(db);
  await killer.query("SELECT pg_terminate_backend($1)", [pid]);
  await db.query("SELECT 1").catch((error) => expect(error).toMatchObject(unavailable));
  expect(await backend(db)).not.toBe(pid);
  await Promise.all([db.close(), killer.close()]);
});

onPostgres(
  "a statement past its timeout fails and leaves the connection usable",
  async ({ url }) => {
    const db = openPostgres(url, { max: 1, statementTimeout: 300 });
    await expect(db.query("SELECT pg_sleep(60)")).rejects.toMatchObject({ code: "57014" });
    const slow = db.transaction({}, (tx) => tx.query("SELECT pg_sleep(60)"));
    await expect(slow).rejects.toMatchObject({ code: "57014" });
    expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await db.close();
  },
);

onPostgres("a caller waits for a connection in turn, and not for ever", async ({ url }) => {
  const db = openPostgres(url, { max: 1, acquireTimeout: 1_000 });
  const order: number[] = [];
  await db.transaction({}, async () => {
    await expect(db.query("SELECT 1")).rejects.toMatchObject(unavailable);
  });
  await Promise.all([1, 2, 3, 4].map((n) => db.query("SELECT 1").then(() => order.push(n))));
  expect(order).toEqual([1, 2, 3, 4]);
  await db.close();
});

onPostgres("close() lets transactions finish and refuses new callers", async ({ url }) => {
  const db = openPostgres(url, { max: 1 });
  await db.script("CREATE TABLE t (id int)");
  const begun = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  const running = db.transaction({}, async (tx) => {
    begun.resolve();
    await closing.promise;
    await tx.query("INSERT INTO t VALUES (1)");
  });
  await begun.promise;
  const waiting = expect(db.query("SELECT 1")).rejects.toMatchObject(unavailable);
  const closed = db.close();
  closing.resolve();
  await Promise.all([running, waiting, closed]);
  await expect(db.query("SELECT 1")).rejects.toMatchObject(unavailable);
  const other = openPostgres(url, { max: 1 });
  expect(await other.query("SELECT id FROM t")).toEqual([{ id: 1 }]);
  await other.close();
});

onPostgres("a server that cannot be reached is unavailable", async () => {
  const db = openPostgres(`postgres://postgres@127.0.0.1:${freePort()}/postgres`);
  await expect(db.query("SELECT 1")).rejects.toMatchObject(unavailable);
  await expect(db.transaction({}, () => Promise.resolve())).rejects.toMatchObject(unavailable);
  await db.close();
});

onPostgres("statements survive a change of the schema they were prepared for", async ({ url }) => {
  const db = openPostgres(url, { max: 3 });
  await db.script("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  const read = (tx: Pick<Transaction, "query">) => tx.query("SELECT * FROM t WHERE id = $1", [1]);
  const onEach = () => Promise.all([1, 2, 3].map(() => db.transaction({}, read)));
  await onEach();
  await db.script("ALTER TABLE t ADD name text DEFAULT 'a'");
  expect(await read(db)).toEqual([{ id: 1, name: "a" }]);

  await db.script("ALTER TABLE t ADD size int");
  await expect(db.transaction({}, read)).rejects.toMatchObject(unavailable);
  expect(await onEach()).toEqual(Array(3).fill([{ id: 1, name: "a", size: null }]));

  await db.script("ALTER TABLE t DROP size");
  expect(await db.transaction({ retries: 1 }, read)).toEqual([{ id: 1, name: "a" }]);
  await db.close();
});

onPostgres("transaction() tries again after a serialization failure", async ({ url }) => {
  const db = openPostgres(url);
  await db.script("CREATE TABLE t (n int); INSERT INTO t VALUES (0)");
  let attempts = 0;
  let readers = 0;
  const allHaveRead = Promise.withResolvers<void>();
  const increment = (retries: number) =>
    db.transaction({ isolation: "serializable", retries }, async (tx) => {
      attempts++;
      const [{ n }] = await tx.query<{ n: number }>("SELECT n FROM t");
      if (++readers === 6) allHaveRead.resolve();
      await allHaveRead.promise;
      await tx.query("UPDATE t SET n = $1", [n + 1]);
    });
  await Promise.all(Array.from({ length: 6 }, () => increment(20)));
  expect(await db.query("SELECT n FROM t")).toEqual([{ n: 6 }]);
  expect(attempts).toBeGreaterThan(6);

  const once = db.transaction({ isolation: "repeatable read" }, async (tx) => {
    await tx.query("SELECT n FROM t");
    await increment(20);
    await tx.query("UPDATE t SET n = 0");
  });
  await expect(once).rejects.toMatchObject({ code: "40001" });
  await db.close();
});

onPostgres("transaction() tries again after a deadlock", async ({ url }) => {
  const db = openPostgres(url);
  await db.script(`
    CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)`);
  const held = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await Promise.all(
    [[1, 2], [2, 1]].map(([first, second], i) =>
      db.transaction({ retries: 3, settings: { deadlock_timeout: "50ms" } }, async (tx) => {
        await tx.query("UPDATE t SET n = n + 1 WHERE id = $1", [first]);
        held[i].resolve();
        await held[1 - i].promise;
        await tx.query("UPDATE t SET n = n + 1 WHERE id = $1", [second]);
      })
    ),
  );
  expect(await db.query("SELECT id, n FROM t ORDER BY id")).toEqual([{ id: 1, n: 2 }, {
    id: 2,
    n: 2,
  }]);
  await db.close();
});

onPostgres("listen() goes on after a lost connection and says so", async ({ url }) => {
  const db = openPostgres(url, { max: 2 });
  const missed = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<string>();
  const stop = await db.listen("room", heard.resolve, missed.resolve);
  await db.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query ILIKE 'listen%'`);
  await missed.promise;
  await db.query("SELECT pg_notify('room', 'after')");
  expect(await heard.promise).toBe("after");
  await stop();
  await db.close();
});

eachDatabase(
  "a failed transaction leaves the database usable for those who wait",
  async ({ db }) => {
    await db.script("CREATE TABLE t (id int PRIMARY KEY)");
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        db.transaction({}, async (tx) => {
          await tx.query("INSERT INTO t VALUES ($1)", [i]);
          if (i % 2) await tx.query("SELECT 1 / 0");
        })),
    );
    expect(results.filter((result) => result.status === "fulfilled").length).toBe(10);
    expect(await db.query("SELECT count(*) AS n FROM t")).toEqual([{ n: 10 }]);
  },
);
