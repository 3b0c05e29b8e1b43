import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import fc from "fast-check";
import {
  assertFencing,
  type CollabStore,
  EditLocks,
  type Member,
  MemoryStore,
  RedisStore,
  type Timing,
} from "../lib/collab/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { TcpProxy } from "./collab_proxy.ts";
import { member, redisOptions, type StoreWorld, withCollabTables } from "./collab_support.ts";
import { openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { until } from "./support/until.ts";

const timing: Timing = { lease: 120, grace: 40, pending: 60, processTimeout: 70 };
let rooms = 0;

/** One server process: its view of the store, its database access, its editors. */
interface Node {
  name: string;
  store: CollabStore;
  locks: EditLocks;
  /** Nothing of it runs, heartbeats included. */
  paused: boolean;
  members: Member[];
  cut(): void;
  heal(): void;
}

/** The system under test and everything that anybody was ever told. */
interface Real {
  db: Database;
  room: string;
  nodes: Node[];
  world: Pick<StoreWorld, "pass">;
  forget(real: Real): Promise<void>;
  /** Tokens by connection, as their holders believe. */
  believed: Map<string, { node: Node; member: Member; token: number }>;
  granted: number[];
  /** Whether a grant failed on its way: its token may be recorded, and nobody was told of it. */
  untold: boolean;
}

type Model = Record<string, never>;

function lockCommand(
  name: string,
  run: (real: Real) => Promise<void>,
): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    toString: () => name,
    async run(_, real) {
      await run(real);
      await checkInvariant(real);
    },
  };
}

/** Of all tokens that anybody was ever given, one at most can save, and its holder is one. */
async function checkInvariant(real: Real): Promise<void> {
  expect(new Set(real.granted).size).toBe(real.granted.length);
  const valid = [];
  for (const token of new Set([...real.granted])) {
    try {
      await real.db.transaction({}, (tx) => assertFencing(tx, real.room, token));
      valid.push(token);
    } catch {
      // Refused, as all but one must be.
    }
  }
  expect(valid.length).toBeLessThanOrEqual(1);
  if (real.granted.length === 0) return;
  const newest = Math.max(...real.granted);
  const voided = real.untold && await recorded(real) > newest;
  expect(valid).toEqual(voided ? [] : [newest]);
}

/** The token that the database has for the room. */
async function recorded({ db, room }: Real): Promise<number> {
  const [lock] = await db.query<{ token: number }>(
    "SELECT fencing_token AS token FROM lockstep.edit_lock WHERE room = $1",
    [room],
  );
  return lock?.token ?? 0;
}

async function note(real: Real, node: Node, who: Member, work: ReturnType<EditLocks["claim"]>) {
  const result = await work.catch(() => {
    real.untold = true;
  });
  if (!result?.granted) return;
  const before = real.believed.get(who.connection);
  real.believed.set(who.connection, { node, member: who, token: result.token });
  if (before?.token !== result.token && !real.granted.includes(result.token)) {
    // Commands run several claims at once, which may be told out of order.
    real.granted.push(result.token);
  }
}

async function beatAll(real: Real): Promise<void> {
  await Promise.all(real.nodes.map(async (node) => {
    if (node.paused) return;
    await node.store.beat(node.name).catch(() => {});
    const leases = [...real.believed.values()].filter((held) => held.node === node);
    const held = await node.store.renew(
      leases.map(({ member, token }) => ({ room: real.room, member, token })),
    ).catch(() => undefined);
    leases.forEach((lease, i) => {
      if (held?.[i] === false) real.believed.delete(lease.member.connection);
    });
  }));
}

async function promote(real: Real, node: Node): Promise<void> {
  const result = await node.store.advance(real.room).catch(() => undefined);
  const lock = result?.promoted;
  if (!lock) return;
  const owner = real.nodes.find((n) => n.name === lock.process);
  const who = owner?.members.find((m) => m.connection === lock.connection);
  if (!owner || !who || owner.paused) return;
  await note(real, owner, who, owner.locks.confirm(real.room, who, lock.token));
}

const nodeIndex = fc.nat({ max: 1 });
const memberIndex = fc.nat({ max: 3 });

