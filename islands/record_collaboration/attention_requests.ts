import { signal } from "@preact/signals";
import { clientMessage, type CollabPage, serverMessage } from "../../lib/protocol/mod.ts";
import type { Frame } from "./room_socket.ts";
import type { AttentionRequest, Notice } from "./session_state.ts";

export interface AttentionHandlers {
  isEditor(): boolean;
  send(type: string, fields: Record<string, unknown>): void;
  say(kind: Notice["kind"], text: string, title?: string): void;
}

/** Requests to hand over the lock: those of others to this editor, and this viewer's own. */
export class AttentionRequests {
  /** Those that the editor has not answered yet. */
  readonly open = signal<AttentionRequest[]>([]);
  /** What was written to the editor, until it has arrived. */
  message = "";
  readonly #page: CollabPage;
  readonly #handlers: AttentionHandlers;

  constructor(page: CollabPage, handlers: AttentionHandlers) {
    this.#page = page;
    this.#handlers = handlers;
  }

  ask(message: string): void {
    this.message = message;
    this.#handlers.send(clientMessage.requestAttention, {
      timestamp: new Date().toISOString(),
      message: message.trim() || null,
    });
  }

  decline(request: AttentionRequest): void {
    this.#handlers.send(clientMessage.declineAttention, { user_id: request.userId });
    this.answered(request.userId);
  }

  /** Forgets what somebody asked, who has an answer or has left. */
  answered(userId: number): void {
    this.open.value = this.open.value.filter((request) => request.userId !== userId);
  }

  clear(): void {
    this.open.value = [];
  }

  receive(frame: Frame): void {
    switch (frame.type) {
      case serverMessage.attentionRequested:
        return this.#requested(frame);
      case serverMessage.attentionDeclined:
        return this.#handlers.say(
          "info",
          frame.message ?? "You keep your place in the queue.",
          `${frame.username} answered: not yet`,
        );
      case serverMessage.attentionThrottled:
        return this.#handlers.say(
          "info",
          `You have just asked, so the editor is not called again; in ${frame.seconds} s you can ` +
            `ask once more.${this.message.trim() ? " Your message is kept until then." : ""}`,
          "You wait in the queue",
        );
    }
  }

  #requested(frame: Frame): void {
    if (this.#handlers.isEditor()) {
      this.answered(frame.user_id);
      this.open.value = [...this.open.value, {
        userId: frame.user_id,
        name: frame.username,
        message: frame.message ?? null,
      }];
    } else if (frame.user_id === this.#page.me.id) {
      this.message = "";
      this.#handlers.say("info", this.#page.texts.requestSent);
    }
  }
}
