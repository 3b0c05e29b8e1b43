import { expect } from "expect";
import type { CollabStore, Member, Timing } from "../lib/collab/mod.ts";
import { member, memoryWorld, redisWorld, type StoreWorld } from "./collab_support.ts";
import { hasRedis } from "./support/redis.ts";

/** What no test waits for is longer than a machine may stop in the middle of one. */
const calm: Timing = { lease: 60_000, grace: 60_000, pending: 60_000, processTimeout: 60_000 };
/** What tests wait for. Also here a machine may stop for a moment and change nothing. */
const moment = 2_200;

/** The contract of `CollabStore`, for both implementations. `brief` is what the test waits for. */
function contract(
  name: string,
  fn: (
    store: CollabStore,
    world: StoreWorld,
    enter: (room: string, userId: number, process?: string) => Promise<Member>,
  ) => Promise<void>,
  brief: Partial<Timing> = {},
) {
  const timing = { ...calm, ...brief };
  for (const kind of ["memory", "redis"] as const) {
    Deno.test({
      name: `CollabStore: ${name} [${kind}]`,
      ignore: kind === "redis" && !hasRedis,
      async fn() {
        await using world = kind === "memory" ? memoryWorld(timing) : await redisWorld(timing);
        const store = await world.store();
        await store.beat("p1");
        await store.beat("p2");
        await fn(store, world, async (room, userId, process = "p1") => {
          const who = member(userId, process);
          await store.join(room, who);
          return who;
        });
      },
    });
  }
}

contract("claim() gives one lock with a token that grows", async (store, _, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  const first = await store.claim("r", a);
  expect(first).toEqual({ granted: true, token: 1, renewed: false });
  const second = await store.claim("r", b);
  expect(second.granted).toBe(false);
  expect(await store.release("r", a, 1, 0)).toBe(true);
  expect(await store.advance("r")).toMatchObject({ promoted: { userId: 2, token: 2 } });
});

contract("claim() repeated by the holder gives the same token", async (store, _, enter) => {
  const a = await enter("r", 1);
  await store.claim("r", a);
  expect(await store.claim("r", a)).toEqual({ granted: true, token: 1, renewed: false });
  await store.renew([{ room: "r", member: a, token: 1 }]);
  expect(await store.claim("r", a)).toEqual({ granted: true, token: 1, renewed: true });
});

contract("claim() of 50 at once grants one", async (store, _, enter) => {
  const all = [];
  for (let i = 1; i <= 50; i++) all.push(await enter("r", i, i % 2 ? "p1" : "p2"));
  const claims = await Promise.all(all.map((m) => store.claim("r", m)));
  expect(claims.filter((c) => c.granted).length).toBe(1);
  expect((await store.inspect("r")).queue.length).toBe(49);
});

contract("claim() queues in order, without duplicates", async (store, _, enter) => {
  const [a, b, c] = [await enter("r", 1), await enter("r", 2), await enter("r", 3)];
  for (const m of [a, b, c, b]) await store.claim("r", m);
  expect((await store.inspect("r")).queue).toEqual([b.connection, c.connection]);
  expect((await store.dequeue("r", b)).queue).toEqual([c.connection]);
});

contract("advance() promotes in the order of asking", async (store, _, enter) => {
  const waiting = [await enter("r", 1), await enter("r", 2), await enter("r", 3)];
  for (const m of waiting) await store.claim("r", m);
  const order: number[] = [];
  for (let token = 1; token <= 3; token++) {
    const { lock } = await store.inspect("r");
    order.push(lock!.userId);
    await store.release("r", waiting[lock!.userId - 1], token, 0);
    await store.advance("r");
  }
  expect(order).toEqual([1, 2, 3]);
});

contract("claim() of a free lock waits for those before", async (store, _, enter) => {
  const [a, b, c] = [await enter("r", 1), await enter("r", 2), await enter("r", 3)];
  await store.claim("r", a);
  await store.claim("r", b);
  await store.release("r", a, 1, 0);
  expect((await store.claim("r", c)).granted).toBe(false);
  expect((await store.claim("r", b)).granted).toBe(true);
});

contract("claim() keeps a second tab of the editor waiting", async (store, _, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 1)];
  await store.claim("r", a);
  await store.renew([{ room: "r", member: a, token: 1 }]);
  expect((await store.claim("r", b)).granted).toBe(false);
  const left = await store.leave("r", b, true);
  expect(left).toMatchObject({ last: false, away: false, state: { lock: { token: 1 } } });
});