const commands = [
  memberIndex.map((m) =>
    lockCommand(`everybody claims, from ${m}`, async (real) => {
      const all = real.nodes.flatMap((node) => node.members.map((who) => ({ node, who })));
      const order = [...all.slice(m), ...all.slice(0, m)];
      await Promise.all(order.map(async ({ node, who }) => {
        if (node.paused) return;
        const token = real.believed.get(who.connection)?.token;
        await note(real, node, who, node.locks.claim(real.room, who, token));
      }));
    })
  ),
  fc.tuple(nodeIndex, memberIndex).map(([n, m]) =>
    lockCommand(`claim ${n}.${m}`, async (real) => {
      const node = real.nodes[n];
      const who = node.members[m % node.members.length];
      if (node.paused) return;
      await note(real, node, who, node.locks.claim(real.room, who));
    })
  ),
  fc.tuple(nodeIndex, memberIndex, fc.integer({ min: 0, max: 90 })).map(([n, m, ms]) =>
    lockCommand(`claim ${n}.${m}, paused for ${ms} before the token is recorded`, async (real) => {
      const node = real.nodes[n];
      const who = node.members[m % node.members.length];
      if (node.paused) return;
      const claim = await node.store.claim(real.room, who).catch(() => undefined);
      if (!claim?.granted || claim.renewed) return;
      await real.world.pass(ms);
      const other = real.nodes[1 - n];
      const successor = other.members[0];
      await Promise.all([
        note(real, other, successor, other.locks.claim(real.room, successor)),
        note(real, node, who, node.locks.confirm(real.room, who, claim.token)),
      ]);
    })
  ),
  fc.tuple(nodeIndex, memberIndex).map(([n, m]) =>
    lockCommand(`release ${n}.${m}`, async (real) => {
      const node = real.nodes[n];
      const held = real.believed.get(node.members[m % node.members.length].connection);
      if (!held || node.paused) return;
      await node.locks.release(real.room, held.member, held.token).catch(() => {});
      real.believed.delete(held.member.connection);
    })
  ),
  fc.tuple(nodeIndex, memberIndex).map(([n, m]) =>
    lockCommand(`force ${n}.${m}`, async (real) => {
      const node = real.nodes[n];
      const who = node.members[m % node.members.length];
      if (node.paused) return;
      await note(real, node, who, node.locks.force(real.room, who, async () => {}));
    })
  ),
  fc.tuple(nodeIndex, memberIndex).map(([n, m]) =>
    lockCommand(`reconnect ${n}.${m}`, async (real) => {
      const node = real.nodes[n];
      const i = m % node.members.length;
      if (node.paused) return;
      const before = node.members[i];
      const token = real.believed.get(before.connection)?.token;
      real.believed.delete(before.connection);
      await node.store.leave(real.room, before, true).catch(() => {});
      node.members[i] = member(before.userId, node.name);
      await node.store.join(real.room, node.members[i]).catch(() => {});
      await note(real, node, node.members[i], node.locks.claim(real.room, node.members[i], token));
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`crash ${n}`, async (real) => {
      const node = real.nodes[n];
      for (const who of node.members) real.believed.delete(who.connection);
      // It starts again at once under a new name, as nobody tells the store that the old one died.
      node.name = crypto.randomUUID();
      node.members = node.members.map((who) => member(who.userId, node.name));
      node.paused = false;
      await node.store.beat(node.name).catch(() => {});
      for (const who of node.members) await node.store.join(real.room, who).catch(() => {});
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`pause ${n}`, (real) => {
      real.nodes[n].paused = true;
      return Promise.resolve();
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`continue ${n}`, (real) => {
      real.nodes[n].paused = false;
      return Promise.resolve();
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`cut ${n}`, (real) => {
      real.nodes[n].cut();
      return Promise.resolve();
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`heal ${n}`, (real) => {
      real.nodes[n].heal();
      return Promise.resolve();
    })
  ),
  nodeIndex.map((n) =>
    lockCommand(`promote by ${n}`, async (real) => {
      if (!real.nodes[n].paused) await promote(real, real.nodes[n]);
    })
  ),
  fc.integer({ min: 10, max: 140 }).map((ms) =>
    lockCommand(`wait ${ms}`, async (real) => {
      await beatAll(real);
      await real.world.pass(ms);
    })
  ),
  fc.constant(lockCommand("the store forgets", async (real) => {
    await real.forget(real);
  })),
];

/** Once all is well again, somebody who asks gets the lock, soon unless the machine is busy. */
async function checkLiveness(real: Real): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (const node of real.nodes) {
    node.paused = false;
    node.heal();
  }
  const [node] = real.nodes;
  let who = member(99, node.name);
  for (let round = 0; round < 40 || performance.now() < deadline; round++) {
    await beatAll(real);
    // Editors have lost interest: they leave as soon as they hear of it.
    for (const [connection, held] of [...real.believed]) {
      if (held.member.userId === 99) {
        return await real.db.transaction({}, (tx) => assertFencing(tx, real.room, held.token, 99));
      }
      real.believed.delete(connection);
      await held.node.locks.release(real.room, held.member, held.token).catch(() => {});
    }
    if (!node.members.includes(who)) {
      who = member(99, node.name);
      const joined = await node.store.join(real.room, who).then(() => true, () => false);
      if (joined) node.members.push(who);
    }
    await note(real, node, who, node.locks.claim(real.room, who));
    for (const any of real.nodes) await promote(real, any);
    await real.world.pass(40);
  }
  throw new Error("Nobody got the lock");
}

async function setUp(
  db: Database,
  world: Pick<StoreWorld, "pass">,
  stores: { store: CollabStore; cut(): void; heal(): void }[],
  forget: Real["forget"],
): Promise<Real> {
  const room = `record:model/${++rooms}`;
  const nodes = stores.map(({ store, cut, heal }, n): Node => {
    const name = crypto.randomUUID();
    return {
      name,
      store,
      locks: new EditLocks(db, store, timing.lease),
      paused: false,
      members: [member(2 * n + 1, name), member(2 * n + 2, name)],
      cut,
      heal,
    };
  });
  for (const node of nodes) {
    node.heal();
    await until(() => succeeds(node.store.beat(node.name)));
    for (const who of node.members) await until(() => succeeds(node.store.join(room, who)));
  }
  return { db, room, nodes, world, forget, believed: new Map(), granted: [], untold: false };
}

const succeeds = (work: Promise<unknown>) => work.then(() => true, () => false);

async function property(numRuns: number, start: () => Promise<Real>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 25 }), async (program) => {
      const real = await start();
      await fc.asyncModelRun(() => ({ model: {}, real }), program);
      await checkLiveness(real);
      await checkInvariant(real);
    }),
    { numRuns, endOnFailure: true },
  );
}

