import { setTimeout as delay } from "node:timers/promises";
import { openTestDatabase } from "../tests/support/databases.ts";
import { hasRedis, startRedis } from "../tests/support/redis.ts";
import { withCollabTables } from "../tests/collab_support.ts";
import { type Line, percentile } from "./table.ts";

const rooms = 50;
const viewers = 200;
const claims = 500;
const fanOuts = 100;
/** Claims and fan-outs are started this far apart, in milliseconds, whether or not earlier ones are answered. */
const spacing = 10;

/** A server process. */
class Server implements AsyncDisposable {
  #process: Deno.ChildProcess;
  #input: WritableStreamDefaultWriter<Uint8Array>;
  #output: ReadableStreamDefaultReader<string>;
  port = 0;

  private constructor(args: string[]) {
    const script = new URL("collab_server.ts", import.meta.url).pathname;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", script, ...args],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#output = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(...args: string[]): Promise<Server> {
    const server = new Server(args);
    server.port = await server.#number();
    return server;
  }

  /** Resident bytes after a garbage collection. */
  async memory(): Promise<number> {
    await this.#input.write(new TextEncoder().encode("\n"));
    return await this.#number();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#process.status;
    await this.#output.cancel();
  }

  async #number(): Promise<number> {
    const { value } = await this.#output.read();
    return Number(value);
  }
}

/** A client that looks only at what it waits for, so that the load stays light. */
class Client {
  readonly socket: WebSocket;
  readonly joined: Promise<void>;
  #waiting: { mark: string; found: () => void } | undefined;

