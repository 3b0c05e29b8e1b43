import { expect } from "expect";
import { assertFencing, purgeChat } from "../lib/collab/mod.ts";
import { closeCode, collabLimits, pageRoom, recordRoom } from "../lib/protocol/mod.ts";
import {
  addUsers,
  Client,
  clientFrame,
  HubServer,
  silentClient,
  withCollabTables,
} from "./collab_support.ts";
import { openTestDatabase, type TestDatabase } from "./support/databases.ts";

const room = recordRoom("myapp", "customer", "1");

/** A server over the embedded database, with users 1 to 4. */
function wire(
  name: string,
  more: Parameters<typeof HubServer.start>[1],
  fn: (server: HubServer, database: TestDatabase) => Promise<void>,
) {
  Deno.test(`CollabHub: ${name}`, async () => {
    await using database = await openTestDatabase("pglite");
    await withCollabTables(database.db);
    await addUsers(database.db, "ann", "bob", "cid", "dan");
    await using server = await HubServer.start(database.db, more);
    await fn(server, database);
    expect(server.errors).toEqual([]);
  });
}

wire("user_joined is first one's own, then one for each person present", {}, async (server) => {
  const ann = await server.connect(room, 1);
  const own = await ann.next("user_joined");
  expect(own).toEqual({
    type: "user_joined",
    user_id: 1,
    username: "user1@example.com",
    email: "user1@example.com",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    last_modified: "2026-01-01T00:00:00Z",
    avatar_url: null,
  });
  await ann.next("present_users");
  const bob = await server.connect(room, 2);
  await bob.next("present_users");
  const cid = await server.connect(room, 3);
  const present = await cid.next("present_users");
  expect(cid.frames.map((f) => [f.type, f.user_id])).toEqual([
    ["user_joined", 3],
    ["user_joined", 1],
    ["user_joined", 2],
  ]);
  expect((present.users as { user_id: number }[]).map((u) => u.user_id)).toEqual([1, 2, 3]);
  expect(await ann.next("user_joined")).toMatchObject({ user_id: 2 });
  expect(await ann.next("user_joined")).toMatchObject({ user_id: 3 });
});

wire("user_left reaches everyone when the last tab of a person closes", {}, async (server) => {
  const ann = await server.join(room, 1);
  const [tab, other] = [await server.join(room, 2), await server.join(room, 2)];
  await ann.next("user_joined", (f) => f.user_id === 2);
  await tab.close();
  await ann.settled();
  expect(ann.count("user_left")).toBe(0);
  expect(ann.count("user_joined")).toBe(1);
  await other.close();
  expect(await ann.next("user_left")).toEqual({
    type: "user_left",
    user_id: 2,
    username: "user2@example.com",
  });
});

wire("editor_status answers the asker, and everyone when a claim succeeds", {}, async (server) => {
  const [ann, bob] = [await server.join(room, 1), await server.join(room, 2)];
  ann.send("request_editor_status", { timestamp: new Date().toISOString() });
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: null, editor_name: null });
  ann.send("claim_editor", { timestamp: new Date().toISOString() });
  expect(await ann.next("editor_status")).toMatchObject({
    editor_id: 1,
    editor_name: "user1@example.com",
    fencing_token: 1,
  });
  const seen = await bob.next("editor_status");
  expect(seen).toMatchObject({ editor_id: 1, editor_name: "user1@example.com" });
  expect(seen.fencing_token).toBeUndefined();
  bob.send("request_editor_status");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 1 });
});

wire("claim_denied tells reason and place; three claims count once", {}, async (server) => {
  const ann = await server.edit(room, 1);
  for (let i = 0; i < 3; i++) ann.send("claim_editor");
  for (let i = 0; i < 3; i++) await ann.next("editor_status", (f) => f.fencing_token === 1);
  const bob = await server.join(room, 2);
  const cid = await server.join(room, 3);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({
    reason: "held",
    editor_id: 1,
    position: 1,
    message: "user1@example.com is editing. You are in the queue.",
  });
  cid.send("claim_editor");
  expect(await cid.next("claim_denied")).toMatchObject({ position: 2 });
  expect(await cid.next("queue_position")).toMatchObject({ position: 2, length: 2 });
  bob.send("leave_queue");
  expect(await cid.next("queue_position")).toMatchObject({ position: 1, length: 1 });
  expect(bob.count("editor_status")).toBe(0);
});

