import { createHash } from "node:crypto";
import { createClient } from "redis";
import { traced } from "../log/mod.ts";
import { defaultRedisOptions, type RedisOptions } from "./options.ts";
import { StoreUnavailable } from "./store.ts";

/** Longest pause between two attempts to reconnect, in milliseconds. */
const longestPause = 5_000;

/**
 * A connection for commands and one for subscriptions, or where only one is allowed, one for both. A
 * command is retried with exponential backoff while Redis cannot be reached; once the retries are
 * used up the link is *down*, commands fail at once, and reconnecting goes on until the link is up
 * again.
 */
export class RedisLink {
  #options: RedisOptions;
  #commands: ReturnType<typeof createClient>;
  #subscriptions: ReturnType<typeof createClient>;
  #digests = new Map<string, string>();
  #up = false;
  #closed = false;
  #listeners: ((up: boolean) => void)[] = [];

  private constructor(url: string, options: RedisOptions) {
    this.#options = options;
    const delay = options.redis_retry_delay * 1000;
    const timeout = options.redis_socket_timeout * 1000;
    this.#commands = createClient({
      url,
      disableOfflineQueue: true,
      // Notices a peer that went silent: pings stay unanswered and the idle socket is closed.
      pingInterval: Math.max(100, timeout / 3),
      socket: {
        connectTimeout: timeout,
        socketTimeout: timeout,
        reconnectStrategy: (n) =>
          Math.min(delay * 2 ** n, longestPause) * (0.75 + Math.random() / 4),
      },
    });
    this.#subscriptions = options.redis_max_connections === 1
      ? this.#commands
      : this.#commands.duplicate({ disableOfflineQueue: false });
    // node-redis repeats every failed attempt to reconnect here; the link's state tells the story.
    for (const client of this.#clients) {
      client.on("error", () => {});
      client.on("ready", () => this.#connected());
    }
  }

  /** Starts connecting; resolves when connected, or down after the configured retries. */
  static async open(url: string, options: RedisOptions = defaultRedisOptions): Promise<RedisLink> {
    const link = new RedisLink(url, options);
    const connecting = Promise.all([...link.#clients].map((client) => client.connect()));
    connecting.catch(() => {});
    const bound = options.redis_socket_timeout * 1000;
    await Promise.race([connecting, pause(bound)]).catch(() => {});
    return link;
  }

  get #clients() {
    return new Set([this.#commands, this.#subscriptions]);
  }

  get up(): boolean {
    return this.#up;
  }

  /** Called when the link goes down, and whenever it has reconnected: messages may be missing then. */
  onChange(fn: (up: boolean) => void): void {
    this.#listeners.push(fn);
  }

  /** Runs a Lua script by its digest, sending the text only when Redis does not know it. */
  async script(text: string, keys: string[], args: string[]): Promise<unknown> {
    let digest = this.#digests.get(text);
    if (!digest) {
      digest = createHash("sha1").update(text).digest("hex");
      this.#digests.set(text, digest);
    }
    const rest = [String(keys.length), ...keys, ...args];
    return await this.#traced("EVALSHA", async () => {
      try {
        return await this.#commands.sendCommand(["EVALSHA", digest, ...rest]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return await this.#commands.sendCommand(["EVAL", text, ...rest]);
      }
    });
  }

  async command(...args: string[]): Promise<unknown> {
    return await this.#traced(args[0], () => this.#commands.sendCommand(args));
  }

  /** Subscriptions survive a reconnect. */
  async subscribe(channel: string, fn: (message: string) => void): Promise<() => Promise<void>> {
    let listening = true;
    const heard = (message: string) => listening && fn(message);
    await this.#traced("SUBSCRIBE", () => this.#subscriptions.subscribe(channel, heard));
    return async () => {
      listening = false;
      if (this.#closed) return;
      // While Redis is away the command waits for it or fails; nobody hears the channel in any case.
      const unsubscribed = this.#subscriptions.unsubscribe(channel, heard);
      await bounded(unsubscribed, this.#options.redis_socket_timeout * 1000).catch(() => {});
    };
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#closed = true;
    for (const client of this.#clients) client.destroy();
  }

  async #traced<T>(command: string, run: () => Promise<T>): Promise<T> {
    const attributes = { "db.system.name": "redis", "db.operation.name": command };
    return await traced(command, attributes, () => this.#attempt(run));
  }

  async #attempt<T>(run: () => Promise<T>): Promise<T> {
    const { redis_max_retries, redis_retry_delay, redis_socket_timeout } = this.#options;
    for (let attempt = 0;; attempt++) {
      let cause: unknown;
      if (this.#commands.isReady) {
        try {
          return await bounded(run(), redis_socket_timeout * 1000);
        } catch (error) {
          if (isReplyError(error)) throw error;
          cause = error;
        }
      }
      if (attempt >= redis_max_retries || !this.#up || this.#closed) {
        this.#down();
        throw new StoreUnavailable("Redis cannot be reached", { cause });
      }
      await pause(redis_retry_delay * 1000 * 2 ** attempt);
    }
  }

  #connected(): void {
    if (this.#closed || !this.#commands.isReady || !this.#subscriptions.isReady) return;
    this.#up = true;
    for (const fn of this.#listeners) fn(true);
  }

  #down(): void {
    if (!this.#up || this.#closed) return;
    this.#up = false;
    for (const fn of this.#listeners) fn(false);
    this.#probe();
  }

  /** A network that was cut and healed before the sockets noticed makes no client reconnect. */
  async #probe(): Promise<void> {
    const { redis_retry_delay, redis_socket_timeout } = this.#options;
    while (!this.#up && !this.#closed) {
      await pause(redis_retry_delay * 1000);
      if (this.#up || this.#closed || !this.#commands.isReady) continue;
      const answers = bounded(this.#commands.sendCommand(["PING"]), redis_socket_timeout * 1000);
      if (await answers.then(() => true, () => false)) this.#connected();
    }
  }
}

/** Whether Redis answered, if only to say that the command was wrong. */
function isReplyError(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,}\b/.test(error.message) &&
    !/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b/.test(error.message);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function bounded<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Redis did not answer in time")), milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
