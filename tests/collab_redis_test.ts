import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { signIn } from "../bench/world.ts";
import { assertFencing, type CollabOptions, RedisStore, timingOf } from "../lib/collab/mod.ts";
import { defaultCollabOptions, EditLocks } from "../lib/collab/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { closeCode, pageRoom, recordRoom } from "../lib/protocol/mod.ts";
import { TcpProxy } from "./collab_proxy.ts";
import { addUsers, HubServer, member, redisOptions, withCollabTables } from "./collab_support.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { freePort } from "./support/free_port.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { prepareShop } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const room = recordRoom("myapp", "customer", "1");
const page = pageRoom("/admin/myapp/customer/1/change/");
/** Often said, and believed for longer than a machine may stop. */
const brisk: Partial<CollabOptions> = {
  heartbeat_interval: 0.1,
  stale_after: 60,
  grace: 30,
  process_beat: 0.1,
  process_timeout: 30,
  promotion_timeout: 10,
};
/** Finds out soon that nobody answers. */
const impatient = { ...redisOptions, redis_max_retries: 0, redis_socket_timeout: 2 };

function redisTest(name: string, fn: (db: Database) => Promise<void>) {
  Deno.test({
    name,
    ignore: !hasRedis,
    async fn() {
      await using database = await openTestDatabase("pglite");
      await withCollabTables(database.db);
      await addUsers(database.db, "ann", "bob", "cid", "dan");
      await fn(database.db);
    },
  });
}

async function open(url: string, options: Partial<CollabOptions> = brisk, redis = redisOptions) {
  const timing = timingOf({ ...defaultCollabOptions, ...options });
  const store = await RedisStore.open(url, timing, redis);
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}

redisTest("CollabHub: two processes on one Redis behave as one", async (db) => {
  await using redis = await startRedis();
  await using one = await open(redis.url);
  await using two = await open(redis.url);
  await using left = await HubServer.start(db, { store: one, options: brisk });
  await using right = await HubServer.start(db, { store: two, options: brisk });

  const ann = await left.edit(room, 1);
  const bob = await right.join(room, 2);
  expect(bob.frames.filter((f) => f.type === "user_joined").map((f) => f.user_id)).toEqual([2, 1]);
  await ann.next("user_joined", (f) => f.user_id === 2);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ editor_id: 1, position: 1 });
  bob.send("request_attention", { message: "please" });
  expect(await ann.next("attention_requested")).toMatchObject({ user_id: 2 });
  ann.send("field_focus", { field: "title" });
  expect(await bob.next("field_focus")).toMatchObject({ field: "title" });
  ann.send("hand_over", { user_id: 2, draft: { title: "x" } });
  expect(await bob.next("draft_handed_over")).toMatchObject({ draft: { title: "x" } });
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 2 });
  ann.send("claim_editor");
  await ann.next("claim_denied");
  bob.send("release_lock");
  await ann.next("lock_released");
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 1, fencing_token: 3 });

  const [annChat, bobChat] = [await left.join(page, 1), await right.join(page, 2)];
  annChat.send("chat_message", { recipient_id: 2, message: "hello" });
  expect(await bobChat.next("chat_message")).toMatchObject({ recipient_online: true });
  await left.hub.recordsChanged([{
    room,
    change: {
      source: "sql",
      user_id: null,
      username: null,
      fields: {},
      version: null,
      deleted: false,
      timestamp: "2026-02-01T00:00:00Z",
    },
  }]);
  expect(await bob.next("record_changed")).toMatchObject({ source: "sql" });
  await left.hub.disconnectUser(2, "Signed out");
  expect((await bob.ended()).code).toBe(closeCode.signedOut);
  await ann.next("user_left", (f) => f.user_id === 2);
  expect([...left.errors, ...right.errors]).toEqual([]);
});

