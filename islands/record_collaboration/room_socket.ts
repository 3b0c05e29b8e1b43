import { closeCode } from "../../lib/protocol/mod.ts";

/** A frame of the server. The other fields are as the protocol says. */
// deno-lint-ignore no-explicit-any
export type Frame = { type: string } & Record<string, any>;

export interface RoomSocketHandlers {
  opened?(): void;
  message(frame: Frame): void;
  /** The connection is lost; it is being opened again. */
  lost?(): void;
  /** The server refuses to go on; the sentence says why. `again` may help if `signedOut`. */
  ended(message: string, signedOut: boolean): void;
}

const firstDelay = 300;
const longestDelay = 10_000;

const endings: Record<number, string> = {
  [closeCode.signedOut]: "You are signed out. Sign in in another tab, then try again here.",
  [closeCode.forbidden]: "You may no longer work with this page.",
  [closeCode.chatDisabled]: "Chat is switched off.",
};

/**
 * A WebSocket that comes back after it broke, ever more slowly, until `close`. After the end of a
 * session it waits for the person to come back to the page, who may have signed in elsewhere.
 */
export class RoomSocket {
  readonly #address: () => string;
  readonly #handlers: RoomSocketHandlers;
  #socket: WebSocket | undefined;
  #delay = firstDelay;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #signedOut = false;

  /** @param address Path and query, asked before each attempt. */
  constructor(address: () => string, handlers: RoomSocketHandlers) {
    this.#address = address;
    this.#handlers = handlers;
    this.#connect();
    addEventListener("online", this.#now);
    addEventListener("focus", this.again);
    document.addEventListener("visibilitychange", this.again);
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
    removeEventListener("focus", this.again);
    document.removeEventListener("visibilitychange", this.again);
    this.#socket?.close();
  }

  /** Tries whether somebody is signed in again. */
  again = () => {
    if (this.#signedOut && document.visibilityState === "visible") this.#now();
  };

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
    socket.onopen = () => {
      this.#signedOut = false;
      this.#handlers.opened?.();
    };
    socket.onclose = ({ code }) => {
      this.#socket = undefined;
      if (this.#closed) return;
      // Who is not signed in gets no socket that could say so.
      if (this.#signedOut) return this.#handlers.ended(endings[closeCode.signedOut], true);
      if (endings[code]) {
        this.#signedOut = code === closeCode.signedOut;
        this.#closed = !this.#signedOut;
        this.#handlers.ended(endings[code], this.#signedOut);
        // Perhaps somebody has signed in before the end of the session was noticed.
        return this.again();
      }
      this.#handlers.lost?.();
      // Not all at once after a restart of the server.
      this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.75 + Math.random() / 2));
      this.#delay = Math.min(this.#delay * 2, longestDelay);
    };
  }
}
