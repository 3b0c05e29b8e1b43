import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import {
  CollabHub,
  type CollabIdentity,
  type CollabOptions,
  type CollabStore,
  defaultCollabOptions,
  type ForcedTakeOver,
  type Member,
  MemoryStore,
  RedisStore,
  type Standing,
  type Timing,
  timingOf,
  upgradeCollabSocket,
} from "../lib/collab/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { up as collabMigration } from "../lib/db/migrations/0003_collab.ts";
import { openTestDatabase, type TestDatabase } from "./support/databases.ts";
import { startRedis } from "./support/redis.ts";

/** A store of each kind with a clock: the memory's is set, Redis's is waited for. */
export interface StoreWorld extends AsyncDisposable {
  kind: "memory" | "redis";
  timing: Timing;
  /** Another process's view of the same rooms. */
  store(): Promise<CollabStore>;
  /** Lets time go by, in milliseconds. */
  pass(milliseconds: number): Promise<void>;
}

export const redisOptions = {
  redis_max_retries: 2,
  redis_retry_delay: 0.02,
  redis_socket_timeout: 5,
  redis_max_connections: 10,
};

export function memoryWorld(timing: Timing): StoreWorld {
  let now = 1_000_000;
  const store = new MemoryStore(timing, () => now);
  return {
    kind: "memory",
    timing,
    store: () => Promise.resolve(store),
    pass(milliseconds) {
      now += milliseconds;
      return Promise.resolve();
    },
    async [Symbol.asyncDispose]() {
      await store.close();
    },
  };
}

export async function redisWorld(timing: Timing): Promise<StoreWorld> {
  const server = await startRedis();
  const stores: CollabStore[] = [];
  return {
    kind: "redis",
    timing,
    async store() {
      const store = await RedisStore.open(server.url, timing, redisOptions);
      stores.push(store);
      return store;
    },
    pass: (milliseconds) => delay(milliseconds),
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await server.stop();
    },
  };
}

/** Adds the tables of collaboration to a test database that lacks them. */
export async function withCollabTables(db: Database): Promise<Database> {
  const [{ exists }] = await db.query<{ exists: boolean }>(
    "SELECT to_regclass('lockstep.edit_lock') IS NOT NULL AS exists",
  );
  if (!exists) await db.script(collabMigration);
  return db;
}

export async function addUsers(db: Database, ...names: string[]): Promise<number[]> {
  const rows = await db.query<{ id: number }>(
    `INSERT INTO lockstep.app_user (username, email, password, is_staff)
     SELECT name, name || '@example.com', '', true
     FROM json_array_elements_text($1::text::json) AS name
     RETURNING id`,
    [JSON.stringify(names)],
  );
  return rows.map(({ id }) => id);
}

let memberCount = 0;

export function member(userId: number, process: string): Member {
  return {
    connection: `c${++memberCount}`,
    process,
    userId,
    username: `user${userId}`,
    email: `user${userId}@example.com`,
    avatarUrl: null,
    joinedAt: new Date().toISOString(),
    idle: false,
    field: null,
  };
}

export function identity(userId: number, more: Partial<CollabIdentity> = {}): CollabIdentity {
  return {
    userId,
    username: `user${userId}`,
    email: `user${userId}@example.com`,
    avatarUrl: null,
    canEdit: true,
    canForce: false,
    sessionId: `session${userId}`,
    ...more,
  };
}

export type Frame = { type: string } & Record<string, unknown>;

/** A real WebSocket client that remembers frames until somebody asks for them. */
export class Client {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<CloseEvent>;
  #wake = new Set<() => void>();

  constructor(url: string, headers: Record<string, string> = {}) {
    const origin = new URL(url.replace(/^ws/, "http")).origin;
    // deno-lint-ignore no-explicit-any
    this.socket = new WebSocket(url, { headers: { origin, ...headers } } as any);
    this.socket.onmessage = ({ data }) => {
      this.frames.push(JSON.parse(data));
      for (const wake of this.#wake) wake();
    };
    this.closed = new Promise((resolve) => this.socket.onclose = resolve);
    this.socket.onerror = () => {};
  }

  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise<void>((resolve, reject) => {
        this.socket.addEventListener("open", () => resolve());
        this.socket.addEventListener("close", (e) => reject(new Error(`closed ${e.code}`)));
      });
    }
    return this;
  }

  send(type: string, fields: Record<string, unknown> = {}): void {
    this.socket.send(JSON.stringify({ type, ...fields }));
  }

  /** Removes and resolves to the first frame, past or to come, of the type and kind. */
  async next(
    type: string,
    matches: (frame: Frame) => boolean = () => true,
    timeout = 30_000,
  ): Promise<Frame> {
    const take = () => {
      const index = this.frames.findIndex((f) => f.type === type && matches(f));
      return index < 0 ? undefined : this.frames.splice(index, 1)[0];
    };
    const found = take();
    if (found) return found;
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const wake = () => {
      const frame = take();
      if (frame) resolve(frame);
    };
    const timer = setTimeout(() => {
      const have = this.frames.map((f) => JSON.stringify(f)).join("\n");
      reject(new Error(`No ${type} within ${timeout} ms; there are:\n${have}`));
    }, timeout);
    this.#wake.add(wake);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#wake.delete(wake);
    }
  }

  /** Resolves when the server has closed the socket. */
  async ended(timeout = 30_000): Promise<CloseEvent> {
    let timer: ReturnType<typeof setTimeout>;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Not closed within ${timeout} ms`)), timeout);
    });
    return await Promise.race([this.closed, late]).finally(() => clearTimeout(timer));
  }

  count(type: string): number {
    return this.frames.filter((frame) => frame.type === type).length;
  }

  /** Resolves when the server has handled what was sent before. */
  async settled(): Promise<this> {
    const note = crypto.randomUUID();
    this.send(note);
    await this.next("error", (f) => f.code === "bad_request");
    return this;
  }

  async close(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) this.socket.close();
    await this.closed;
  }
}

/** A client that has said hello and then neither reads nor answers pings. */
export async function silentClient(port: number, room: string, user: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET /${room}?user=${user} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
    `Origin: http://127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

/** A text frame as a browser sends it, masked with zeros. At most 125 bytes. */
export function clientFrame(message: object): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(message));
  return new Uint8Array([0x81, 0x80 | text.length, 0, 0, 0, 0, ...text]);
}