wire("a second tab of the editor is a viewer", {}, async (server) => {
  const first = await server.edit(room, 1);
  const second = await server.join(room, 1);
  second.send("request_editor_status");
  expect(await second.next("editor_status")).toMatchObject({ editor_id: 0 });
  second.send("claim_editor");
  expect(await second.next("claim_denied")).toMatchObject({ reason: "held_in_another_tab" });
  await second.close();
  first.send("request_editor_status");
  expect(await first.next("editor_status")).toMatchObject({ editor_id: 1, fencing_token: 1 });
});

wire("content_updated comes from the editor alone", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  ann.send("content_updated", { timestamp: "x" });
  expect(await bob.next("content_updated")).toEqual({
    type: "content_updated",
    user_id: 1,
    username: "user1@example.com",
    timestamp: expect.any(String),
  });
  await ann.next("content_updated");
  bob.send("content_updated");
  expect(await bob.next("error")).toMatchObject({ code: "permission_denied" });
  await ann.settled();
  expect(ann.count("content_updated")).toBe(0);
});

wire("lock_released goes to everyone and the first who waits is promoted", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  ann.send("release_lock");
  expect(await bob.next("lock_released")).toEqual({
    type: "lock_released",
    user_id: 1,
    username: "user1@example.com",
    timestamp: expect.any(String),
  });
  await ann.next("lock_released");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2, fencing_token: 2 });
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 2 });
  await server.join(room, 3).then((cid) => cid.send("release_lock"));
  bob.send("request_editor_status");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2 });
});

wire(
  "a release after content_updated leaves the token valid for the form on its way",
  { options: { submit_grace: 0.2 } },
  async (server, { db }) => {
    const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
    ann.send("content_updated");
    ann.send("release_lock");
    await bob.next("lock_released");
    bob.send("request_editor_status");
    expect(await bob.next("editor_status")).toMatchObject({ editor_id: null });
    bob.send("claim_editor");
    expect(await bob.next("claim_denied")).toMatchObject({ reason: "queued", position: 1 });
    await db.transaction({}, (tx) => assertFencing(tx, room, ann.token, 1));
    expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2, fencing_token: 2 });
    await expect(db.transaction({}, (tx) => assertFencing(tx, room, ann.token, 1))).rejects
      .toMatchObject({ code: "conflict" });
  },
);

wire(
  "attention_requested goes to everyone, once per user and interval",
  { options: { notification_request_interval: 0.3 } },
  async (server) => {
    const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
    const tab = await server.join(room, 2);
    bob.send("request_attention", { timestamp: "x", message: "please" });
    expect(await ann.next("attention_requested")).toEqual({
      type: "attention_requested",
      user_id: 2,
      username: "user2@example.com",
      timestamp: expect.any(String),
      message: "please",
    });
    await bob.next("attention_requested");
    tab.send("request_attention");
    expect(await tab.next("attention_throttled")).toMatchObject({ seconds: 0.3 });
    await ann.settled();
    expect(ann.count("attention_requested")).toBe(0);
    bob.send("request_attention", { message: "x".repeat(501) });
    expect(await bob.next("error")).toMatchObject({ code: "too_long" });
    ann.send("decline_attention", { user_id: 2, message: "not yet" });
    expect(await bob.next("attention_declined")).toMatchObject({ user_id: 1, message: "not yet" });
    await ann.settled();
    expect(ann.count("attention_declined")).toBe(0);
  },
);

