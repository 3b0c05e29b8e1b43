/** That variables do what the README says of them, where no other test shows it. @module */
import { expect } from "expect";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createClient } from "redis";
import { ServerProcess } from "../bench/server_process.ts";
import { signIn } from "../bench/world.ts";
import { rollback } from "../lib/db/mod.ts";
import { needsOneProcess, openTestApp } from "./support/app.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { prepareShop } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const metricsToken = "metrics-0123456789";
const forged = {
  "X-Forwarded-For": "203.0.113.9",
  "X-Forwarded-Proto": "https",
  "Content-Type": "application/json",
};

Deno.test({
  name: "a server heeds pool size, row security, proxies, and how and what it logs",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    const { db } = test;
    await prepareShop(db);
    const newest = await rollback(db);
    const logDir = await Deno.makeTempDir({ prefix: "lockstep-logs-" });
    const start = (variables: Record<string, string>) =>
      ServerProcess.start({ DATABASE_URL: test.url!, LOCKSTEP_LOG_DIR: logDir, ...variables });
    const log = async () => await Deno.readTextFile(`${logDir}/lockstep.log`).catch(() => "");
    const failedLogin = async ({ origin }: ServerProcess) => {
      const body = JSON.stringify({ username: "bench", password: "wrong" });
      const url = `${origin}/api/sync/auth/token/`;
      const answer = await fetch(url, { method: "POST", headers: forged, body });
      expect([answer.status, await answer.body?.cancel()]).toEqual([401, undefined]);
      const [{ address }] = await db.query<{ address: string }>(
        "SELECT address FROM lockstep.login_attempt WHERE NOT succeeded ORDER BY id DESC LIMIT 1",
      );
      return address;
    };
    const hasWall = async () => {
      const [{ wall }] = await db.query<{ wall: boolean }>(
        "SELECT row_security AS wall FROM lockstep.installation",
      );
      return wall;
    };
    {
      await using server = await start({
        DATABASE_POOL_SIZE: "2",
        LOCKSTEP_METRICS_TOKEN: metricsToken,
        LOCKSTEP_LOG_FORMAT: "line",
        LOCKSTEP_MIGRATION_VERBOSE: "true",
        LOCKSTEP_ROW_SECURITY: "true",
        LOCKSTEP_TRUST_PROXY: "loopback",
      });
      expect(await hasWall()).toBe(true);
      expect(await failedLogin(server)).toBe("203.0.113.9");
      const client = await signIn(server);
      await client.push("shop.Parent", [{ id: 1, note: "" }]);
      // More pushes than connections, all at a lock: who has a connection waits there.
      const waiting = await db.transaction({}, async (tx) => {
        await tx.script("LOCK TABLE shop.parent IN EXCLUSIVE MODE");
        const pushes = Array.from(
          { length: 6 },
          (_, i) => client.push("shop.Parent", [{ id: 2 + i, note: "" }]),
        );
        await until(async () => {
          const [{ count }] = await db.query<{ count: number }>(
            `SELECT count(*)::int AS count FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return count >= 2;
        });
        return { pushes };
      });
      await Promise.all(waiting.pushes);
      expect(await openConnections(server.origin)).toBeLessThanOrEqual(2);
    }
    const lines = await log();
    expect(lines).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - lockstep - INFO - PUSH request/m);
    expect(lines).toContain(`${newest} ran `);
    await Deno.remove(`${logDir}/lockstep.log`);
    {
      await using server = await start({ LOCKSTEP_LOG_LEVEL: "error" });
      expect(await hasWall()).toBe(false);
      expect(await failedLogin(server)).toBe("127.0.0.1");
      await (await signIn(server)).push("shop.Parent", [{ id: 1, note: "again" }]);
    }
    expect(await log()).not.toContain("PUSH request");
    await Deno.remove(logDir, { recursive: true });
  },
});

async function openConnections(origin: string): Promise<number> {
  const headers = { Authorization: `Bearer ${metricsToken}` };
  const text = await (await fetch(`${origin}/metrics`, { headers })).text();
  const states = text.matchAll(/^lockstep_database_connections\{state="(?:busy|idle)"\} (\d+)$/gm);
  const counts = [...states].map(([, count]) => Number(count));
  expect(counts.length).toBe(2);
  return counts[0] + counts[1];
}

Deno.test("a server that cannot have its port, host or directory ends with a sentence that names it", async () => {
  const other = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using taken = Deno.serve(other, () => new Response(null, { status: 503 }));
  const dataDir = await Deno.makeTempDir({ prefix: "lockstep-port-" });
  const { port } = taken.addr;
  const told = `Port ${port} of 127.0.0.1 cannot be listened on: another program listens there.`;
  await expect(ServerProcess.start({ PORT: String(port), LOCKSTEP_DATA_DIR: dataDir })).rejects
    .toThrow(told);
  const unknown = { HOST: "nobody.invalid", LOCKSTEP_DATA_DIR: dataDir };
  await expect(ServerProcess.start(unknown)).rejects.toThrow("nobody knows that name");
  const denied = ServerProcess.start({ LOCKSTEP_DATA_DIR: dataDir }, ["--deny-write"]);
  await expect(denied).rejects.toThrow(`LOCKSTEP_DATA_DIR (${dataDir}) cannot be opened`);
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test({
  name: "a server waits for a migration as long as LOCKSTEP_MIGRATION_TIMEOUT says",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await rollback(test.db);
    await test.db.transaction({}, async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1)", [0x10c57e9]);
      const variables = { DATABASE_URL: test.url!, LOCKSTEP_MIGRATION_TIMEOUT: "1" };
      await expect(ServerProcess.start(variables)).rejects.toThrow("longer than 1 s");
    });
  },
});

Deno.test("LOCKSTEP_JWKS_* lets the tokens of an outside issuer in, and LOCKSTEP_PUBLIC_URL is believed", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...await exportJWK(publicKey), kid: "k", alg: "ES256" }] };
  await using issuer = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.json(keys),
  );
  await using app = await openTestApp(
    "pglite",
    (db) =>
      db.script(`INSERT INTO lockstep.app_user (username, password, email)
      VALUES ('ann', '!', 'ann@example.org')`),
    {
      LOCKSTEP_JWKS_URL: `http://127.0.0.1:${issuer.addr.port}/keys`,
      LOCKSTEP_JWKS_ISSUER: "https://issuer.example.org",
      LOCKSTEP_JWKS_AUDIENCE: "lockstep",
      LOCKSTEP_JWKS_CLAIM: "email",
      LOCKSTEP_PUBLIC_URL: "https://sync.example.org",
    },
  );
  const me = async (claims: Record<string, string>, audience: string) => {
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k" })
      .setIssuer("https://issuer.example.org").setAudience(audience).setExpirationTime("5m")
      .sign(privateKey);
    const answer = await app.fetch("/api/sync/me/", {
      headers: { Authorization: `Bearer ${token}` },
    });
    return [answer.status, (await answer.json()).user?.username];
  };
  expect(await me({ email: "ann@example.org" }, "lockstep")).toEqual([200, "ann"]);
  expect(await me({ email: "ann@example.org" }, "another")).toEqual([401, undefined]);
  expect(await me({ preferred_username: "ann" }, "lockstep")).toEqual([401, undefined]);
  const page = await app.fetch("/login");
  await page.body?.cancel();
  expect(page.headers.has("Strict-Transport-Security")).toBe(true);
});

for (const limit of [1, 10]) {
  Deno.test({
    name: `LOCKSTEP_REDIS_* bound connections, new tries and waiting [${limit} connections]`,
    ignore: needsOneProcess("the test counts its connections") || !hasRedis,
    async fn() {
      await using redis = await startRedis();
      await using app = await openTestApp("pglite", undefined, {
        REDIS_URL: redis.url,
        LOCKSTEP_REDIS_MAX_CONNECTIONS: String(limit),
        LOCKSTEP_REDIS_MAX_RETRIES: "1",
        LOCKSTEP_REDIS_RETRY_DELAY: "0.3",
        LOCKSTEP_REDIS_SOCKET_TIMEOUT: "1",
      });
      const { collab } = app.running.services;
      const client = createClient({ url: redis.url });
      await client.connect();
      const connections = async () =>
        String(await client.sendCommand(["CLIENT", "LIST"])).trim().split("\n").length - 1;
      await until(async () => await connections() >= Math.min(limit, 2));
      await collab.ping();
      expect(await connections()).toBe(Math.min(limit, 2));
      client.destroy();

      redis.process.kill("SIGSTOP");
      const began = performance.now();
      await expect(collab.ping()).rejects.toThrow();
      redis.process.kill("SIGCONT");
      // One pause before the only new try; neither try takes the 5 seconds that are the default.
      expect(performance.now() - began).toBeGreaterThan(300);
      expect(performance.now() - began).toBeLessThan(9_000);
    },
  });
}
