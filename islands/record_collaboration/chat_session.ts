import { signal } from "@preact/signals";
import { clientMessage, type CollabPage, serverMessage } from "../../lib/protocol/mod.ts";
import { type Frame, RoomSocket } from "./room_socket.ts";

/** Somebody to talk to on this page. */
export interface Contact {
  id: number;
  name: string;
  avatarUrl: string | null;
  online: boolean;
  unread: number;
}

export interface ChatMessage {
  /** Absent until the server has it. */
  id?: number;
  /** Made by this page for what it sends. */
  clientId?: string;
  own: boolean;
  text: string;
  at: string;
  read: boolean;
  failed?: string;
}

interface Conversation {
  messages: ChatMessage[];
  hasMore: boolean;
}

const typingShown = 4_000;
const typingEvery = 2_000;
/** After which a message that the server did not acknowledge counts as not sent. */
const acknowledged = 10_000;

/** The chat of a page: who is there, and what is said to and by whom. */
export class ChatSession {
  readonly contacts = signal<Contact[]>([]);
  readonly conversation = signal<Conversation>({ messages: [], hasMore: false });
  /** With whom the person talks; null shows the list. */
  readonly open = signal<number | null>(null);
  /** Whether the panel is unfolded. */
  readonly shown = signal(false);
  readonly connected = signal(false);
  readonly typing = signal<number | null>(null);
  readonly notice = signal("");
  readonly page: CollabPage;
  #socket: RoomSocket | undefined;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #typedAt = 0;
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(page: CollabPage) {
    this.page = page;
  }