wire("hand_over passes lock and draft to who asked", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  const asking = await server.join(room, 2);
  const cid = await server.join(room, 3);
  cid.send("claim_editor");
  await cid.next("claim_denied");
  asking.send("request_attention");
  await asking.next("queue_position");
  ann.send("hand_over", { user_id: 4 });
  expect(await ann.next("error")).toMatchObject({ code: "not_found" });
  ann.send("hand_over", { user_id: 2, draft: { title: "half" } });
  expect(await asking.next("draft_handed_over")).toEqual({
    type: "draft_handed_over",
    user_id: 1,
    username: "user1@example.com",
    draft: { title: "half" },
    fencing_token: 2,
  });
  expect(await asking.next("editor_status", (f) => f.editor_id === 2)).toMatchObject({
    fencing_token: 2,
  });
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 2 });
  expect(await bob.next("editor_status", (f) => f.editor_id === 0)).toBeDefined();
  expect(bob.count("draft_handed_over") + cid.count("draft_handed_over")).toBe(0);
});

wire(
  "force_take_over needs the right and is audited with the token",
  { users: { 3: { canForce: true } } },
  async (server, { db }) => {
    const [ann, bob, cid] = [
      await server.edit(room, 1),
      await server.join(room, 2),
      await server.join(room, 3),
    ];
    bob.send("force_take_over");
    expect(await bob.next("error")).toMatchObject({ code: "permission_denied" });
    cid.send("force_take_over", { reason: "urgent" });
    expect(await ann.next("lock_taken")).toEqual({
      type: "lock_taken",
      user_id: 3,
      username: "user3@example.com",
      reason: "urgent",
    });
    expect(await cid.next("editor_status")).toMatchObject({ editor_id: 3, fencing_token: 2 });
    expect(server.audit).toMatchObject([
      { room, by: { userId: 3 }, from: { userId: 1 }, token: 2, reason: "urgent" },
    ]);
    await expect(db.transaction({}, (tx) => assertFencing(tx, room, ann.token))).rejects
      .toMatchObject({ code: "conflict" });
    await db.transaction({}, (tx) => assertFencing(tx, room, 2, 3));
    await expect(db.transaction({}, (tx) => assertFencing(tx, room, 2, 1))).rejects
      .toMatchObject({ code: "conflict" });
  },
);

Deno.test("CollabHub: a forced take-over that cannot be audited gives no token", async () => {
  await using database = await openTestDatabase("pglite");
  await withCollabTables(database.db);
  await using server = await HubServer.start(database.db, { users: { 2: { canForce: true } } });
  server.auditFails = true;
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("force_take_over");
  expect(await bob.next("error")).toMatchObject({ code: "internal_error" });
  expect(server.errors.length).toBe(1);
  await database.db.transaction({}, (tx) => assertFencing(tx, room, ann.token, 1));
});

wire("field focus, typing and idleness of the editor reach the viewers", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  ann.send("field_focus", { field: "title" });
  expect(await bob.next("field_focus")).toMatchObject({ user_id: 1, field: "title" });
  ann.send("typing", { field: "title" });
  expect(await bob.next("typing")).toMatchObject({ user_id: 1, field: "title" });
  ann.send("activity", { idle: true });
  expect(await bob.next("activity")).toMatchObject({ user_id: 1, idle: true });
  const cid = await server.connect(room, 3);
  const { users } = await cid.next("present_users");
  expect(users).toContainEqual({
    user_id: 1,
    username: "user1@example.com",
    email: "user1@example.com",
    avatar_url: null,
    idle: true,
    field: "title",
  });
});

wire("a viewer's place in the form is nobody's business, and no error", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("field_focus", { field: "x" });
  bob.send("typing", { field: "x" });
  await bob.settled();
  await ann.settled();
  expect([bob.count("error"), ann.count("field_focus"), ann.count("typing")]).toEqual([0, 0, 0]);
});

