import { clientMessage, collabLimits, serverMessage } from "../protocol/mod.ts";
import type { ClientMessage, Connection } from "./connection.ts";
import type { ChatRow } from "./chat_archive.ts";
import type { Person } from "./events.ts";
import { Room } from "./room.ts";
import { nameOf } from "./store.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The chat of a page: two people at a time, each message for these two alone. */
export class ChatRoom extends Room {
  #buckets = new Map<number, TokenBucket>();

  async receive(connection: Connection, message: ClientMessage): Promise<void> {
    switch (message.type) {
      case clientMessage.chatMessage:
        return await this.#say(connection, message);
      case clientMessage.chatHistory:
        return await this.#history(connection, message);
      case clientMessage.markRead:
        return await this.#markRead(connection, message);
      case clientMessage.typing:
        return await this.#typing(connection, message);
      case clientMessage.activity:
        return await this.activity(connection, message);
      case clientMessage.heartbeat:
        return;
      default:
        connection.refuse("bad_request", "This message type is unknown in a chat.");
    }
  }

  protected async greet(connection: Connection): Promise<void> {
    const { userId } = connection.identity;
    const counts = await this.context.chat.unread(this.name, userId);
    connection.send({ type: serverMessage.unreadCounts, counts });
  }

  protected introduce(connection: Connection): void {
    const users = [...this.people.values()]
      .filter((person) => person.userId !== connection.identity.userId)
      .map((person) => ({
        user_id: person.userId,
        username: nameOf(person),
        email: person.email,
        avatar_url: person.avatarUrl,
        last_seen: person.joinedAt,
      }));
    connection.send({ type: serverMessage.activeUsers, users });
  }

  protected joinedFrame(person: Person): string {
    return JSON.stringify({
      type: serverMessage.userJoined,
      user_id: person.userId,
      username: nameOf(person),
      email: person.email,
      avatar_url: person.avatarUrl,
      timestamp: person.joinedAt,
    });
  }

  protected leftFrame(person: Person): string {
    return JSON.stringify({
      type: serverMessage.userLeft,
      user_id: person.userId,
      username: nameOf(person),
      email: person.email,
    });
  }

  protected left(connection: Connection): Promise<void> {
    const { userId } = connection.identity;
    const others = [...this.connections.values()].some((c) => c.identity.userId === userId);
    if (!others) this.#buckets.delete(userId);
    return Promise.resolve();
  }

  async #say(connection: Connection, message: ClientMessage): Promise<void> {
    const { identity } = connection;
    const { recipient_id: recipient, message: text } = message;
    if (!isUserId(recipient) || recipient === identity.userId) {
      return connection.refuse("invalid_value", "`recipient_id` must be the id of another user.");
    }
    if (typeof text !== "string" || text.trim() === "") {
      return connection.refuse("required", "`message` must be a text that is not empty.");
    }
    const { chat_length: longest } = this.context.options;
    if ([...text].length > longest) {
      return connection.refuse(
        "too_long",
        `A chat message has at most ${longest} characters; send it in parts.`,
      );
    }
    if (text.includes("\0")) {
      return connection.refuse("invalid_value", "`message` must not contain the character U+0000.");
    }
    if (!this.#bucket(identity.userId).take()) {
      return connection.refuse(
        "too_many_requests",
        "You are writing too fast; this message was not sent. Wait a few seconds.",
      );
    }
    const row = await this.context.chat.store(this.name, identity.userId, recipient, text);
    if (!row) return connection.refuse("not_found", `There is no active user ${recipient}.`);
    const name = nameOf(identity);
    const said = {
      type: serverMessage.chatMessage,
      sender_id: identity.userId,
      sender_name: name,
      sender_email: identity.email,
      sender_avatar: identity.avatarUrl,
      recipient_id: recipient,
      message: text,
      timestamp: row.sent_at.toISOString(),
      id: row.id,
      client_id: typeof message.client_id === "string" ? message.client_id.slice(0, 100) : null,
      recipient_online: this.people.has(recipient),
    };
    const frame = JSON.stringify(said);
    const elsewhere = JSON.stringify({
      type: serverMessage.chatNotice,
      page: this.name.slice("page:".length),
      sender_id: identity.userId,
      sender_name: name,
      timestamp: said.timestamp,
    });
    await Promise.all([
      this.context.tell(identity.userId, { kind: "chat", page: this.name, frame }),
      this.context.tell(recipient, { kind: "chat", page: this.name, frame, elsewhere }),
    ]);
  }

  async #history(connection: Connection, message: ClientMessage): Promise<void> {
    const { user_id: other, before } = message;
    if (!isUserId(other)) {
      return connection.refuse("invalid_value", "`user_id` must be the id of a user.");
    }
    const limit = collabLimits.historyPage;
    const rows = await this.context.chat.history(
      this.name,
      connection.identity.userId,
      other,
      limit + 1,
      Number.isSafeInteger(before) ? before as number : undefined,
    );
    connection.send({
      type: serverMessage.chatHistory,
      user_id: other,
      messages: rows.slice(-limit).map(wireRow),
      has_more: rows.length > limit,
    });
  }

  async #markRead(connection: Connection, message: ClientMessage): Promise<void> {
    const { user_id: sender, up_to: upTo } = message;
    if (!isUserId(sender) || !Number.isSafeInteger(upTo)) {
      return connection.refuse(
        "invalid_value",
        "`user_id` must be the id of a user and `up_to` the id of a message.",
      );
    }
    const { userId } = connection.identity;
    const marked = await this.context.chat.markRead(this.name, userId, sender, upTo as number);
    if (marked === 0) return;
    const page = this.name;
    const counts = await this.context.chat.unread(page, userId);
    const read = {
      type: serverMessage.messagesRead,
      reader_id: userId,
      up_to: upTo,
      timestamp: new Date().toISOString(),
    };
    const unread = { type: serverMessage.unreadCounts, counts };
    await Promise.all([
      this.context.tell(sender, { kind: "chat", page, frame: JSON.stringify(read) }),
      this.context.tell(userId, { kind: "chat", page, frame: JSON.stringify(unread) }),
    ]);
  }

  async #typing(connection: Connection, message: ClientMessage): Promise<void> {
    if (!isUserId(message.recipient_id)) {
      return connection.refuse("invalid_value", "`recipient_id` must be the id of a user.");
    }
    const { userId } = connection.identity;
    const frame = JSON.stringify({ type: serverMessage.typing, user_id: userId });
    await this.context.tell(message.recipient_id, { kind: "chat", page: this.name, frame });
  }

  /** Counts for the person, not for each tab. */
  #bucket(userId: number): TokenBucket {
    const { chat_per_minute: perMinute } = this.context.options;
    const bucket = this.#buckets.get(userId) ??
      new TokenBucket(perMinute / 60, Math.min(perMinute, collabLimits.chatBurst));
    this.#buckets.set(userId, bucket);
    return bucket;
  }
}

function isUserId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 2_147_483_647;
}

function wireRow(row: ChatRow) {
  return {
    id: row.id,
    sender_id: row.sender_id,
    recipient_id: row.recipient_id,
    message: row.message,
    timestamp: row.sent_at.toISOString(),
    read_at: row.read_at?.toISOString() ?? null,
  };
}