/** A server process in miniature: a hub behind `Deno.serve`. */
export class HubServer implements AsyncDisposable {
  readonly hub: CollabHub;
  readonly audit: ForcedTakeOver[] = [];
  readonly errors: unknown[] = [];
  standing: (identity: CollabIdentity) => Standing = (identity) => identity;
  auditFails = false;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #clients: Client[] = [];

  private constructor(
    readonly db: Database,
    readonly store: CollabStore,
    options: CollabOptions,
    port: number,
    readonly users: Record<string, Partial<CollabIdentity>>,
    idleTimeout: number | undefined,
  ) {
    this.hub = new CollabHub({
      db,
      store,
      options,
      stillAllowed: (identity) => Promise.resolve(this.standing(identity)),
      onForcedTakeOver: async (tx, event) => {
        await tx.query("SELECT 1");
        if (this.auditFails) throw new Error("no audit");
        this.audit.push(event);
      },
      report: (error) => this.errors.push(error),
    });
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => {
      const url = new URL(request.url);
      const user = Number(url.searchParams.get("user"));
      const who = identity(user, this.users[user]);
      try {
        const { socket, response } = upgradeCollabSocket(request, [], idleTimeout);
        const path = url.pathname.slice(1);
        if (path.startsWith("page:")) this.hub.attachChat(socket, who, path);
        else {
          this.hub.attachRecord(socket, who, { room: path, lastModified: "2026-01-01T00:00:00Z" });
        }
        return response;
      } catch {
        return new Response("refused", { status: 403 });
      }
    });
  }

  static async start(
    db: Database,
    more: {
      store?: CollabStore;
      options?: Partial<CollabOptions>;
      port?: number;
      users?: Record<string, Partial<CollabIdentity>>;
      idleTimeout?: number;
    } = {},
  ): Promise<HubServer> {
    const options = { ...defaultCollabOptions, ...more.options };
    const store = more.store ?? new MemoryStore(timingOf(options));
    const server = new HubServer(
      db,
      store,
      options,
      more.port ?? 0,
      more.users ?? {},
      more.idleTimeout,
    );
    await server.hub.start();
    return server;
  }

  get port(): number {
    return this.#server.addr.port;
  }

  url(room: string, user: number, port = this.port): string {
    return `ws://127.0.0.1:${port}/${room}?user=${user}`;
  }

  async connect(room: string, user: number): Promise<Client> {
    const client = new Client(this.url(room, user));
    this.#clients.push(client);
    return await client.opened();
  }

  /** Connected, and introduced by the server. */
  async join(room: string, user: number): Promise<Client> {
    const client = await this.connect(room, user);
    await client.next("present_users");
    return client;
  }

  /** Joined and in possession of the lock. */
  async edit(room: string, user: number): Promise<Client & { token: number }> {
    const client = await this.join(room, user);
    client.send("claim_editor");
    const status = await client.next("editor_status", (f) => f.editor_id === user);
    return Object.assign(client, { token: status.fencing_token as number });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.hub.close();
    await this.#server.shutdown();
  }
}

/** Registers a test of a server over the embedded database, with users 1 to 4. */
export function wire(
  name: string,
  more: Parameters<typeof HubServer.start>[1],
  fn: (server: HubServer, database: TestDatabase) => Promise<void>,
): void {
  Deno.test(`CollabHub: ${name}`, async () => {
    await using database = await openTestDatabase("pglite");
    await withCollabTables(database.db);
    await addUsers(database.db, "ann", "bob", "cid", "dan");
    await using server = await HubServer.start(database.db, more);
    await fn(server, database);
    expect(server.errors).toEqual([]);
  });
}
