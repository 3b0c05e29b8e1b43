import { expect } from "expect";
import { closeCode } from "../lib/protocol/mod.ts";
import { chatPath, page, serveDemo, socketPath, userId } from "./collab_demo_support.ts";
import { saveSetting } from "./support/settings.ts";
import { until } from "./support/until.ts";

Deno.test("texts and options of the settings reach the page and the sockets without a restart", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  const talking = await sam.open(chatPath);
  await talking.next("active_users");
  const told = { EDITOR_MODE_TEXT: "It is your turn now.", ENABLE_CHAT: false };
  for (const [key, value] of Object.entries(told)) {
    await saveSetting(site.db, "COLLABORATION", key, value);
  }
  expect((await talking.ended()).code).toBe(closeCode.chatDisabled);
  const { text } = await sam.get(page);
  expect(text).toContain("It is your turn now.");
  expect(text).not.toContain("/admin/collaboration/chat/");
});

Deno.test("limits of the settings hold: length and rate of chat, size and rate of frames, attention", async () => {
  await using site = await serveDemo();
  const [sam, ada] = [await site.person("sam_staff"), await site.person("admin")];
  const recipient_id = await userId(site.db, "admin");
  const set = async (section: string, settings: Record<string, number>) => {
    for (const [key, value] of Object.entries(settings)) {
      await saveSetting(site.db, section, key, value);
    }
  };
  const early = await sam.open(chatPath);
  await set("COLLABORATION", {
    MAX_MESSAGE_BYTES: 1024,
    MAX_MESSAGES_PER_SECOND: 1,
    NOTIFICATION_REQUEST_INTERVAL: 77,
  });
  await set("CHAT", { MESSAGES_PER_MINUTE: 2, MAX_MESSAGE_LENGTH: 5 });
  const { settings } = site.app.running.services;
  await until(async () => (await settings.current()).CHAT.MAX_MESSAGE_LENGTH === 5);
  await until(async () => {
    early.send("chat_message", { recipient_id, message: "123456" });
    await early.settled();
    return early.frames.some((f) => f.code === "too_long" && `${f.message}`.includes("5 char"));
  });
  await early.close();

  // A length is one of characters, not of UTF-16 units.
  const talking = await ada.open(chatPath);
  const id = await userId(site.db, "sam_staff");
  for (let i = 0; i < 3; i++) {
    talking.send("chat_message", { recipient_id: id, message: "😀😀😀😀😀" });
  }
  await talking.next("error", (f) => f.code === "too_many_requests");
  await until(() => talking.count("chat_message") >= 2);
  expect(talking.count("chat_message")).toBe(2);
  talking.socket.send(JSON.stringify({ type: "heartbeat", more: "x".repeat(1024) }));
  expect((await talking.ended()).code).toBe(closeCode.tooLarge);

  const viewer = await ada.open(socketPath);
  for (let i = 0; i < 2; i++) viewer.send("request_attention");
  const seconds = Number((await viewer.next("attention_throttled")).seconds);
  expect([seconds > 60, seconds <= 77]).toEqual([true, true]);
  for (let i = 0; i < 80; i++) viewer.send("heartbeat");
  const dropped = await viewer.next("error", (f) => f.code === "too_many_requests");
  expect(dropped.message).toContain("At most 1 messages per second");
  await viewer.close();
});
