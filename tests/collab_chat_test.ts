import { expect } from "expect";
import { purgeChat } from "../lib/collab/mod.ts";
import { closeCode, pageRoom } from "../lib/protocol/mod.ts";
import { Client, wire } from "./collab_support.ts";

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
  for (let i = 0; i < 40; i++) ann.send("chat_message", { recipient_id: 2, message: "again" });
  expect(await ann.next("error")).toMatchObject({ code: "too_many_requests" });
});

wire("enable_chat false closes the socket", { options: { enable_chat: false } }, async (server) => {
  const ann = new Client(server.url(page, 1));
  expect((await ann.ended()).code).toBe(closeCode.chatDisabled);
});
