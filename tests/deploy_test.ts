import { expect } from "expect";
import { cp } from "node:fs/promises";
import { ServerProcess } from "../bench/server_process.ts";
import { signIn } from "../bench/world.ts";
import { environmentReference } from "../lib/config/mod.ts";
import { runProcess } from "./cli_support.ts";
import { openTestApp } from "./support/app.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { Follower, prepareShop, shopModels } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const docs = new URL("../docs/", import.meta.url);
const namesIn = (text: string) => new Set<string>(text.match(/\blockstep_\w+/g));
const readDoc = (name: string) => Deno.readTextFile(new URL(name, docs));

Deno.test({
  name: "the server runs on PostgreSQL without files to write, subprocesses and foreign functions",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareShop(test.db);
    const flags = ["write", "run", "ffi"].map((name) => `--deny-${name}`);
    await using server = await ServerProcess.start({ DATABASE_URL: test.url! }, flags);
    const get = async (path: string) => await (await fetch(`${server.origin}${path}`)).text();
    expect(JSON.parse(await get("/api/sync/health/"))).toMatchObject({ status: "healthy" });
    expect(JSON.parse(await get("/api/sync/health/ready/"))).toEqual({ status: "ready" });
    expect(await get("/login")).toContain("<form");

    const client = await signIn(server);
    await client.push("shop.Parent", [{ id: 1, note: "kept" }]);
    const follower = new Follower(shopModels);
    await follower.toEnd(client);
    expect(follower.rows("shop.Parent")).toMatchObject([{ id: 1, note: "kept" }]);
    const bulk = await client.post("bulk/", { data: [{ _model: "shop.Parent", id: 2, note: "" }] });
    expect(bulk.status).toBe(202);
    const { id } = await bulk.json();
    const headers = { Authorization: `Bearer ${client.token}` };
    await until(async () => {
      const answer = await fetch(`${server.origin}/api/sync/bulk/${id}/`, { headers });
      return (await answer.json()).state === "succeeded";
    });
  },
});

Deno.test({
  name: "the dashboard and the alerts in docs/ name metrics that /metrics has",
  ignore: !hasPostgres || !hasRedis,
  async fn() {
    const token = "metrics-0123456789";
    await using redis = await startRedis();
    await using app = await openTestApp("postgres", undefined, {
      LOCKSTEP_METRICS_TOKEN: token,
      REDIS_URL: redis.url,
    });
    const answer = await app.fetch("/metrics", { headers: { Authorization: `Bearer ${token}` } });
    const served = new Set<string>();
    for (const [, name, type] of (await answer.text()).matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      served.add(name);
      if (type === "histogram") {
        for (const suffix of ["bucket", "count", "sum"]) served.add(`${name}_${suffix}`);
      }
    }
    const dashboard = JSON.parse(await readDoc("grafana.json"));
    // What Grafana asks of a file to import; each panel's source is the one that a person chooses.
    expect(dashboard).toMatchObject({ title: "Lockstep", uid: "lockstep" });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    const ids = new Set(dashboard.panels.map(({ id }: { id: number }) => id));
    expect(ids.size).toBe(dashboard.panels.length);
    const [source] = dashboard.templating.list;
    expect(source).toMatchObject({ type: "datasource", query: "prometheus" });
    const chosen = { type: "prometheus", uid: `\${${source.name}}` };
    for (const { datasource, targets } of dashboard.panels) {
      for (const one of [{ datasource }, ...targets]) expect(one.datasource).toEqual(chosen);
    }
    const expressions = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr)
    );
    for (const text of [expressions.join("\n"), await readDoc("alerts.yml")]) {
      const named = namesIn(text);
      expect(named.size).toBeGreaterThan(8);
      expect([...named].filter((name) => !served.has(name))).toEqual([]);
    }
    const shown = namesIn(expressions.join("\n"));
    const hidden = [...served].filter((name) =>
      !["", "_bucket", "_count", "_sum"].some((suffix) => shown.has(name + suffix)) &&
      !/_(bucket|count|sum)$/.test(name)
    );
    expect(hidden).toEqual([]);
  },
});

