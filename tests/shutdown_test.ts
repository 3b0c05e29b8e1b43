import { expect } from "expect";
import { setTimeout as delay } from "node:timers/promises";
import { ServerProcess } from "../bench/server_process.ts";
import { signIn } from "../bench/world.ts";
import type { Database } from "../lib/db/mod.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { prepareShop } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const poolSize = 10;
const clients = poolSize + 2;

async function lockWaits(db: Database): Promise<number> {
  const [{ count }] = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return count;
}

/** Whether requests are sent elsewhere. */
async function isStopping(origin: string): Promise<boolean> {
  const response = await fetch(`${origin}/api/nothing/`).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status !== 404;
}

Deno.test({
  name: "SIGTERM under load: what was accepted is answered, and every answer is in both logs",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareShop(test.db);
    const logDir = await Deno.makeTempDir({ prefix: "lockstep-logs-" });
    const server = await ServerProcess.start({ DATABASE_URL: test.url!, LOCKSTEP_LOG_DIR: logDir });
    const client = await signIn(server);
    const answered = new Set<string>();
    const statuses = new Set<number>();
    let number = 0;
    const pushing = Promise.all(Array.from({ length: clients }, async () => {
      while (true) {
        const note = `note ${number++}`;
        const data = [{ _model: "shop.Parent", note }];
        try {
          const headers = { "X-Request-Id": note.replace(" ", "-") };
          const response = await client.post("push/", { data }, headers);
          const answer = await response.json();
          // It was not accepted: the server finishes what was.
          if (response.status === 503 && /^The server is stopping/.test(answer.detail)) return;
          statuses.add(response.status);
          if (answer.success_count === 1) answered.add(note);
        } catch (error) {
          // Nobody listens any more.
          if (error instanceof TypeError) return;
          throw error;
        }
      }
    }));
    await Promise.race([until(() => Promise.resolve(answered.size > 200)), pushing]);
    // Each of the pool's connections has a push to finish, and two more wait for one.
    const stopped = await test.db.transaction({}, async (tx) => {
      await tx.script("LOCK TABLE shop.parent IN EXCLUSIVE MODE");
      await until(async () => await lockWaits(test.db) >= poolSize);
      const stopping = server.stop();
      await until(() => isStopping(server.origin));
      return { stopping };
    });
    expect(await stopped.stopping).toBe(0);
    await pushing;

    expect([...statuses]).toEqual([200]);
    const notes = await test.db.query<{ note: string }>("SELECT note FROM shop.parent");
    expect(notes.map(({ note }) => note).sort()).toEqual([...answered].sort());
    const requests = [...answered].map((note) => note.replace(" ", "-")).sort();
    const logged = await test.db.query<{ request_id: string }>(
      "SELECT request_id FROM lockstep.sync_log WHERE operation = 'PUSH'",
    );
    expect(logged.map(({ request_id }) => request_id).sort()).toEqual(requests);
    const lines = (await Deno.readTextFile(`${logDir}/lockstep.log`)).trimEnd().split("\n")
      .map((line) => JSON.parse(line)).filter(({ logger }) => logger === "lockstep.sync");
    expect(lines.map(({ request_id }) => request_id).sort()).toEqual(requests);
    expect(lines[0].message).toBe(
      'PUSH request from user bench in Bench: {"shop.Parent":1}',
    );
    await Deno.remove(logDir, { recursive: true });
  },
});

for (const type of ["application/json", "application/x-ndjson"]) {
  Deno.test({
    name: `SIGTERM while a push of ${type} arrives: it is finished, and what comes then is sent on`,
    ignore: !hasPostgres,
    async fn() {
      await using test = await openTestDatabase("postgres");
      await prepareShop(test.db);
      const server = await ServerProcess.start({ DATABASE_URL: test.url! });
      const { token } = await signIn(server);
      // More than a streamed push writes before its answer begins.
      const given = [...Array.from({ length: 2500 }, (_, i) => `${i}`), "last"];
      const records = given.map((note) => JSON.stringify({ _model: "shop.Parent", note }));
      const body = type === "application/json"
        ? `{"data":[${records.join(",")}]}`
        : records.join("\n") + "\n";
      const half = body.indexOf("last");
      const slow = await SlowRequest.send(server.origin, {
        Authorization: `Bearer ${token}`,
        "Content-Type": type,
        "Content-Length": String(body.length),
      }, body.slice(0, half));
      const stopping = server.stop();
      await until(() => isStopping(server.origin));
      const refused = await fetch(`${server.origin}/api/sync/me/`);
      expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "1"]);
      expect(refused.headers.get("Connection")).toBe("close");
      expect(await refused.json()).toMatchObject({ code: "unavailable" });

      const answer = await slow.finish(body.slice(half));
      expect(answer).toContain("HTTP/1.1 200");
      expect(await stopping).toBe(0);
      const notes = await test.db.query<{ note: string }>("SELECT note FROM shop.parent");
      expect(notes.map(({ note }) => note).sort()).toEqual(given.sort());
    },
  });
}

/** A push whose body comes in two parts. */
class SlowRequest {
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async send(
    origin: string,
    headers: Record<string, string>,
    begin: string,
  ): Promise<SlowRequest> {
    const { hostname, port } = new URL(origin);
    const slow = new SlowRequest(await Deno.connect({ hostname, port: Number(port) }));
    const lines = Object.entries({ Host: `${hostname}:${port}`, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`);
    await slow.#write(`POST /api/sync/push/ HTTP/1.1\r\n${lines.join("")}\r\n${begin}`);
    // Until the server reads the body, a request cannot be told from one that was not accepted.
    await delay(500);
    return slow;
  }

  /** Resolves to the answer. */
  async finish(rest: string): Promise<string> {
    await this.#write(rest);
    return await new Response(this.#connection.readable).text();
  }

  async #write(text: string): Promise<void> {
    await new Blob([text]).stream().pipeTo(this.#connection.writable, { preventClose: true });
  }
}
