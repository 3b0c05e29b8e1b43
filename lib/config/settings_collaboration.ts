import { z } from "zod";
import { text, wholeNumber } from "./setting_types.ts";

const words = (value: string) => text(500, 1).default(value);

/** Texts and times of editing together; the texts are those of `ADMIN_COLLABORATOR_OPTIONS`. */
export const collaboration = z.strictObject({
  EDITOR_MODE_TEXT: words("You are in editor mode."),
  VIEWER_MODE_TEXT: words(
    "This page is being edited by {editor_name}. You cannot make changes until they leave.",
  ).describe("{editor_name} stands for the editor."),
  CLAIMING_EDITOR_TEXT: words(
    "The editor has left. The page will refresh shortly to allow editing.",
  ),
  AVATAR_FIELD: z.literal("avatar_url").nullable().default(null).describe(
    "avatar_url shows the users' pictures, null their initials.",
  ),
  NOTIFICATION_REQUEST_INTERVAL: wholeNumber(1, 3600).default(15).describe(
    "Least seconds between two attention requests of one user in one room.",
  ),
  NOTIFICATION_MESSAGE: words("User {username} is requesting the editors attention.")
    .describe("{username} stands for who asks."),
  NOTIFICATION_BUTTON_TEXT: words("Request Editor Attention"),
  NOTIFICATION_REQUEST_SENT_TEXT: words("Request sent."),
  ENABLE_CHAT: z.boolean().default(true),
  CHAT_USER_LIST_TITLE: words("Online Users"),
  CHAT_EMPTY_STATE_TEXT: words("No other users online"),
  CHAT_START_CONVERSATION_TEXT: words("No messages yet. Start the conversation!"),
  CHAT_INPUT_PLACEHOLDER: words("Type a message..."),
  CHAT_ONLINE_STATUS_TEXT: words("Online"),
  HEARTBEAT_SECONDS: wholeNumber(1, 300).default(15).describe(
    "Time between two beats of an editor. Takes effect at the next start.",
  ),
  LEASE_SECONDS: wholeNumber(5, 3600).default(120).describe(
    "How long a lock lasts after the last beat. Takes effect at the next start.",
  ),
  GRACE_SECONDS: wholeNumber(0, 600).default(15).describe(
    "How long a dropped editor's place is kept. Takes effect at the next start.",
  ),
  IDLE_SECONDS: wholeNumber(10, 86_400).default(300).describe(
    "Inactivity after which a person is shown as idle.",
  ),
  MAX_MESSAGE_BYTES: wholeNumber(1024, 1_048_576).default(65_536).describe(
    "Longest message that a socket may send.",
  ),
  MAX_MESSAGES_PER_SECOND: wholeNumber(1, 1000).default(20).describe(
    "Messages that one socket may send per second in the long run; 60 at once are taken.",
  ),
  MAX_BACKLOG_BYTES: wholeNumber(65_536, 67_108_864).default(1_048_576).describe(
    "Unsent bytes at which a socket that does not read is closed.",
  ),
}).refine((value) => value.LEASE_SECONDS >= 2 * value.HEARTBEAT_SECONDS, {
  path: ["LEASE_SECONDS"],
  message:
    "LEASE_SECONDS must be at least twice HEARTBEAT_SECONDS, so that one lost beat loses no lock.",
});

export const chat = z.strictObject({
  RETENTION_DAYS: wholeNumber(1, 3650).default(30).describe("How long messages are kept."),
  MAX_MESSAGE_LENGTH: wholeNumber(1, 20_000).default(2000).describe("Characters of a message."),
  MESSAGES_PER_MINUTE: wholeNumber(1, 1000).default(30).describe(
    "Messages that a person may send on a page in a minute.",
  ),
});