  start(): () => void {
    const query = `?page=${encodeURIComponent(location.pathname)}`;
    this.#socket = new RoomSocket(() => this.page.chat! + query, {
      opened: () => {
        this.connected.value = true;
        this.notice.value = "";
      },
      message: (frame) => this.#receive(frame),
      lost: () => this.#disconnected(""),
      ended: (message) => this.#disconnected(message),
    });
    const seen = () => this.#markRead();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(this.#typingTimer);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#socket?.close();
    };
  }

  unread(): number {
    return this.contacts.value.reduce((sum, { unread }) => sum + unread, 0);
  }

  talkTo(id: number | null): void {
    this.open.value = id;
    this.conversation.value = { messages: [], hasMore: false };
    if (id !== null) this.#send(clientMessage.chatHistory, { user_id: id });
  }

  older(): void {
    const first = this.conversation.value.messages.find(({ id }) => id !== undefined);
    this.#send(clientMessage.chatHistory, { user_id: this.open.value, before: first?.id });
  }

  say(text: string): void {
    const to = this.open.value;
    if (to === null || text.trim() === "") return;
    const clientId = crypto.getRandomValues(new Uint32Array(2)).join("-");
    const message = { clientId, own: true, text, at: new Date().toISOString(), read: false };
    this.#add(message);
    const sent = this.#send(clientMessage.chatMessage, {
      recipient_id: to,
      message: text,
      client_id: clientId,
    });
    if (!sent) return this.#fail(clientId, "Not sent: there is no connection.");
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fail(clientId, "The server did not confirm it.");
    }, acknowledged);
    this.#timers.add(timer);
  }

  /** Tries again to send a message that failed. */
  again(message: ChatMessage): void {
    this.#update((each) => each === message ? [] : [each]);
    this.say(message.text);
  }

  typed(): void {
    const now = Date.now();
    if (this.open.value === null || now - this.#typedAt < typingEvery) return;
    this.#typedAt = now;
    this.#send(clientMessage.typing, { recipient_id: this.open.value });
  }

  show(shown: boolean): void {
    this.shown.value = shown;
    this.#markRead();
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case serverMessage.activeUsers:
        return this.#present(frame);
      case serverMessage.userJoined:
        if (frame.user_id === this.page.me.id) return;
        return this.#contact(frame.user_id, {
          name: frame.username,
          avatarUrl: frame.avatar_url,
          online: true,
        });
      case serverMessage.userLeft:
        return this.#contact(frame.user_id, { name: frame.username, online: false });
      case serverMessage.unreadCounts:
        return this.#counts(frame.counts);
      case serverMessage.chatMessage:
        return this.#heard(frame);
      case serverMessage.chatHistory:
        return this.#history(frame);
      case serverMessage.messagesRead:
        if (frame.reader_id !== this.open.value) return;
        return this.#update((message) => [
          message.own && message.id !== undefined && message.id <= frame.up_to
            ? { ...message, read: true }
            : message,
        ]);
      case serverMessage.typing:
        this.typing.value = frame.user_id;
        clearTimeout(this.#typingTimer);
        this.#typingTimer = setTimeout(() => this.typing.value = null, typingShown);
        return;
      case serverMessage.chatNotice:
        this.notice.value = `${frame.sender_id === this.page.me.id ? "You" : frame.sender_name} ` +
          "wrote to you on another page.";
        return;
      case serverMessage.error: {
        // What is refused is the oldest message that was not confirmed.
        const waiting = this.conversation.value.messages
          .find(({ id, failed, own }) => own && id === undefined && !failed);
        if (waiting) this.#fail(waiting.clientId!, frame.message);
        else this.notice.value = frame.message;
      }
    }
  }

  #present({ users }: Frame): void {
    const present = new Set(users.map(({ user_id }: Frame) => user_id));
    this.contacts.value = this.contacts.value
      .map((contact) => ({ ...contact, online: present.has(contact.id) }));
    for (const { user_id, username, avatar_url } of users) {
      this.#contact(user_id, { name: username, avatarUrl: avatar_url, online: true });
    }
    // What was said while the connection was lost.
    if (this.open.value !== null) {
      this.#send(clientMessage.chatHistory, { user_id: this.open.value });
    }
  }

  #counts(counts: { user_id: number; username: string; count: number }[]): void {
    const unread = new Map(counts.map(({ user_id, count }) => [user_id, count]));
    this.contacts.value = this.contacts.value
      .map((contact) => ({ ...contact, unread: unread.get(contact.id) ?? 0 }));
    for (const { user_id, username, count } of counts) {
      this.#contact(user_id, { name: username, unread: count });
    }
  }

  #contact(id: number, more: Partial<Contact>): void {
    const known = this.contacts.value.find((contact) => contact.id === id);
    const contact = {
      ...known ?? { id, name: "", avatarUrl: null, online: false, unread: 0 },
      ...more,
    };
    this.contacts.value = known
      ? this.contacts.value.map((each) => each === known ? contact : each)
      : [...this.contacts.value, contact];
  }

  #heard(frame: Frame): void {
    const own = frame.sender_id === this.page.me.id;
    const other = own ? frame.recipient_id : frame.sender_id;
    if (!own) {
      this.typing.value = null;
      this.#contact(other, { name: frame.sender_name, avatarUrl: frame.sender_avatar });
    }
    if (other === this.open.value) {
      const message = {
        id: frame.id,
        own,
        text: frame.message,
        at: frame.timestamp,
        read: false,
        clientId: frame.client_id ?? undefined,
      };
      const { messages } = this.conversation.value;
      const waiting = own &&
        messages.some(({ clientId, id }) => id === undefined && clientId === frame.client_id);
      if (waiting) {
        this.#update((each) => [each.clientId === frame.client_id ? message : each]);
      } else this.#add(message);
      if (this.#isSeen()) return this.#markRead();
    }
    if (own) return;
    const unread = this.contacts.value.find(({ id }) => id === other)?.unread ?? 0;
    this.#contact(other, { unread: unread + 1 });
  }

  #history({ user_id, messages, has_more }: Frame): void {
    if (user_id !== this.open.value) return;
    const read: ChatMessage[] = messages.map((row: Frame) => ({
      id: row.id,
      own: row.sender_id === this.page.me.id,
      text: row.message,
      at: row.timestamp,
      read: row.read_at !== null,
    }));
    const ids = new Set(read.map(({ id }) => id));
    const known = this.conversation.value.messages
      .filter(({ id }) => id === undefined || !ids.has(id));
    const newest = read.at(-1)?.id ?? 0;
    const older = known.filter(({ id }) => id !== undefined && id < newest && !ids.has(id));
    const newer = known.filter((message) => !older.includes(message));
    const all = [...older, ...read, ...newer]
      .toSorted((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity) || 0);
    this.conversation.value = { messages: all, hasMore: has_more };
    this.#markRead();
  }

  #isSeen(): boolean {
    return this.shown.value && document.visibilityState === "visible";
  }

  #markRead(): void {
    const id = this.open.value;
    if (id === null || !this.#isSeen()) return;
    const last = this.conversation.value.messages.findLast(({ own }) => !own);
    if (last?.id === undefined) return;
    this.#send(clientMessage.markRead, { user_id: id, up_to: last.id });
    this.#contact(id, { unread: 0 });
  }

  #add(message: ChatMessage): void {
    const { messages, hasMore } = this.conversation.value;
    this.conversation.value = { messages: [...messages, message], hasMore };
  }

  #update(fn: (message: ChatMessage) => ChatMessage[]): void {
    const { messages, hasMore } = this.conversation.value;
    this.conversation.value = { messages: messages.flatMap(fn), hasMore };
  }

  #fail(clientId: string, failed: string): void {
    this.#update((message) => [
      message.clientId === clientId && message.id === undefined ? { ...message, failed } : message,
    ]);
  }

  #disconnected(message: string): void {
    this.connected.value = false;
    if (message) this.notice.value = message;
    this.contacts.value = this.contacts.value.map((contact) => ({ ...contact, online: false }));
  }

  #send(type: string, fields: Record<string, unknown>): boolean {
    return this.#socket?.send(type, fields) ?? false;
  }
}