redisTest(
  "CollabHub: a draft that is handed over comes also after the lock was found",
  async (db) => {
    await using redis = await startRedis();
    await using one = await open(redis.url);
    await using two = await open(redis.url);
    await using left = await HubServer.start(db, { store: one, options: brisk });
    await using right = await HubServer.start(db, { store: two, options: brisk });
    const publish = one.publish.bind(one);
    const { promise: found, resolve } = Promise.withResolvers<void>();
    one.publish = async (channel, message) => {
      if (message.includes('"handedOver":{')) await found;
      await publish(channel, message);
    };
    const ann = await left.edit(room, 1);
    const bob = await right.join(room, 2);
    bob.send("claim_editor");
    await bob.next("queue_position");
    ann.send("hand_over", { user_id: 2, draft: { title: "half" } });
    const { fencing_token } = await bob.next("editor_status", (f) => f.editor_id === 2);
    resolve();
    const draft = { title: "half" };
    expect(await bob.next("draft_handed_over")).toMatchObject({ draft, fencing_token });
  },
);

redisTest("CollabHub: the editor of a process that dies returns through another", async (db) => {
  const options = { ...brisk, process_timeout: 0.5, grace: 4 };
  await using redis = await startRedis();
  await using one = await open(redis.url, options);
  await using two = await open(redis.url, options);
  await using right = await HubServer.start(db, { store: two, options });
  const dead = await HubServer.start(db, { store: one, options });
  const ann = await dead.edit(room, 1);
  const bob = await right.join(room, 2);
  bob.send("claim_editor");
  await bob.next("claim_denied");
  // Without a word to Redis: as when the process is killed.
  await one.close();
  const back = await right.join(room, 1);
  back.send("claim_editor", { fencing_token: ann.token });
  const status = await back.next("editor_status", (f) => f.editor_id === 1);
  expect(status.fencing_token).toBeGreaterThanOrEqual(ann.token);
  await back.close();
  await bob.next("editor_status", (f) => f.editor_id === 2);
  await bob.next("user_left", (f) => f.user_id === 1);
  await dead[Symbol.asyncDispose]();
});

redisTest("CollabHub: Redis stopped and started loses neither editor nor token", async (db) => {
  let redis = await startRedis();
  await using store = await open(redis.url);
  await using server = await HubServer.start(db, { store, options: brisk });
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  await redis.stop();
  await ann.next("lock_unavailable");
  await bob.next("lock_unavailable");
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ reason: "unavailable" });
  const cid = await server.join(room, 3);
  await cid.next("lock_unavailable");
  redis = await startRedis({ port: redis.port });
  try {
    await ann.next("lock_available");
    bob.send("request_editor_status");
    expect(await bob.next("editor_status", (f) => f.editor_id !== null)).toMatchObject({
      editor_id: 1,
    });
    await db.transaction({}, (tx) => assertFencing(tx, room, ann.token, 1));
    expect(ann.count("lock_lost")).toBe(0);
    ann.send("release_lock");
    const status = await bob.next("editor_status", (f) => f.editor_id === 2);
    expect(status.fencing_token).toBeGreaterThan(ann.token);
    await cid.close();
    await bob.next("user_left", (f) => f.user_id === 3);
  } finally {
    await redis.stop();
  }
});

redisTest(
  "CollabHub: who came while Redis was away hears of what other processes do",
  async (db) => {
    await using redis = await startRedis();
    await using proxy = new TcpProxy(redis.port);
    await using one = await open(`redis://127.0.0.1:${proxy.port}`);
    await using two = await open(redis.url);
    await using left = await HubServer.start(db, { store: one, options: brisk });
    await using right = await HubServer.start(db, { store: two, options: brisk });
    const bob = await left.join(room, 2);
    proxy.refuse();
    await bob.next("lock_unavailable");
    const ann = await left.join(room, 1);
    await ann.next("lock_unavailable");
    proxy.heal();
    await ann.next("lock_available");
    await right.hub.disconnectUser(1, "Signed out");
    expect((await ann.ended()).code).toBe(closeCode.signedOut);
  },
);

redisTest("CollabHub: starts without Redis, and editing begins when it comes", async (db) => {
  const port = freePort();
  await using store = await open(`redis://127.0.0.1:${port}`, brisk, impatient);
  await using server = await HubServer.start(db, { store, options: brisk });
  const ann = await server.join(room, 1);
  await ann.next("lock_unavailable");
  ann.send("claim_editor");
  expect(await ann.next("claim_denied")).toMatchObject({ reason: "unavailable" });
  await using _redis = await startRedis({ port });
  await ann.next("lock_available");
  ann.send("claim_editor");
  await ann.next("editor_status", (f) => f.editor_id === 1);
  expect(server.errors).toEqual([]);
});

