import { expect } from "expect";
import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { ServerProcess } from "../bench/server_process.ts";
import { type Database, saveSetting } from "../lib/db/mod.ts";
import { closeCode } from "../lib/protocol/mod.ts";
import { createApp } from "../main.ts";
import { Client } from "./collab_support.ts";
import { openDemoApp, visitor } from "./pages_support.ts";
import { openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";

const record = "/myapp/Customer/1/";
const page = `/admin/records${record}change/`;

/** What a form that shows the record now sends. */
async function formOf(db: Database, city: string, token?: number) {
  const [row] = await db.query<{ version: string; city: string | null }>(
    "SELECT xmin::text AS version, city FROM myapp.customer WHERE id = 1",
  );
  return {
    version: row.version,
    base: JSON.stringify({ city: row.city }),
    "v.city": city,
    ...(token === undefined ? {} : { fencing_token: String(token) }),
  };
}

const cityOf = async (db: Database) =>
  (await db.query<{ city: string }>("SELECT city FROM myapp.customer WHERE id = 1"))[0].city;

const socketPath = `/admin/collaboration${record}`;

/** The application on a port, and people signed in to it who can open sockets. */
async function serveDemo() {
  const app = await openDemoApp();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    createApp(app.running.services).handler(),
  );
  const address = `ws://127.0.0.1:${server.addr.port}`;
  return {
    app,
    db: app.db,
    async person(username: string) {
      const person = visitor(app);
      await person.signIn(username);
      const cookie = () => [...person.cookies].map((pair) => pair.join("=")).join("; ");
      return {
        async post(path: string, form: Record<string, string>) {
          const response = await person.post(path, form);
          return { status: response.status, text: await response.text() };
        },
        async get(path: string) {
          const response = await person.get(path);
          return { status: response.status, text: await response.text() };
        },
        async open(path: string) {
          return await new Client(address + path, { Cookie: cookie() }).opened();
        },
        /** A tab that holds the lock. */
        async edit() {
          const tab = await this.open(socketPath);
          tab.send("claim_editor");
          const status = await tab.next("editor_status", (f) => f.fencing_token !== undefined);
          return { tab, token: status.fencing_token as number };
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await app[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a record is saved, deleted and reverted only with the lock, or while nobody else has it", async () => {
  await using site = await serveDemo();
  const { db } = site;
  const [sam, ada] = [await site.person("sam_staff"), await site.person("admin")];
  const save = async (city: string, token?: number) =>
    await sam.post(page, await formOf(db, city, token));

  expect((await save("free")).status).toBe(303);
  const held = await ada.edit();
  const refused = await save("while held");
  expect(refused.status).toBe(409);
  expect(refused.text).toContain("admin@example.com is editing this record");
  expect(refused.text).toContain("while held");
  expect((await save("with a token of before", held.token - 1)).status).toBe(409);
  expect((await save("with the token of another", held.token)).status).toBe(409);
  expect((await save("with no token", NaN)).status).toBe(409);
  const { version } = await formOf(db, "");
  const deleted = await sam.post(`/admin/records${record}delete/`, { version });
  expect([deleted.status, deleted.text.includes("is editing this record")]).toEqual([409, true]);
  const [{ id }] = await db.query<{ id: number }>(
    "SELECT max(id) AS id FROM lockstep.audit_event WHERE model = 'myapp.Customer'",
  );
  const reverted = await sam.post(`/admin/records${record}history/`, { revert: String(id) });
  expect([reverted.status, reverted.text.includes("is editing this record")]).toEqual([409, true]);
  expect(await cityOf(db)).toBe("free");

  held.tab.send("release_lock");
  await held.tab.next("lock_released");
  expect((await save("released")).status).toBe(303);
  const own = await sam.edit();
  expect((await save("of before", held.token)).status).toBe(409);
  expect((await save("own token", own.token)).status).toBe(303);
  expect((await save("own lock in another tab")).status).toBe(303);
  await Promise.all([own.tab.close(), held.tab.close()]);
});

Deno.test("a holder of whom the store knows nothing any more keeps nobody from saving", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  await site.db.query(
    `INSERT INTO lockstep.edit_lock (room, fencing_token, holder_id, holder_name)
    SELECT 'record:myapp/Customer/1', 7, id, email FROM lockstep.app_user
    WHERE username = 'admin'`,
  );
  expect((await sam.post(page, await formOf(site.db, "lapsed"))).status).toBe(303);
});

Deno.test("texts and options of the settings reach the page and the sockets without a restart", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  const chat = "/admin/collaboration/chat/admin_records_myapp_Customer_1_change_/";
  const talking = await sam.open(chat);
  await talking.next("active_users");
  const told = { EDITOR_MODE_TEXT: "It is your turn now.", ENABLE_CHAT: false };
  for (const [key, value] of Object.entries(told)) {
    await saveSetting(site.db, "COLLABORATION", key, value);
  }
  expect((await talking.closed).code).toBe(closeCode.chatDisabled);
  const { text } = await sam.get(page);
  expect(text).toContain("It is your turn now.");
  expect(text).not.toContain("/admin/collaboration/chat/");
});

Deno.test("a push to a record that somebody has open is told to that page with the values", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  const { tab } = await sam.edit();
  const [customer] = await site.db.query<{ name: string; slug: string; username: string }>(
    `SELECT c.name, o.slug, u.username FROM myapp.customer c
    JOIN lockstep.organization o ON o.id = c.organization_id
    JOIN lockstep.user_organization m ON m.organization_id = o.id
    JOIN lockstep.app_user u ON u.id = m.user_id
    JOIN lockstep.model_permission p ON p.organization_id = o.id AND p.group_id = m.group_id
    WHERE c.id = 1 AND p.model_name = 'myapp.Customer' AND p.can_push AND p.filters IS NULL
    LIMIT 1`,
  );
  await site.db.query("DELETE FROM lockstep.data_filter");
  const token = await site.app.token(customer.username, demoPassword, customer.slug);
  const pushed = await site.app.fetch("/api/sync/push/", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      data: [{ _model: "myapp.Customer", id: 1, name: customer.name, city: "By a device" }],
    }),
  });
  expect([pushed.status, (await pushed.json()).errors ?? []]).toEqual([200, []]);
  expect(await tab.next("record_changed", undefined, 20_000)).toMatchObject({
    deleted: false,
    fields: { city: { new: "By a device" } },
  });
  await tab.close();
});

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
    const token = granted.fencing_token as number;
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

    const chat = "/admin/collaboration/chat/admin_records_myapp_Customer_1_change_/";
    const [left, right] = [await sam.join(chat), await ada.join(chat)];
    await left.next("user_joined", undefined, 20_000);
    left.send("chat_message", {
      recipient_id: await viewerId(db),
      message: "Across processes",
    });
    expect(await right.next("chat_message", undefined, 20_000))
      .toMatchObject({ message: "Across processes" });

    const stale = await formOf(db, "overwritten", token);
    one.signal("SIGSTOP");
    let promoted;
    try {
      promoted = await viewer.next("editor_status", (f) => f.fencing_token !== undefined, 30_000);
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

async function viewerId(db: Database): Promise<number> {
  const [{ id }] = await db.query<{ id: number }>(
    "SELECT id FROM lockstep.app_user WHERE username = 'admin'",
  );
  return id;
}
