import { closeCode, collabLimits, serverMessage } from "../protocol/mod.ts";
import type { CollabIdentity } from "./identity.ts";
import type { CollabOptions } from "./options.ts";
import type { Member } from "./store.ts";
import { TokenBucket } from "./token_bucket.ts";

/** A frame from a browser. The other fields are unchecked. */
export type ClientMessage = { type: string } & Record<string, unknown>;

export interface ConnectionHandlers {
  /** Called for one message at a time. */
  message(connection: Connection, message: ClientMessage): Promise<void>;
  /** Called once, when the socket is closed or given up. */
  gone(connection: Connection): void;
  failed(error: unknown): void;
}

/** One WebSocket with its limits. Messages are handled one after the other. */
export class Connection {
  readonly id = crypto.randomUUID();
  readonly joinedAt = new Date().toISOString();
  readonly socket: WebSocket;
  identity: CollabIdentity;
  /** The edit lock that this connection holds. `until` is on the clock of `performance.now()`. */
  lease: { token: number; until: number } | null = null;
  /** A claim that waits for the store to return, with the token that the connection had, if any. */
  wanted: { token?: number } | null = null;
  /** When its form was last announced as being submitted. */
  submittedAt = -Infinity;
  idle = false;
  field: string | null = null;
  gone = false;
  /** Whether rights or session were withdrawn: then nobody waits for its return. */
  revoked = false;

  #handlers: ConnectionHandlers;
  #options: CollabOptions;
  #bucket: TokenBucket;
  #excess = 0;
  #malformed = 0;
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    socket: WebSocket,
    identity: CollabIdentity,
    options: CollabOptions,
    handlers: ConnectionHandlers,
  ) {
    this.socket = socket;
    this.#options = options;
    const rate = options.messages_per_second;
    this.#bucket = new TokenBucket(rate, Math.max(rate, collabLimits.messageBurst));
    this.identity = identity;
    this.#handlers = handlers;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#leave();
    socket.onerror = () => this.#leave();
  }

  /** Resolves when the socket is open, or gone. */
  opened(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CONNECTING) return Promise.resolve();
    return new Promise((resolve) => {
      this.socket.onopen = () => resolve();
      this.socket.addEventListener("close", () => resolve());
    });
  }

  /** Runs `job` before the messages that arrive from now on. */
  run(job: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(job).catch((error) => this.#handlers.failed(error));
    return this.#turn;
  }

  /** Sends a message, or a frame that is serialised already. A reader who is too slow is cut off. */
  send(message: string | object): void {
    if (this.gone || this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > this.#options.buffered_bytes) {
      return this.close(closeCode.slowConsumer, "The reader does not keep up");
    }
    try {
      this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
    } catch {
      // The socket closed between the check and the call.
      this.#leave();
    }
  }

  refuse(code: string, message: string): void {
    this.send({ type: serverMessage.error, code, message });
  }

  /** Closes the socket and counts it as gone at once: a silent peer may never answer. */
  close(code: number, reason: string): void {
    if (this.gone) return;
    try {
      this.socket.close(code, reason);
    } catch {
      // It was closing already.
    }
    this.#leave();
  }

  /** Closes the socket because rights or session were withdrawn. */
  revoke(code: number, reason: string): void {
    this.revoked = true;
    this.close(code, reason);
  }

  member(process: string): Member {
    const { userId, username, email, avatarUrl } = this.identity;
    return {
      connection: this.id,
      process,
      userId,
      username,
      email,
      avatarUrl,
      joinedAt: this.joinedAt,
      idle: this.idle,
      field: this.field,
    };
  }

  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#handlers.gone(this);
  }

  #receive(data: unknown): void {
    if (this.gone) return;
    if (typeof data === "string" && data.length > this.#options.frame_length) {
      return this.close(closeCode.tooLarge, "The frame is too large");
    }
    if (!this.#bucket.take()) {
      if (++this.#excess > collabLimits.floodTolerance) {
        return this.close(closeCode.flooded, "Too many messages");
      }
      return this.refuse(
        "too_many_requests",
        `At most ${this.#options.messages_per_second} messages per second are accepted; this one was dropped.`,
      );
    }
    const message = parseMessage(data);
    if (!message) {
      if (++this.#malformed >= collabLimits.malformedFrames) {
        return this.close(closeCode.malformed, "Too many malformed frames");
      }
      return this.refuse(
        "malformed_json",
        "A frame must be the text of a JSON object with a `type` that is a string.",
      );
    }
    if (this.#waiting >= collabLimits.waitingMessages) {
      return this.close(closeCode.flooded, "Too many messages wait for their turn");
    }
    this.#waiting++;
    this.run(async () => {
      try {
        if (!this.gone) await this.#handlers.message(this, message);
      } finally {
        this.#waiting--;
      }
    });
  }
}

function parseMessage(data: unknown): ClientMessage | undefined {
  if (typeof data !== "string") return;
  try {
    const message = JSON.parse(data);
    if (typeof message?.type === "string" && !Array.isArray(message)) return message;
  } catch {
    return;
  }
}
