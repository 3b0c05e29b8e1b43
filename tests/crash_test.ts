import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { signIn } from "../bench/world.ts";
import { openPostgres } from "../lib/db/mod.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { PostgresServer } from "./support/postgres_server.ts";
import { Follower, Load, prepareShop, shopModels } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const rounds = 8;
async function crashAgainAndAgain(env: Record<string, string>): Promise<void> {
  const load = new Load();
  for (let round = 0; round < rounds; round++) {
    const server = await ServerProcess.start(env);
    await load.check(server);
    await load.retry(server);
    await load.check(server);
    await load.checkFollower(server);
    const running = load.run(server);
    await Promise.race([load.answered.promise, running]);
    await delay(Math.random() * 400);
    await server.kill();
    await running;
  }
  await using server = await ServerProcess.start(env);
  await load.check(server);
  await load.retry(server);
  await load.check(server);
  await load.checkFollower(server);
}

async function isReady({ origin }: ServerProcess): Promise<boolean> {
  const answer = await fetch(`${origin}/api/sync/health/ready/`);
  await answer.body?.cancel();
  return answer.ok;
}

Deno.test("a server on the embedded database that is killed loses nothing that it answered", async () => {
  await using test = await openTestDatabase("pglite", { stored: true });
  await prepareShop(test.db);
  await test.db.close();
  await crashAgainAndAgain({ LOCKSTEP_DATA_DIR: test.dataDir! });
});

Deno.test({
  name: "a server on PostgreSQL that is killed loses nothing that it answered",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareShop(test.db);
    await crashAgainAndAgain({ DATABASE_URL: test.url! });
  },
});

Deno.test({
  name: "a server whose PostgreSQL crashes loses nothing that it answered, and goes on",
  ignore: !hasPostgres,
  async fn() {
    await using postgres = await PostgresServer.start();
    const db = openPostgres(postgres.url());
    await prepareShop(db).finally(() => db.close());
    await using server = await ServerProcess.start({ DATABASE_URL: postgres.url() });
    const load = new Load();
    for (let round = 0; round < 2; round++) {
      const running = load.run(server);
      await Promise.race([load.answered.promise, running]);
      await delay(100 + Math.random() * 400);
      await postgres.crash();
      await running;
      await postgres.restart();
      await until(() => isReady(server));
      await load.check(server);
      await load.retry(server);
      await load.check(server);
      await load.checkFollower(server);
    }
  },
});

Deno.test({
  name: "a cursor from before a crash of PostgreSQL does not take later changes for known",
  ignore: !hasPostgres,
  async fn() {
    await using postgres = await PostgresServer.start();
    const db = openPostgres(postgres.url());
    await prepareShop(db);
    await using server = await ServerProcess.start({ DATABASE_URL: postgres.url() });
    const client = await signIn(server);
    const follower = new Follower(shopModels);
    await follower.toEnd(client);
    await follower.toEnd(client);
    // The crash forgets these transactions, and their ids are given out again.
    for (let i = 0; i < 50; i++) {
      await db.transaction({}, async (tx) => {
        await tx.query("SELECT pg_current_xact_id()");
        throw new Error("rolled back");
      }).catch(() => {});
    }
    await follower.toEnd(client);
    await postgres.crash();
    await postgres.restart();
    await until(() => isReady(server));
    await db.close();
    for (let i = 1; i <= 60; i++) await client.push("shop.Parent", [{ id: i, note: "" }]);
    await follower.toEnd(client);
    expect(follower.rows("shop.Parent").length).toBe(60);
  },
});
