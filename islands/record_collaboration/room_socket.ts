import { closeCode } from "../../lib/protocol/mod.ts";

/** A frame of the server. The other fields are as the protocol says. */
// deno-lint-ignore no-explicit-any
export type Frame = { type: string } & Record<string, any>;

export interface RoomSocketHandlers {
  opened?(): void;
  message(frame: Frame): void;
  /** The connection is lost; it is being opened again. */
  lost?(): void;
  /** The server refuses to go on; the sentence says why. */
  ended(message: string): void;
}

const firstDelay = 300;
const longestDelay = 10_000;

const endings: Record<number, string> = {
  [closeCode.signedOut]: "You are signed out. Sign in in another tab, then open this page again.",
  [closeCode.forbidden]: "You may no longer work with this page.",
  [closeCode.chatDisabled]: "Chat is switched off.",
};

/** A WebSocket that comes back after it broke, ever more slowly, until `close`. */
export class RoomSocket {
  readonly #address: () => string;
  readonly #handlers: RoomSocketHandlers;
  #socket: WebSocket | undefined;
  #delay = firstDelay;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param address Path and query, asked before each attempt. */
  constructor(address: () => string, handlers: RoomSocketHandlers) {
    this.#address = address;
    this.#handlers = handlers;
    this.#connect();
    addEventListener("online", this.#now);
  }

  /** Whether it was handed to the network. */
  send(type: string, fields: Record<string, unknown> = {}): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, ...fields }));
    return true;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.#now);
    this.#socket?.close();
  }

  #now = () => {
    if (this.#closed || this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #connect(): void {
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + this.#address());
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#delay = firstDelay;
      this.#handlers.message(JSON.parse(data));
    };
    socket.onopen = () => this.#handlers.opened?.();
    socket.onclose = ({ code }) => {
      this.#socket = undefined;
      if (this.#closed) return;
      if (endings[code]) {
        this.#closed = true;
        return this.#handlers.ended(endings[code]);
      }
      this.#handlers.lost?.();
      // Not all at once after a restart of the server.
      this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.75 + Math.random() / 2));
      this.#delay = Math.min(this.#delay * 2, longestDelay);
    };
  }
}