redisTest("CollabHub: an outage beyond the lease ends editing, and it resumes", async (db) => {
  const options = { ...brisk, stale_after: 3 };
  await using redis = await startRedis();
  await using proxy = new TcpProxy(redis.port);
  await using store = await open(`redis://127.0.0.1:${proxy.port}`, options, impatient);
  await using server = await HubServer.start(db, { store, options });
  const ann = await server.edit(room, 1);
  for (const cut of ["silence", "refuse"] as const) {
    proxy[cut]();
    await ann.next("lock_unavailable");
    expect(await ann.next("lock_lost")).toMatchObject({ reason: "unavailable" });
    proxy.heal();
    await ann.next("lock_available");
    await ann.next("editor_status", (f) => f.editor_id === 1 && Boolean(f.fencing_token));
  }
  expect(server.errors).toEqual([]);
});

redisTest("CollabHub: a process cut off from Redis cannot save after its successor", async (db) => {
  const options = { ...brisk, stale_after: 3 };
  await using redis = await startRedis();
  await using proxy = new TcpProxy(redis.port);
  await using one = await open(`redis://127.0.0.1:${proxy.port}`, options, impatient);
  await using two = await open(redis.url, options);
  await using left = await HubServer.start(db, { store: one, options });
  await using right = await HubServer.start(db, { store: two, options });
  const ann = await left.edit(room, 1);
  const bob = await right.join(room, 2);
  bob.send("claim_editor");
  await bob.next("claim_denied");
  proxy.silence();
  const status = await bob.next("editor_status", (f) => f.editor_id === 2);
  await expect(db.transaction({}, (tx) => assertFencing(tx, room, ann.token, 1))).rejects
    .toMatchObject({ code: "conflict" });
  await db.transaction({}, (tx) => assertFencing(tx, room, status.fencing_token as number, 2));
  proxy.heal();
  await ann.next("lock_lost");
  expect(await ann.next("editor_status", (f) => f.editor_id === 2)).toBeDefined();
});

Deno.test({
  name: "a server starts without Redis: it pushes and pulls, and says what does not work",
  ignore: !hasRedis || !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareShop(test.db);
    const port = freePort();
    await using server = await ServerProcess.start({
      DATABASE_URL: test.url!,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      LOCKSTEP_REDIS_SOCKET_TIMEOUT: "0.5",
    });
    const client = await signIn(server);
    await client.push("shop.Parent", [{ note: "pushed" }]);
    const pull = await client.post("pull/", { models: { "shop.Parent": null } });
    expect((await pull.json()).data).toMatchObject([{ note: "pushed" }]);
    const cache = async () => {
      const { checks } = await (await fetch(`${server.origin}/api/sync/health/`)).json();
      return checks.cache;
    };
    expect(await cache()).toMatch(/^unhealthy/);
    await using _redis = await startRedis({ port });
    await until(async () => await cache() === "healthy");
  },
});

Deno.test({
  name: "EditLocks: two users claim 2,000 fresh records at once through two processes",
  ignore: !hasRedis,
  async fn() {
    await using database = await openTestDatabase("postgres");
    const db = await withCollabTables(database.db);
    await using redis = await startRedis();
    await using one = await open(redis.url, {});
    await using two = await open(redis.url, {});
    await one.beat("p1");
    await two.beat("p2");
    const lease = defaultCollabOptions.stale_after * 1000;
    const [left, right] = [new EditLocks(db, one, lease), new EditLocks(db, two, lease)];
    const [ann, bob] = [member(1, "p1"), member(2, "p2")];
    let [editors, leftWon] = [0, 0];
    for (let base = 0; base < 2_000; base += 20) {
      await Promise.all(Array.from({ length: 20 }, async (_, i) => {
        const record = recordRoom("race", "record", String(base + i));
        await Promise.all([one.join(record, ann), two.join(record, bob)]);
        const claims = await Promise.all(
          i % 2
            ? [left.claim(record, ann), right.claim(record, bob)]
            : [right.claim(record, bob), left.claim(record, ann)].reverse(),
        );
        expect(claims.filter((c) => c.granted).length).toBe(1);
        editors++;
        if (claims[0].granted) leftWon++;
      }));
    }
    expect(editors).toBe(2_000);
    console.log(`the first process won ${leftWon} of 2,000`);
  },
});