  constructor(port: number, room: string, user: number) {
    // deno-lint-ignore no-explicit-any
    const options: any = { headers: { origin: `http://127.0.0.1:${port}` } };
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/${room}?user=${user}`, options);
    this.socket.onmessage = ({ data }) => {
      if (this.#waiting && data.includes(this.#waiting.mark)) {
        const { found } = this.#waiting;
        this.#waiting = undefined;
        found();
      }
    };
    this.joined = this.heard('"type":"present_users"');
  }

  heard(mark: string): Promise<void> {
    return new Promise((found) => this.#waiting = { mark, found });
  }

  /** Calls `found` at the next message that contains `mark`, without the detour of a promise. */
  onHearing(mark: string, found: () => void): void {
    this.#waiting = { mark, found };
  }

  send(type: string, fields = {}): void {
    this.socket.send(JSON.stringify({ type, ...fields }));
  }
}

async function closeAll(clients: Client[]): Promise<void> {
  await Promise.all(clients.map(({ socket }) => {
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.close();
    return closed;
  }));
}

function percentiles(samples: number[]): { p50: number; p95: number; p99: number } {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(samples, share));
  return { p50, p95, p99 };
}

function show({ p50, p95, p99 }: ReturnType<typeof percentiles>): string {
  return `p50 ${p50.toFixed(1)}  p95 ${p95.toFixed(1)}  p99 ${p99.toFixed(1)} ms`;
}

/** Opens `count` sockets, at most 100 of them at a time. */
async function connect(count: number, create: (i: number) => Client): Promise<Client[]> {
  const clients: Client[] = [];
  for (let i = 0; i < count; i += 100) {
    const batch = Array.from({ length: Math.min(100, count - i) }, (_, j) => create(i + j));
    clients.push(...batch);
    await Promise.all(batch.map((client) => client.joined));
  }
  return clients;
}

async function measureClaims(clients: Client[]): Promise<number[]> {
  const samples: Promise<number>[] = [];
  for (let i = 0; i < claims; i++) {
    const client = clients[i % clients.length];
    samples.push((async () => {
      const begin = performance.now();
      const granted = client.heard('"fencing_token"');
      client.send("claim_editor");
      await granted;
      const took = performance.now() - begin;
      const released = client.heard('"lock_released"');
      client.send("release_lock");
      await released;
      return took;
    })());
    await delay(spacing);
  }
  return await Promise.all(samples);
}

async function measureFanOut(sender: Client, readers: Client[]) {
  const [each, last]: number[][] = [[], []];
  const granted = sender.heard('"fencing_token"');
  sender.send("claim_editor");
  await granted;
  for (let i = 0; i < fanOuts; i++) {
    const mark = `mark-${i}`;
    const times: number[] = [];
    const all = Promise.withResolvers<void>();
    for (const reader of readers) {
      reader.onHearing(mark, () => {
        if (times.push(performance.now() - begin) === readers.length) all.resolve();
      });
    }
    const begin = performance.now();
    sender.send("typing", { field: mark });
    await all.promise;
    each.push(...times);
    last.push(Math.max(...times));
    // The sender keeps within the rate that a connection may send at.
    await delay(50);
  }
  return { each: percentiles(each), last: percentiles(last) };
}

async function load(databaseUrl: string, processes: number, redisUrl?: string): Promise<Line[]> {
  const lines: Line[] = [];
  const where = processes === 1 ? "one process" : `${processes} processes`;
  const goalOfOne = (goal: string, met: boolean): [goal?: string, met?: boolean] =>
    processes === 1 ? [goal, met] : [];
  const add = (what: string, measured: string, goal?: string, met?: boolean) =>
    lines.push({ what: `${what}, ${where}`, measured, goal, met });
  const args = redisUrl ? [databaseUrl, redisUrl] : [databaseUrl];
  const servers = await Promise.all(
    Array.from({ length: processes }, () => Server.start(...args)),
  );
  const portOf = (i: number) => servers[i % processes].port;
  try {
    // The first connections pay for compiling the code.
    await closeAll(await connect(100, (i) => new Client(portOf(i), "warm", i + 1)));

    const crowdBegin = performance.now();
    const crowd = Array.from(
      { length: viewers },
      (_, i) => new Client(portOf(i), "crowd", i + 1),
    );
    await Promise.all(crowd.map((client) => client.joined));
    const crowdTook = performance.now() - crowdBegin;
    add(
      `${viewers} connected and joined in one room`,
      `${crowdTook.toFixed(0)} ms`,
      "≤ 600 ms",
      crowdTook <= 600,
    );
    await delay(300);
    const fanOut = await measureFanOut(crowd[0], crowd.slice(1));
    add(
      `message to ${viewers} viewers, each`,
      show(fanOut.each),
      ...goalOfOne("p50 ≤ 3, p95 ≤ 8 ms", fanOut.each.p50 <= 3 && fanOut.each.p95 <= 8),
    );
    add(`message to ${viewers} viewers, the last`, show(fanOut.last));
    await closeAll(crowd);
    if (processes === 1) {
      const readers = await connect(viewers, (i) => new Client(portOf(i), "bare", i + 1));
      const bare = await measureFanOut(readers[0], readers.slice(1));
      add(`the same by a bare loop of sends, each`, show(bare.each));
      await closeAll(readers);
    }
    await delay(200);

    const before = await Promise.all(servers.map((server) => server.memory()));
    const count = 1_000 * processes;
    const begin = performance.now();
    const clients = await connect(
      count,
      (i) => new Client(portOf(Math.floor(i / rooms)), `room${i % rooms}`, i + 1),
    );
    const took = performance.now() - begin;
    add(
      `${count} connections in ${rooms} rooms`,
      `${(count / took * 1000).toFixed(0)} per second`,
    );
    await delay(1_000);
    const after = await Promise.all(servers.map((server) => server.memory()));
    const grown = after.reduce((a, b) => a + b) - before.reduce((a, b) => a + b);
    add(
      "memory per idle connection",
      `${(grown / count / 1000).toFixed(1)} kB`,
      "< 40 kB",
      grown / count < 40_000,
    );
    const grants = percentiles(await measureClaims(clients.slice(0, rooms)));
    add("claim to grant", show(grants), "p95 ≤ 10 ms", grants.p95 <= 10);
    await closeAll(clients);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
  return lines;
}

/**
 * Load on the collaboration sockets, over the loopback, in less than a minute per run. One process
 * with the memory store, then two on one Redis; servers run in processes of their own, the load in
 * this one.
 */
export async function benchCollab(): Promise<Line[]> {
  await using database = await openTestDatabase("postgres");
  await withCollabTables(database.db);
  const lines = await load(database.url!, 1);
  if (!hasRedis) return lines;
  await using redis = await startRedis();
  return [...lines, ...await load(database.url!, 2, redis.url)];
}
