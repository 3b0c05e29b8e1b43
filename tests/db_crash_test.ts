import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { type Database, openPglite, openPostgres } from "../lib/db/mod.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { PostgresServer } from "./support/postgres_server.ts";

function spawnWriter(place: string): Deno.ChildProcess {
  const path = new URL("support/writer.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", path, place],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Lets a writer work for a random time, does `end`, and gives the numbers that it acknowledged. */
async function writeUntil(place: string, end: (writer: Deno.ChildProcess) => void | Promise<void>) {
  const writer = spawnWriter(place);
  const errors = new Response(writer.stderr).text();
  let text = "";
  let ended: Promise<void> | undefined;
  for await (const chunk of writer.stdout.pipeThrough(new TextDecoderStream())) {
    ended ??= delay(Math.random() * 150).then(() => end(writer));
    text += chunk;
  }
  await writer.status;
  // A crashed server is gone for its writer before it is gone for `pg_ctl stop`.
  await ended;
  if (text === "") throw new Error(`The writer wrote nothing: ${await errors}`);
  await errors;
  // What follows the last line break was cut off by the end.
  return text.split("\n").slice(0, -1).map(Number);
}

/** Expects every acknowledged transaction, and of each transaction both halves. */
async function expectWritten(db: Database, acknowledged: number[]) {
  const rows = await db.query<{ number: number; halves: number }>(
    "SELECT number, count(*) AS halves FROM written GROUP BY number",
  );
  expect(rows.filter((row) => row.halves !== 2)).toEqual([]);
  const numbers = new Set(rows.map((row) => row.number));
  expect(acknowledged.filter((number) => !numbers.has(number))).toEqual([]);
}

Deno.test("the embedded database keeps what it acknowledged when its process is killed", async () => {
  await using test = await openTestDatabase("pglite", { stored: true });
  await test.db.close();
  const acknowledged: number[] = [];
  for (let round = 0; round < 10; round++) {
    acknowledged.push(...await writeUntil(test.dataDir!, (writer) => writer.kill("SIGKILL")));
  }
  const db = await openPglite(test.dataDir!);
  await expectWritten(db, acknowledged);
  await db.close();
});

Deno.test("the embedded database starts after its first start was killed", async () => {
  const directory = await Deno.makeTempDir({ prefix: "lockstep-data-" });
  try {
    // What a kill leaves while the first files are written.
    await Deno.mkdir(`${directory}/pgdata.new/base`, { recursive: true });
    await Deno.writeTextFile(`${directory}/pgdata.new/PG_VERSION`, "18\n");
    const db = await openPglite(directory);
    expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await db.close();
    expect([...Deno.readDirSync(directory)].map((entry) => entry.name).sort()).toEqual([
      ...["lock", "pgdata"],
    ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the embedded database refuses a second process", async () => {
  await using test = await openTestDatabase("pglite", { stored: true });
  const { code, stderr } = await spawnWriter(test.dataDir!).output();
  expect(code).not.toBe(0);
  expect(new TextDecoder().decode(stderr)).toContain(
    `The data directory ${test.dataDir} is in use by another Lockstep process.`,
  );
  await expect(openPglite(test.dataDir!)).rejects.toMatchObject({ code: "data_directory_in_use" });
  expect(await test.db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

Deno.test({
  name: "PostgreSQL keeps what it acknowledged when a client or the server is killed",
  ignore: !hasPostgres,
  async fn() {
    await using server = await PostgresServer.start();
    const db = openPostgres(server.url());
    const acknowledged: number[] = [];
    for (let round = 0; round < 3; round++) {
      acknowledged.push(...await writeUntil(server.url(), (writer) => writer.kill("SIGKILL")));
      await expectWritten(db, acknowledged);
      acknowledged.push(...await writeUntil(server.url(), () => server.crash()));
      await expect(db.query("SELECT 1")).rejects.toMatchObject({ code: "unavailable" });
      await server.restart();
      await expectWritten(db, acknowledged);
    }
    await db.close();
  },
});