wire("record_changed goes to all, content_updated not to the editor", {}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  await server.hub.recordsChanged([{
    room,
    change: {
      source: "sync",
      user_id: 4,
      username: "device",
      fields: { title: { old: "a", new: "b" } },
      version: "77",
      deleted: false,
      timestamp: "2026-02-01T00:00:00Z",
    },
  }, { room: recordRoom("a", "b", "9"), change: {} as never }]);
  for (const client of [ann, bob]) {
    expect(await client.next("record_changed")).toMatchObject({
      source: "sync",
      fields: { title: { old: "a", new: "b" } },
    });
  }
  expect(await bob.next("content_updated")).toMatchObject({ user_id: 4 });
  await ann.settled();
  expect(ann.count("content_updated")).toBe(0);
  const cid = await server.connect(room, 3);
  expect(await cid.next("user_joined")).toMatchObject({ last_modified: "2026-02-01T00:00:00Z" });
});

wire("a dropped editor returns within the grace to the same token", {
  options: { grace: 2 },
}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  await ann.close();
  expect(await bob.next("editor_away")).toMatchObject({ user_id: 1, seconds: 2 });
  const back = await server.join(room, 1);
  back.send("request_editor_status");
  expect(await back.next("editor_status")).toMatchObject({ editor_id: null });
  back.send("claim_editor", { fencing_token: ann.token });
  expect(await back.next("editor_status")).toMatchObject({ editor_id: 1, fencing_token: 1 });
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 1 });
  expect(bob.count("user_left")).toBe(0);
});

wire("after the grace the first who waits is promoted, then the editor has left", {
  options: { grace: 0.2 },
}, async (server) => {
  const [ann, bob, cid] = [
    await server.edit(room, 1),
    await server.join(room, 2),
    await server.join(room, 3),
  ];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  await ann.close();
  await cid.next("user_left");
  expect(await cid.next("editor_status", (f) => f.editor_id === 2)).toBeDefined();
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2, fencing_token: 2 });
});

wire("after the grace viewers who did not ask read that the editor left", {
  options: { grace: 0.2 },
}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  await ann.close();
  await bob.next("editor_away");
  bob.send("request_editor_status");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 1, away: true });
  expect(await bob.next("user_left")).toMatchObject({ user_id: 1 });
  bob.send("request_editor_status");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: null });
});

wire("a silent tab keeps its lock while its socket lives", {
  options: { heartbeat_interval: 0.1, stale_after: 0.3, process_beat: 0.1, process_timeout: 0.5 },
}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  ann.send("request_editor_status");
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 1, fencing_token: 1 });
});

wire("canEdit false is told read_only", { users: { 2: { canEdit: false } } }, async (server) => {
  const bob = await server.join(room, 2);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ reason: "read_only", position: null });
});

wire("an editor continues after a restart that lost the memory", {}, async (server, { db }) => {
  await server.edit(room, 1);
  await using next = await HubServer.start(db, { options: { grace: 0.3 } });
  const bob = await next.join(room, 2);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ reason: "returning", editor_id: 1 });
  const ann = await next.join(room, 1);
  ann.send("claim_editor", { fencing_token: 1 });
  expect(await ann.next("editor_status")).toMatchObject({ editor_id: 1, fencing_token: 1 });
  await ann.close();
  const status = await bob.next("editor_status", (f) => f.editor_id === 2);
  expect(status.fencing_token).toBeGreaterThan(1);
});

wire("malformed frames are answered, then the socket is closed", {}, async (server) => {
  const ann = await server.join(room, 1);
  const frames = ["{", "[]", "null", new Uint8Array([1])];
  for (const frame of frames) {
    ann.socket.send(frame);
    expect(await ann.next("error")).toMatchObject({ code: "malformed_json" });
  }
  ann.socket.send('{"type":1}');
  expect((await ann.ended()).code).toBe(closeCode.malformed);
});

wire("a frame that is too large closes the socket", {}, async (server) => {
  const ann = await server.join(room, 1);
  ann.send("x".repeat(collabLimits.frameLength));
  expect((await ann.ended()).code).toBe(closeCode.tooLarge);
});

