import { expect } from "expect";
import { assertFencing } from "../lib/collab/mod.ts";
import { Client, withCollabTables } from "./collab_support.ts";
import { openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";

const room = "record:myapp/customer/1";

Deno.test({
  name:
    "CollabHub: a process stopped beyond its lease and continued cannot overwrite its successor",
  ignore: !hasRedis,
  async fn() {
    await using database = await openTestDatabase("postgres");
    const db = await withCollabTables(database.db);
    await using redis = await startRedis();
    // Both processes may be held up for a moment by the machine itself.
    const options = {
      heartbeat_interval: 0.2,
      stale_after: 5,
      grace: 0.3,
      process_beat: 0.2,
      process_timeout: 4,
    };
    const args = [database.url!, redis.url, JSON.stringify(options)];
    await using paused = await startProcess(args);
    await using other = await startProcess(args);
    const connect = async (port: number, user: number) => {
      const client = await new Client(`ws://127.0.0.1:${port}/${room}?user=${user}`).opened();
      await client.next("present_users");
      return client;
    };
    const ann = await connect(paused.port, 1);
    ann.send("claim_editor");
    const token = (await ann.next("editor_status")).fencing_token as number;
    const bob = await connect(other.port, 2);
    bob.send("claim_editor");
    await bob.next("claim_denied");

    paused.process.kill("SIGSTOP");
    const promoted = await bob.next("editor_status", (f) => f.editor_id === 2);
    const save = (held: number, user: number) =>
      db.transaction({}, (tx) => assertFencing(tx, room, held, user));
    await save(promoted.fencing_token as number, 2);
    paused.process.kill("SIGCONT");
    await expect(save(token, 1)).rejects.toMatchObject({ code: "conflict" });
    await ann.next("lock_lost");
    expect(await ann.next("editor_status", (f) => f.editor_id === 2)).toBeDefined();
    await save(promoted.fencing_token as number, 2);
    // Both see each other again.
    await bob.next("user_joined", (f) => f.user_id === 1);
    await Promise.all([ann.close(), bob.close()]);
  },
});

async function startProcess(args: string[]) {
  const script = new URL("../bench/collab_server.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await reader.read()).value);
  return {
    process,
    port,
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await process.status;
      await reader.cancel();
    },
  };
}