contract("a pending lock lapses unless it is confirmed", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  await world.pass(world.timing.pending + 20);
  await store.beat("p1");
  expect(await store.claim("r", b)).toMatchObject({ granted: true, token: 2 });
  expect(await store.renew([{ room: "r", member: a, token: 1 }])).toEqual([false]);
}, { pending: moment });

contract("renew() extends a lease beyond its first end", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  for (let i = 0; i < 4; i++) {
    expect(await store.renew([{ room: "r", member: a, token: 1 }])).toEqual([true]);
    await world.pass(1_000);
    await store.beat("p1");
  }
  expect((await store.claim("r", b)).granted).toBe(false);
}, { lease: 1_000 + moment });

contract("leave() keeps the lock for the same user within the grace", async (store, _, enter) => {
  const a = await enter("r", 1);
  await store.claim("r", a);
  await store.renew([{ room: "r", member: a, token: 1 }]);
  expect(await store.leave("r", a, true)).toMatchObject({ last: true, away: true });
  const other = await enter("r", 2);
  expect(await store.claim("r", other)).toMatchObject({
    granted: false,
    state: { lock: { away: true, userId: 1 } },
  });
  const back = await enter("r", 1);
  expect(await store.claim("r", back, 1)).toMatchObject({ granted: true, token: 1 });
});

contract("a returning user without the token gets a new one", async (store, _, enter) => {
  const a = await enter("r", 1);
  await store.claim("r", a);
  await store.leave("r", a, true);
  expect(await store.claim("r", await enter("r", 1))).toMatchObject({ granted: true, token: 2 });
});

contract("advance() promotes the first who waits after the grace", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  await store.claim("r", b);
  await store.leave("r", a, true);
  expect((await store.advance("r")).promoted).toBe(null);
  await world.pass(world.timing.grace + 20);
  await store.beat("p1");
  expect(await store.advance("r")).toMatchObject({
    promoted: { connection: b.connection, process: "p1", token: 2, mode: "pending" },
    state: { queue: [] },
  });
}, { grace: moment });

contract("leave() without keepLock frees the lock at once", async (store, _, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  expect(await store.leave("r", a, false)).toMatchObject({ away: false, state: { lock: null } });
  expect((await store.claim("r", b)).granted).toBe(true);
});

contract("release() settles before others are granted", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  expect(await store.release("r", a, 1, moment)).toBe(true);
  expect((await store.claim("r", b)).granted).toBe(false);
  await world.pass(moment + 20);
  expect(await store.advance("r")).toMatchObject({ promoted: { userId: 2, token: 2 } });
  expect(await store.release("r", a, 1, 0)).toBe(false);
});

contract("members of a crashed process are gone, and come back", async (store, world, enter) => {
  const [a] = [await enter("r", 1, "p1"), await enter("r", 2, "p2")];
  expect((await store.members("r")).length).toBe(2);
  await world.pass(world.timing.processTimeout + 20);
  expect(await store.beat("p2")).toEqual(["p2"]);
  expect((await store.members("r")).map((m) => m.userId)).toEqual([2]);
  await store.beat("p1");
  expect((await store.members("r")).length).toBe(2);
  expect(await store.leave("r", a, true)).toMatchObject({ last: true });
}, { processTimeout: moment });

contract("the lock of a crashed process is free after the grace", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1, "p1"), await enter("r", 2, "p2")];
  await store.claim("r", a);
  await store.renew([{ room: "r", member: a, token: 1 }]);
  await store.claim("r", b);
  await world.pass(world.timing.processTimeout + 10);
  await store.beat("p2");
  expect((await store.inspect("r")).lock).toMatchObject({ away: true });
  await world.pass(world.timing.grace + 10);
  await store.beat("p2");
  expect(await store.advance("r")).toMatchObject({ promoted: { userId: 2 } });
}, { processTimeout: moment, grace: moment });

contract("advance() skips those whose process died", async (store, world, enter) => {
  const a = await enter("r", 1, "p2");
  const [dead, live] = [await enter("r", 2, "p1"), await enter("r", 3, "p2")];
  for (const m of [a, dead, live]) await store.claim("r", m);
  await store.release("r", a, 1, 0);
  await world.pass(world.timing.processTimeout + 20);
  await store.beat("p2");
  expect(await store.advance("r")).toMatchObject({ promoted: { userId: 3 } });
}, { processTimeout: moment });

