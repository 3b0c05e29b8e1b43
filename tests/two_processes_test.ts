/**
 * Two processes behind a proxy that sends every request to the other one. A part of the suites runs
 * here; `LOCKSTEP_TEST_PROCESSES=2 deno task test tests/api_*_test.ts tests/browser_*_test.ts` runs
 * them whole. @module
 */
import { expect } from "expect";
import { signIn } from "../bench/world.ts";
import { loadDemo } from "../cli/demo/mod.ts";
import { createSession, type Principal } from "../lib/access/mod.ts";
import { type Database, loadSettings } from "../lib/db/mod.ts";
import { Client, type Frame } from "./collab_support.ts";
import { useTwoProcesses } from "./support/app.ts";
import { startCluster } from "./support/cluster.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { hasRedis } from "./support/redis.ts";
import { Load, prepareShop } from "./support/shop_load.ts";
import { until } from "./support/until.ts";

const runnable = hasPostgres && hasRedis;

if (runnable) {
  useTwoProcesses();
  await import("./api_shapes_test.ts");
  await import("./api_events_test.ts");
  await import("./collab_routes_test.ts");
}

Deno.test({
  name: "two processes share the requests, and when one is killed, clients go on and lose nothing",
  ignore: !runnable,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareShop(test.db);
    await using cluster = await startCluster(test.url!);
    const load = new Load();
    const stopping = new AbortController();
    const going = load.goOn(cluster, stopping.signal);
    const answers = () => load.sent.filter(({ answer }) => answer !== undefined).length;
    const more = async (count: number) => {
      const enough = answers() + count;
      await Promise.race([until(() => Promise.resolve(answers() >= enough)), going]);
    };
    await more(20);
    const [first, second] = cluster.proxy.requests;
    expect(Math.abs(first - second)).toBeLessThanOrEqual(1);
    expect(first).toBeGreaterThan(10);

    // Either process may write a bulk push, and either tells how far it is.
    const client = await signIn(cluster);
    const bulk = await client.post("bulk/", {
      data: [{ _model: "shop.Parent", id: 500, note: "" }],
    });
    const { id } = await bulk.json();
    const headers = { Authorization: `Bearer ${client.token}` };
    await until(async () => {
      const state = await fetch(`${cluster.origin}/api/sync/bulk/${id}/`, { headers });
      return (await state.json()).state === "succeeded";
    });

    await cluster.servers[0].kill();
    await more(40);
    stopping.abort();
    await going;
    await load.check(cluster);
    await load.checkFollower(cluster);
  },
});

Deno.test({
  name: "whoever edits through a process that is killed comes back to the other as the editor",
  ignore: !runnable,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await loadDemo(test.db);
    await using cluster = await startCluster(test.url!);
    const [first, second] = cluster.servers;
    const sam = await openSocket(test.db, first.origin, "sam_staff");
    sam.send("claim_editor");
    const isEditor = ({ editor_id }: Frame) => editor_id !== null;
    const { editor_id, fencing_token } = await sam.next("editor_status", isEditor);
    const admin = await openSocket(test.db, second.origin, "admin");
    admin.send("request_editor_status");
    expect(await admin.next("editor_status", isEditor)).toMatchObject({ editor_id });

    await first.kill();
    await sam.closed;
    let again: Client | undefined;
    await until(async () => {
      again = await openSocket(test.db, cluster.origin, "sam_staff").catch(() => undefined);
      return again !== undefined;
    });
    again!.send("claim_editor");
    const back = await again!.next("editor_status", isEditor, 60_000);
    expect(back.editor_id).toBe(editor_id);
    expect(back.fencing_token).toBeGreaterThanOrEqual(fencing_token as number);
    await Promise.all([again!.close(), admin.close()]);
  },
});

/** A member of staff's socket to the room of a customer. @throws Error when it is refused */
async function openSocket(db: Database, origin: string, username: string): Promise<Client> {
  const [user] = await db.query<Principal>(
    `SELECT id AS "userId", username, email, is_staff AS "isStaff", is_superuser AS "isSuperuser"
     FROM lockstep.app_user WHERE username = $1`,
    [username],
  );
  const { SECURITY } = await loadSettings(db);
  const { token } = await createSession(db, user, { address: "", userAgent: "" }, SECURITY);
  const url = `${origin.replace("http", "ws")}/admin/collaboration/myapp/customer/1/`;
  return await new Client(url, { Cookie: `lockstep_session=${token}` }).opened();
}