wire("a flood is answered with errors, then the socket is closed", {}, async (server) => {
  const ann = await server.join(room, 1);
  const allowed = collabLimits.messageBurst + collabLimits.floodTolerance;
  for (let i = 0; i < allowed; i++) ann.send("heartbeat");
  // Frames that cross the close make the client's side end without the code.
  while (ann.socket.readyState === WebSocket.OPEN) {
    ann.send("heartbeat");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ann.ended();
  expect(ann.count("error")).toBeGreaterThan(0);
  expect(server.hub.stats().connections).toBe(0);
});

wire("a half-open editor loses its lock", {
  idleTimeout: 1,
  options: { grace: 0.2 },
}, async (server) => {
  using silent = await silentClient(server.port, room, 1);
  await silent.write(clientFrame({ type: "claim_editor" }));
  const bob = await server.join(room, 2);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ editor_id: 1 });
  await bob.next("editor_away");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2 });
});

wire("a reader who does not keep up is cut off, the others are served", {}, async (server) => {
  const ann = await server.join(room, 1);
  using _silent = await silentClient(server.port, room, 2);
  await ann.next("user_joined", (f) => f.user_id === 2);
  const text = "x".repeat(200_000);
  for (let i = 0; i < 100 && server.hub.stats().connections === 2; i++) {
    await server.hub.recordsChanged([{
      room,
      change: {
        source: "sync",
        user_id: null,
        username: null,
        fields: { notes: { old: text, new: String(i) } },
        version: null,
        deleted: false,
        timestamp: new Date().toISOString(),
      },
    }]);
    await ann.next("record_changed");
  }
  expect(server.hub.stats().connections).toBe(1);
  await ann.next("user_left", (f) => f.user_id === 2);
});

wire("a foreign origin and one that is missing are refused", {}, async (server) => {
  for (const origin of ["https://evil.example", "null"]) {
    const client = new Client(server.url(room, 1), { origin });
    await expect(client.opened()).rejects.toThrow();
  }
});

wire(
  "sessions are checked: signed out, forbidden, and the right to edit withdrawn",
  { options: { session_check_interval: 0.1 } },
  async (server, { db }) => {
    const [ann, bob, cid] = [
      await server.edit(room, 1),
      await server.join(room, 2),
      await server.join(room, 3),
    ];
    server.standing = (who) =>
      who.userId === 1 ? { ...who, canEdit: false } : who.userId === 2 ? "signed_out" : "forbidden";
    expect((await bob.ended()).code).toBe(closeCode.signedOut);
    expect((await cid.ended()).code).toBe(closeCode.forbidden);
    expect(await ann.next("lock_lost")).toMatchObject({ reason: "permission_denied" });
    await expect(db.transaction({}, (tx) => assertFencing(tx, room, ann.token))).rejects
      .toMatchObject({ code: "conflict" });
  },
);

wire("disconnectUser() closes all tabs and frees the lock at once", {}, async (server, { db }) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  await server.hub.disconnectUser(1, "Signed out");
  const { code, reason } = await ann.ended();
  expect([code, reason]).toEqual([closeCode.signedOut, "Signed out"]);
  const status = await bob.next("editor_status", (f) => f.editor_id === 2);
  await db.transaction({}, (tx) => assertFencing(tx, room, status.fencing_token as number, 2));
  expect(server.hub.disconnectWhere((who, at) => who.userId === 2 && at === room)).toBe(1);
  expect((await bob.ended()).code).toBe(closeCode.forbidden);
});

const page = pageRoom("/admin/myapp/customer/1/change/");

wire("chat: active_users, user_joined, user_left", {}, async (server) => {
  expect(page).toBe("page:admin_myapp_customer_1_change_");
  const ann = await server.connect(page, 1);
  expect(await ann.next("active_users")).toEqual({ type: "active_users", users: [] });
  const bob = await server.connect(page, 2);
  expect(await bob.next("active_users")).toEqual({
    type: "active_users",
    users: [{
      user_id: 1,
      username: "user1@example.com",
      email: "user1@example.com",
      avatar_url: null,
      last_seen: expect.any(String),
    }],
  });
  expect(await ann.next("user_joined")).toEqual({
    type: "user_joined",
    user_id: 2,
    username: "user2@example.com",
    email: "user2@example.com",
    avatar_url: null,
    timestamp: expect.any(String),
  });
  await bob.close();
  expect(await ann.next("user_left")).toEqual({
    type: "user_left",
    user_id: 2,
    username: "user2@example.com",
    email: "user2@example.com",
  });
});