/** Ways to restore a copy of the embedded database's directory. */
const restores: [name: string, restore: (copy: string, data: string) => Promise<void>][] = [
  ["in a directory of its own", async (copy, data) => {
    await Deno.remove(data, { recursive: true });
    await cp(copy, data, { recursive: true });
  }],
  ["over the files, and somebody says so", async (copy, data) => {
    await cp(copy, data, { recursive: true, force: true });
    const { code, err } = await runProcess(["restored", "--yes"], { LOCKSTEP_DATA_DIR: data });
    expect([code, err]).toEqual([0, ""]);
  }],
];

for (const [name, restore] of restores) {
  Deno.test(`clients start over after a copy of the embedded database was restored ${name}`, async () => {
    await using test = await openTestDatabase("pglite", { stored: true });
    const data = test.dataDir!;
    const copy = await Deno.makeTempDir({ prefix: "lockstep-copy-" });
    try {
      await prepareShop(test.db);
      await test.db.close();
      const follower = new Follower(shopModels);
      const notes = async (from: number, note: string) => {
        await using server = await ServerProcess.start({ LOCKSTEP_DATA_DIR: data });
        const client = await signIn(server);
        // Pushes one by one, so that the restored database gets further than the lost one had.
        for (let id = from; id < from + 10; id++) await client.push("shop.Parent", [{ id, note }]);
        await follower.toEnd(client);
        const everything = new Follower(shopModels);
        await everything.toEnd(client);
        return { followed: follower.rows("shop.Parent"), there: everything.rows("shop.Parent") };
      };
      await notes(1, "before");
      await cp(data, copy, { recursive: true });
      await notes(101, "lost");
      await restore(copy, data);
      const { followed, there } = await notes(201, "after");
      expect(there.length).toBe(20);
      expect(followed).toEqual(there);
    } finally {
      await Deno.remove(copy, { recursive: true });
    }
  });
}

Deno.test({
  name: "the health document and /metrics say when Redis is gone",
  ignore: !hasRedis,
  async fn() {
    const token = "metrics-0123456789";
    await using redis = await startRedis();
    await using app = await openTestApp("pglite", undefined, {
      LOCKSTEP_METRICS_TOKEN: token,
      REDIS_URL: redis.url,
      LOCKSTEP_REDIS_MAX_RETRIES: "0",
    });
    const cache = async () => (await (await app.fetch("/api/sync/health/")).json()).checks.cache;
    const headers = { Authorization: `Bearer ${token}` };
    const metrics = async () => await (await app.fetch("/metrics", { headers })).text();
    expect(await cache()).toBe("healthy");
    await until(async () => (await metrics()).includes("\nlockstep_redis_up 1\n"));
    await redis.stop();
    expect(await cache()).toMatch(/^unhealthy: /);
    expect((await app.fetch("/api/sync/health/")).status).toBe(503);
    expect((await app.fetch("/api/sync/health/ready/")).status).toBe(200);
    await until(async () => (await metrics()).includes("\nlockstep_redis_up 0\n"));
  },
});

Deno.test("the guide and the README name variables that exist, the README all of them", async () => {
  const known = new Set(environmentReference().map(({ name }) => name));
  const named = (text: string) =>
    new Set(text.match(/\b(?:LOCKSTEP|DATABASE|REDIS)_[A-Z_]*[A-Z]\b/g));
  expect([...named(await readDoc("deploy.md"))].filter((name) => !known.has(name))).toEqual([]);
  const rows = (await readDoc("../README.md")).match(/^\| `[A-Z_]+`/gm)!;
  expect(rows.map((row) => row.slice(3, -1)).sort()).toEqual([...known].sort());
});
