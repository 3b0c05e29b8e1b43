import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { chatPath, cityOf, formOf, page, socketPath, userId } from "./collab_demo_support.ts";
import { Client, type Frame } from "./collab_support.ts";
import { openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { saveSetting } from "./support/settings.ts";

/** Somebody with a session on one of the server processes. */
class Person {
  readonly #origin: string;
  cookie = "";

  constructor(origin: string) {
    this.#origin = origin;
  }

  async signIn(username: string): Promise<this> {
    const response = await this.post("/login", { username, password: demoPassword });
    this.cookie = response.headers.getSetCookie()[0].split(";")[0];
    return this;
  }

  async post(path: string, form: Record<string, string>): Promise<Response> {
    const response = await fetch(this.#origin + path, {
      method: "POST",
      redirect: "manual",
      headers: { "Sec-Fetch-Site": "same-origin", Cookie: this.cookie },
      body: new URLSearchParams(form),
    });
    await response.body?.cancel();
    return response;
  }

  async join(path: string): Promise<Client> {
    const client = new Client(this.#origin.replace("http", "ws") + path, { Cookie: this.cookie });
    return await client.opened();
  }
}

Deno.test({
  name:
    "two server processes: one room, one chat, one editor; a paused one's editor cannot overwrite",
  ignore: !hasRedis,
  async fn() {
    await using database = await openTestDatabase("postgres");
    const { db } = database;
    await loadDemo(db);
    const short = { HEARTBEAT_SECONDS: 1, LEASE_SECONDS: 5, GRACE_SECONDS: 1 };
    for (const [key, value] of Object.entries(short)) {
      await saveSetting(db, "COLLABORATION", key, value);
    }
    await using redis = await startRedis();
    const env = { DATABASE_URL: database.url!, REDIS_URL: redis.url };
    const servers = await Promise.all([ServerProcess.start(env), ServerProcess.start(env)]);
    await using one = servers[0];
    await using two = servers[1];
    const [sam, ada] = await Promise.all([
      new Person(one.origin).signIn("sam_staff"),
      new Person(two.origin).signIn("admin"),
    ]);
    const editor = await sam.join(socketPath);
    editor.send("claim_editor");
    const granted = await editor.next("editor_status", (f) => f.editor_id !== null, 20_000);
    let token = granted.fencing_token as number;
    // The other spelling of the address is the same room.
    const viewer = await ada.join(socketPath.toLowerCase());
    await viewer.next("user_joined", (f) => f.user_id === granted.editor_id, 20_000);
    viewer.send("claim_editor");
    expect(await viewer.next("claim_denied")).toMatchObject({ editor_id: granted.editor_id });

    // A save over one process is told to those who look over the other.
    expect((await sam.post(page, await formOf(db, "first", token))).status).toBe(303);
    expect(await viewer.next("record_changed", undefined, 20_000)).toMatchObject({
      source: "save",
      username: "sam_staff@example.com",
      fields: { city: { new: "first" } },
    });
    // So is what nobody's process saved; once, though both notice it.
    await db.query("UPDATE myapp.customer SET city = 'by hand' WHERE id = 1");
    await viewer.next("record_changed", (f) => f.user_id === null, 20_000);
    await editor.next("record_changed", (f) => f.user_id === null, 20_000);

    const [left, right] = [await sam.join(chatPath), await ada.join(chatPath)];
    await left.next("user_joined", undefined, 20_000);
    left.send("chat_message", {
      recipient_id: await userId(db, "admin"),
      message: "Across processes",
    });
    expect(await right.next("chat_message", undefined, 20_000))
      .toMatchObject({ message: "Across processes" });

    // Asking for the lock, and taking it by force.
    viewer.send("request_attention", { message: "On the phone" });
    expect(await editor.next("attention_requested", undefined, 20_000))
      .toMatchObject({ username: "admin@example.com", message: "On the phone" });
    viewer.send("force_take_over", { reason: "Urgent" });
    const forced = await viewer.next("editor_status", (f) => f.fencing_token !== undefined);
    expect(forced.fencing_token).toBeGreaterThan(token);
    expect(await editor.next("lock_taken", undefined, 20_000))
      .toMatchObject({ username: "admin@example.com", reason: "Urgent" });
    expect((await sam.post(page, await formOf(db, "after the loss", token))).status).toBe(409);
    viewer.send("release_lock");
    await editor.next("lock_released", undefined, 20_000);
    editor.send("claim_editor");
    const newer = (than: unknown) => (f: Frame) => (f.fencing_token as number) > (than as number);
    const again = await editor.next("editor_status", newer(forced.fencing_token), 20_000);
    token = again.fencing_token as number;
    viewer.send("claim_editor");
    await viewer.next("claim_denied");

    const stale = await formOf(db, "overwritten", token);
    one.signal("SIGSTOP");
    let promoted;
    try {
      promoted = await viewer.next("editor_status", newer(token), 30_000);
    } finally {
      one.signal("SIGCONT");
    }
    const successor = await formOf(db, "successor", promoted.fencing_token as number);
    expect((await ada.post(page, successor)).status).toBe(303);
    // By its version alone the form would be refused too; by the token even with a fresh one.
    expect((await sam.post(page, stale)).status).toBe(409);
    expect((await sam.post(page, await formOf(db, "overwritten", token))).status).toBe(409);
    expect((await sam.post(page, await formOf(db, "overwritten"))).status).toBe(409);
    expect(await cityOf(db)).toBe("successor");
    await editor.next("lock_lost", undefined, 20_000);
    expect(viewer.count("record_changed")).toBeLessThanOrEqual(1);
    await Promise.all([editor, viewer, left, right].map((client) => client.close()));
  },
});
