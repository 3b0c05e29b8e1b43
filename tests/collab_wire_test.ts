/** Who is in a record's room and what they hear there; locks have a file of their own. @module */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { assertFencing } from "../lib/collab/mod.ts";
import { closeCode, collabLimits, recordRoom } from "../lib/protocol/mod.ts";
import { Client, silentClient, wire } from "./collab_support.ts";
import { until } from "./support/until.ts";

const room = recordRoom("myapp", "customer", "1");

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

wire(
  "attention_requested goes to everyone, once per user and interval",
  { options: { notification_request_interval: 60 } },
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
    await bob.next("queue_position");
    bob.send("leave_queue");
    await new Promise((done) => setTimeout(done, 1_100));
    tab.send("request_attention");
    const seconds = Number((await tab.next("attention_throttled")).seconds);
    expect([seconds > 50, seconds < 60]).toEqual([true, true]);
    // It is not called out again, but the place in the queue is had.
    expect(await tab.next("queue_position")).toMatchObject({ position: 1 });
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
    await delay(5);
  }
  await ann.ended();
  expect(ann.count("error")).toBeGreaterThan(0);
  await until(() => Promise.resolve(server.hub.stats().connections === 0));
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
