import { expect } from "expect";
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

async function isListening(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin);
  return await Deno.connect({ hostname, port: Number(port) })
    .then((connection) => (connection.close(), true), () => false);
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
          statuses.add(response.status);
          if ((await response.json()).success_count === 1) answered.add(note);
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
      await until(async () => !await isListening(server.origin));
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
