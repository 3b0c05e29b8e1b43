import { signal } from "@preact/signals";
import {
  clientMessage,
  type CollabPage,
  type PresentUser,
  serverMessage,
} from "../../lib/protocol/mod.ts";
import type { RecordFields } from "./record_fields.ts";
import type { Frame } from "./room_socket.ts";

const focusDelay = 150;
const typingEvery = 2_000;
const signs = ["pointerdown", "keydown", "scroll"];

export interface PresenceHandlers {
  isEditor(): boolean;
  send(type: string, fields: Record<string, unknown>): void;
}

/** Who has the page open, and where in the form they are; and tells them where this person is. */
export class RecordPresence {
  readonly people = signal<PresentUser[]>([]);
  readonly #page: CollabPage;
  readonly #fields: RecordFields;
  readonly #handlers: PresenceHandlers;
  /** The field that the others were told of. */
  #field: string | null = null;
  #focusTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #idle = false;
  #typedAt = 0;
  #typers = new Map<number, { field: string | null; until: number }>();

  constructor(page: CollabPage, fields: RecordFields, handlers: PresenceHandlers) {
    this.#page = page;
    this.#fields = fields;
    this.#handlers = handlers;
  }

  start(): () => void {
    const { form } = this.#fields;
    const active = () => this.#active();
    const enter = (event: Event) => this.#focus(event.target);
    const leave = () => this.#focus(null);
    const typed = (event: Event) => this.#typed(event.target);
    form.addEventListener("focusin", enter);
    form.addEventListener("focusout", leave);
    form.addEventListener("input", typed);
    document.addEventListener("visibilitychange", active);
    for (const name of signs) addEventListener(name, active);
    this.#active();
    return () => {
      form.removeEventListener("focusin", enter);
      form.removeEventListener("focusout", leave);
      form.removeEventListener("input", typed);
      document.removeEventListener("visibilitychange", active);
      for (const name of signs) removeEventListener(name, active);
      clearTimeout(this.#focusTimer);
      clearTimeout(this.#idleTimer);
    };
  }

  /** Everybody else who has the page open. */
  others(): PresentUser[] {
    return this.people.value.filter(({ user_id }) => user_id !== this.#page.me.id);
  }

  knows(userId: number): boolean {
    return this.people.value.some(({ user_id }) => user_id === userId);
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case serverMessage.userJoined: {
        if (this.knows(frame.user_id)) return;
        const { user_id, username, email, avatar_url } = frame;
        const person = { user_id, username, email, avatar_url, idle: false, field: null };
        this.people.value = [...this.people.value, person];
        return;
      }
      case serverMessage.presentUsers:
        this.people.value = frame.users;
        return this.#show();
      case serverMessage.userLeft:
        this.people.value = this.people.value.filter(({ user_id }) => user_id !== frame.user_id);
        return this.#show();
      case serverMessage.fieldFocus:
        return this.#update(frame.user_id, { field: frame.field });
      case serverMessage.activity:
        return this.#update(frame.user_id, { idle: frame.idle });
      case serverMessage.typing: {
        const until = Date.now() + typingEvery + 1_000;
        this.#typers.set(frame.user_id, { field: frame.field, until });
        this.#show();
        setTimeout(() => this.#show(), typingEvery + 1_100);
      }
    }
  }

  /** This person edits from now on. */
  begin(): void {
    this.#focus(document.activeElement);
    this.#show();
  }

  /** The connection is gone, and with it what others know of this person. */
  clear(): void {
    this.people.value = [];
    this.#field = null;
    this.#show();
  }

  #active(): void {
    clearTimeout(this.#idleTimer);
    if (this.#idle) this.#setIdle(false);
    this.#idleTimer = setTimeout(() => this.#setIdle(true), this.#page.idleAfter * 1000);
  }

  #setIdle(idle: boolean): void {
    this.#idle = idle;
    this.#handlers.send(clientMessage.activity, { idle });
  }

  #focus(target: EventTarget | null): void {
    if (!this.#handlers.isEditor()) return;
    const field = this.#fields.columnOf(target);
    clearTimeout(this.#focusTimer);
    // From one field to the next there is a moment without focus.
    this.#focusTimer = setTimeout(() => {
      if (field === this.#field || !this.#handlers.isEditor()) return;
      this.#field = field;
      this.#handlers.send(clientMessage.fieldFocus, { field });
    }, focusDelay);
  }

  #typed(target: EventTarget | null): void {
    const now = Date.now();
    if (!this.#handlers.isEditor() || now - this.#typedAt < typingEvery) return;
    this.#typedAt = now;
    this.#handlers.send(clientMessage.typing, { field: this.#fields.columnOf(target) });
  }

  #update(userId: number, more: Partial<PresentUser>): void {
    this.people.value = this.people.value.map((person) =>
      person.user_id === userId ? { ...person, ...more } : person
    );
    this.#show();
  }

  #show(): void {
    const words = new Map<string, string>();
    for (const person of this.others()) {
      if (person.field === null) continue;
      const typing = this.#typers.get(person.user_id);
      const types = typing?.field === person.field && typing.until > Date.now();
      words.set(person.field, `${person.username} is ${types ? "typing" : "here"}`);
    }
    this.#fields.setPresence(words);
  }
}