Deno.test("EditLocks: at most one valid token, and somebody gets it [memory]", async () => {
  await using database = await openTestDatabase("pglite");
  await withCollabTables(database.db);
  let now = 0;
  const pass = (ms: number) => Promise.resolve(void (now += ms));
  const nothing = () => {};
  await property(150, () => {
    const side = { store: new MemoryStore(timing, () => now), cut: nothing, heal: nothing };
    return setUp(database.db, { pass }, [side, side], (real) => {
      const store = new MemoryStore(timing, () => now);
      for (const node of real.nodes) {
        Object.assign(node, { store, locks: new EditLocks(real.db, store, timing.lease) });
      }
      return Promise.resolve();
    });
  });
});

Deno.test({
  name: "EditLocks: at most one valid token, and somebody gets it [redis]",
  ignore: !hasRedis,
  async fn() {
    await using database = await openTestDatabase("postgres");
    await withCollabTables(database.db);
    await using redis = await startRedis();
    await using left = new TcpProxy(redis.port);
    await using right = new TcpProxy(redis.port);
    const options = { ...redisOptions, redis_max_retries: 1, redis_socket_timeout: 0.08 };
    const stores: RedisStore[] = [];
    for (const proxy of [left, right]) {
      stores.push(await RedisStore.open(`redis://127.0.0.1:${proxy.port}`, timing, options));
    }
    const sides = stores.map((store, i) => ({
      store,
      cut: () => [left, right][i].silence(),
      heal: () => [left, right][i].heal(),
    }));
    const pass = (ms: number) => delay(ms);
    try {
      await property(20, () =>
        setUp(database.db, { pass }, sides, async () => {
          const flush = new Deno.Command("redis-cli", {
            args: ["-p", String(redis.port), "FLUSHALL"],
            stdout: "null",
          });
          await flush.output();
        }));
    } finally {
      for (const store of stores) await store.close();
    }
  },
});