contract("retire() lets the editor return through another process", async (store, _, enter) => {
  const a = await enter("r", 1, "p1");
  const waiting = await enter("r", 2, "p2");
  await store.claim("r", a);
  await store.renew([{ room: "r", member: a, token: 1 }]);
  await store.claim("r", waiting);
  await store.retire("p1");
  const back = await enter("r", 1, "p2");
  expect(await store.claim("r", back, 1)).toMatchObject({ granted: true, token: 1 });
});

contract("transfer() passes the lock to a user present, and to nobody else", async (
  store,
  _,
  enter,
) => {
  const [a, b, c] = [await enter("r", 1), await enter("r", 2), await enter("r", 2)];
  await store.claim("r", a);
  await store.enqueue("r", c);
  expect(await store.transfer("r", a, 1, 9)).toBe(null);
  expect(await store.transfer("r", b, 1, 2)).toBe(null);
  expect(await store.transfer("r", a, 1, 2)).toMatchObject({
    connection: c.connection,
    token: 2,
    mode: "pending",
  });
  expect(await store.transfer("r", a, 1, 2)).toBe(null);
});

contract("force() takes the lock from its holder", async (store, _, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  expect(await store.force("r", b)).toMatchObject({ token: 2, previous: { userId: 1 } });
  expect(await store.renew([{ room: "r", member: a, token: 1 }])).toEqual([false]);
  expect(await store.force("r2", b)).toMatchObject({ token: 1, previous: null });
});

contract("raise() lifts the token above the mark", async (store, _, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", a);
  expect(await store.raise("r", a, 1, 41)).toBe(42);
  expect(await store.raise("r", a, 1, 41)).toBe(null);
  expect(await store.raise("r", b, 42, 50)).toBe(null);
  await store.release("r", a, 42, 0);
  expect(await store.claim("r", b)).toMatchObject({ token: 43 });
});

contract("yieldTo() keeps a forgotten holder's place", async (store, world, enter) => {
  const [a, b] = [await enter("r", 1), await enter("r", 2)];
  await store.claim("r", b);
  const state = await store.yieldTo("r", b, 1, { userId: 1, name: "user1", token: 7 });
  expect(state).toMatchObject({ lock: { userId: 1, token: 7, away: true } });
  expect(state.queue).toEqual([b.connection]);
  expect(await store.renew([{ room: "r", member: a, token: 7 }])).toEqual([true]);
  expect((await store.inspect("r")).lock).toMatchObject({ userId: 1, mode: "held", away: false });
  await world.pass(world.timing.lease + 20);
  await store.beat("p1");
  expect(await store.advance("r")).toMatchObject({ promoted: { userId: 2, token: 8 } });
}, { lease: moment });

contract("renew() restores a lock that the store forgot", async (store, _, enter) => {
  const a = await enter("r", 1);
  expect(await store.renew([{ room: "r", member: a, token: 5 }])).toEqual([true]);
  expect((await store.inspect("r")).lock).toMatchObject({ userId: 1, token: 5, mode: "held" });
  await store.release("r", a, 5, 0);
  const b = await enter("r", 2);
  expect(await store.claim("r", b)).toMatchObject({ granted: true, token: 6 });
});

contract("join() and leave() count people, not tabs", async (store, _, enter) => {
  const [a, b] = [member(1, "p1"), member(1, "p2")];
  expect(await store.join("r", a)).toMatchObject({ first: true, revision: 1 });
  expect(await store.join("r", b)).toMatchObject({ first: false, revision: 2 });
  expect(await store.leave("r", a, true)).toMatchObject({ last: false, revision: 3 });
  expect(await store.leave("r", b, true)).toMatchObject({ last: true, revision: 4 });
  await enter("r2", 1);
  expect(await store.occupied(["r", "r2", "r3"])).toEqual(["r2"]);
});

contract("update() changes what others read", async (store, _, enter) => {
  const a = await enter("r", 1);
  await store.update("r", { ...a, idle: true, field: "title" });
  expect(await store.members("r")).toEqual([{ ...a, idle: true, field: "title" }]);
  await store.leave("r", a, true);
  await store.update("r", a);
  expect(await store.members("r")).toEqual([]);
});

contract("once() is true once in its time", async (store, world) => {
  expect(await store.once("k", moment)).toBe(true);
  expect(await store.once("k", moment)).toBe(false);
  expect(await store.once("other", moment)).toBe(true);
  await world.pass(moment + 20);
  expect(await store.once("k", moment)).toBe(true);
});

contract("publish() reaches the subscribers of its channel", async (store) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stop = await store.subscribe("a", resolve);
  await store.subscribe("b", () => resolve("wrong"));
  await store.publish("a", "right");
  expect(await promise).toBe("right");
  await stop();
});