wire("chat_message reaches all tabs of sender and recipient alone", {}, async (server) => {
  const [ann, annTab, bob, bobTab, cid] = [
    await server.join(page, 1),
    await server.join(page, 1),
    await server.join(page, 2),
    await server.join(page, 2),
    await server.join(page, 3),
  ];
  const elsewhere = await server.join("page:other", 2);
  ann.send("chat_message", { recipient_id: 2, message: "hello", client_id: "m1" });
  for (const client of [ann, annTab, bob, bobTab]) {
    expect(await client.next("chat_message")).toEqual({
      type: "chat_message",
      sender_id: 1,
      sender_name: "user1@example.com",
      sender_email: "user1@example.com",
      sender_avatar: null,
      recipient_id: 2,
      message: "hello",
      timestamp: expect.any(String),
      id: 1,
      client_id: "m1",
      recipient_online: true,
    });
  }
  expect(await elsewhere.next("chat_notice")).toMatchObject({ sender_id: 1 });
  bob.send("typing", { recipient_id: 1 });
  expect(await ann.next("typing")).toEqual({ type: "typing", user_id: 2 });
  await cid.settled();
  expect(cid.frames.map((f) => f.type)).not.toContain("chat_message");
});

wire("chat is kept for who is offline, counted, read and purged", {}, async (server, { db }) => {
  const ann = await server.join(page, 1);
  for (const message of ["one", "two"]) {
    ann.send("chat_message", { recipient_id: 2, message });
    expect(await ann.next("chat_message")).toMatchObject({ recipient_online: false });
  }
  const bob = await server.join(page, 2);
  expect(await bob.next("unread_counts")).toMatchObject({ counts: [{ user_id: 1, count: 2 }] });
  bob.send("chat_history", { user_id: 1 });
  const history = await bob.next("chat_history");
  expect(history).toMatchObject({
    user_id: 1,
    has_more: false,
    messages: [{ message: "one", read_at: null }, { message: "two" }],
  });
  bob.send("chat_history", { user_id: 1, before: 2 });
  expect(await bob.next("chat_history")).toMatchObject({ messages: [{ message: "one" }] });
  bob.send("mark_read", { user_id: 1, up_to: 1 });
  expect(await ann.next("messages_read")).toMatchObject({ reader_id: 2, up_to: 1 });
  expect(await bob.next("unread_counts")).toMatchObject({ counts: [{ user_id: 1, count: 1 }] });
  await db.query(
    "UPDATE lockstep.chat_message SET sent_at = now() - interval '31 days' WHERE id = 1",
  );
  expect(await purgeChat(db, 30)).toBe(1);
});

wire("chat refuses long, empty, self-addressed and lost messages", {}, async (server) => {
  const ann = await server.join(page, 1);
  const refusals = [
    [{ recipient_id: 2, message: "x".repeat(4_001) }, "too_long"],
    [{ recipient_id: 2, message: "  " }, "required"],
    [{ recipient_id: 2, message: "a\0" }, "invalid_value"],
    [{ recipient_id: 1, message: "me" }, "invalid_value"],
    [{ recipient_id: "2", message: "x" }, "invalid_value"],
    [{ recipient_id: 99, message: "x" }, "not_found"],
  ] as const;
  for (const [message, code] of refusals) {
    ann.send("chat_message", message);
    expect(await ann.next("error")).toMatchObject({ code });
  }
  ann.send("chat_message", { recipient_id: 2, message: "😀".repeat(4_000) });
  await ann.next("chat_message");
  for (let i = 0; i < 20; i++) ann.send("chat_message", { recipient_id: 2, message: "again" });
  expect(await ann.next("error")).toMatchObject({ code: "too_many_requests" });
});

wire("enable_chat false closes the socket", { options: { enable_chat: false } }, async (server) => {
  const ann = new Client(server.url(page, 1));
  expect((await ann.ended()).code).toBe(closeCode.chatDisabled);
});
