import type { FunctionComponent, VNode } from "preact";
import type { ResolvedFreshConfig } from "./config.ts";
import type { LayoutConfig } from "./handlers.ts";
import { HttpError } from "./http_error.ts";
import { renderPage, type RouteComponent } from "./render.ts";

/** Events of a WebSocket that `ctx.upgrade()` forwards. */
export interface WebSocketHandlers {
  open?(socket: WebSocket): void;
  message?(socket: WebSocket, event: MessageEvent): void;
  close?(socket: WebSocket, code: number, reason: string): void;
  error?(socket: WebSocket, event: Event | ErrorEvent): void;
}

export interface WebSocketUpgradeOptions {
  /** Seconds without a pong after which the connection is closed; 120 by default. */
  idleTimeout?: number;
  /** Sub-protocol to answer with. */
  protocol?: string;
}

/** App wrapper and layouts, outer first, that apply to the handler being run. */
export interface Frame<State> {
  app: RouteComponent<State> | null;
  layouts: RouteComponent<State>[];
}

/** What page components, layouts and the app wrapper get. */
export type PageProps<Data = unknown, T = unknown> =
  & Pick<
    Context<T>,
    "config" | "url" | "req" | "params" | "info" | "state" | "Component" | "error" | "route"
  >
  & { data: Data };

export let getFrame: <T>(ctx: Context<T>) => Frame<T>;

/** One per request, passed to every middleware and handler. */
export class Context<State> {
  readonly config: ResolvedFreshConfig;
  readonly url: URL;
  req: Request;
  /** The matched route pattern, null if none matched. */
  readonly route: string | null;
  /** Parameters of the matched pattern. */
  readonly params: Record<string, string>;
  /** Shared by the middlewares and the handler of this request. */
  readonly state: State = {} as State;
  /** What was thrown, in error handlers and pages; otherwise null. */
  error: unknown | null = null;
  readonly info: Deno.ServeHandlerInfo;
  /** Runs the next middleware or the handler. */
  next: () => Promise<Response>;
  /** The page or inner layout, in layouts and the app wrapper. */
  Component!: FunctionComponent;

  #frame: Frame<State> = { app: null, layouts: [] };

  static {
    getFrame = <T>(ctx: Context<T>) => ctx.#frame;
  }

  constructor(
    req: Request,
    url: URL,
    info: Deno.ServeHandlerInfo,
    route: string | null,
    params: Record<string, string>,
    config: ResolvedFreshConfig,
    next: () => Promise<Response>,
  ) {
    this.req = req;
    this.url = url;
    this.info = info;
    this.route = route;
    this.params = params;
    this.config = config;
    this.next = next;
  }

  /**
   * Redirects to a path of this site or to an absolute URL. Repeated slashes of a path are
   * collapsed, so that `//evil.example` stays on this site.
   */
  redirect(pathOrUrl: string, status = 302): Response {
    // Headers and browsers drop leading blanks, and browsers read a backslash as a slash.
    let location = pathOrUrl.trimStart();
    if (/^[/\\]/.test(location)) {
      const end = location.search(/[?#]/);
      const path = end === -1 ? location : location.slice(0, end);
      const rest = end === -1 ? "" : location.slice(end);
      location = path.replaceAll(/[\t\r\n]/g, "").replaceAll(/[/\\]+/g, "/") + rest;
    }
    return new Response(null, { status, headers: { location } });
  }

  /** Renders JSX inside the layouts and the app wrapper. */
  render(
    // deno-lint-ignore no-explicit-any
    vnode: VNode<any> | null,
    init: ResponseInit = {},
    config: LayoutConfig = {},
  ): Promise<Response> {
    const frame = {
      app: config.skipAppWrapper ? null : this.#frame.app,
      layouts: config.skipInheritedLayouts ? [] : this.#frame.layouts,
    };
    return renderPage(this, vnode, frame, init);
  }

  text(content: string, init?: ResponseInit): Response {
    return new Response(content, init);
  }

  html(content: string, init?: ResponseInit): Response {
    const headers = new Headers(init?.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    return new Response(content, { ...init, headers });
  }

  // deno-lint-ignore no-explicit-any
  json(content: any, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  /** Streams an iterable; strings are encoded as UTF-8. */
  stream<U extends string | Uint8Array>(
    stream: Iterable<U> | AsyncIterable<U> | (() => Iterable<U> | AsyncIterable<U>),
    init?: ResponseInit,
  ): Response {
    const encoder = new TextEncoder();
    const chunks = typeof stream === "function" ? stream() : stream;
    const body = ReadableStream.from(chunks as AsyncIterable<U>).pipeThrough(
      new TransformStream<U, Uint8Array>({
        transform: (chunk, controller) =>
          controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk),
      }),
    );
    return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>, init);
  }

  /**
   * Upgrades to a WebSocket. With handlers the response is returned, without them the socket too.
   *
   * @throws HttpError 400 if the request does not ask for an upgrade.
   */
  upgrade(options?: WebSocketUpgradeOptions): { socket: WebSocket; response: Response };
  upgrade(handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): Response;
  upgrade(
    first: WebSocketHandlers | WebSocketUpgradeOptions = {},
    second?: WebSocketUpgradeOptions,
  ): { socket: WebSocket; response: Response } | Response {
    if (this.req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpError(400, "Expected a WebSocket upgrade request");
    }
    const handlers = isHandlers(first) ? first : null;
    const upgraded = Deno.upgradeWebSocket(
      this.req,
      handlers === null ? first as WebSocketUpgradeOptions : second,
    );
    if (handlers === null) return upgraded;

    const { socket, response } = upgraded;
    socket.addEventListener("open", () => handlers.open?.(socket));
    socket.addEventListener("message", (event) => handlers.message?.(socket, event));
    socket.addEventListener("close", (event) => handlers.close?.(socket, event.code, event.reason));
    socket.addEventListener("error", (event) => handlers.error?.(socket, event));
    return response;
  }
}

function isHandlers(
  value: WebSocketHandlers | WebSocketUpgradeOptions,
): value is WebSocketHandlers {
  return Object.values(value).some((field) => typeof field === "function");
}
