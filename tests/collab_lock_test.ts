/** Who edits a record: claims, the queue, hand-over, take-over, and editors that come back. @module */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { assertFencing } from "../lib/collab/mod.ts";
import { closeCode, recordRoom } from "../lib/protocol/mod.ts";
import { clientFrame, HubServer, silentClient, wire, withCollabTables } from "./collab_support.ts";
import { openTestDatabase } from "./support/databases.ts";

const room = recordRoom("myapp", "customer", "1");

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
  { options: { submit_grace: 3 } },
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

wire("a dropped editor returns within the grace to the same token", {
  options: { grace: 60 },
}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  await ann.close();
  expect(await bob.next("editor_away")).toMatchObject({ user_id: 1, seconds: 60 });
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
  options: { grace: 3 },
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
  options: { heartbeat_interval: 0.1, stale_after: 3, process_beat: 0.1, process_timeout: 30 },
}, async (server) => {
  const [ann, bob] = [await server.edit(room, 1), await server.join(room, 2)];
  bob.send("claim_editor");
  await bob.next("claim_denied");
  // Past the end of the lease that it was given first.
  await delay(4_000);
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
  await using next = await HubServer.start(db, { options: { grace: 4 } });
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

wire("a half-open editor loses its lock", {
  idleTimeout: 5,
  options: { grace: 0.2 },
}, async (server) => {
  const bob = await server.join(room, 2);
  using silent = await silentClient(server.port, room, 1);
  await silent.write(clientFrame({ type: "claim_editor" }));
  await bob.next("editor_status", (f) => f.editor_id === 1);
  bob.send("claim_editor");
  expect(await bob.next("claim_denied")).toMatchObject({ editor_id: 1 });
  await bob.next("editor_away");
  expect(await bob.next("editor_status")).toMatchObject({ editor_id: 2 });
});

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
