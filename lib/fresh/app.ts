import { STATUS_CODES } from "node:http";
import { getBuildCache } from "./build_cache.ts";
import type { FreshConfig, ResolvedFreshConfig } from "./config.ts";
import { Context, type WebSocketHandlers, type WebSocketUpgradeOptions } from "./context.ts";
import { type FileRoute, fileRoutes } from "./file_routes.ts";
import {
  type LayoutConfig,
  type Method,
  METHODS,
  type Middleware,
  type RouteConfig,
} from "./handlers.ts";
import { type ErrorStatus, HttpError } from "./http_error.ts";
import type { RouteComponent } from "./render.ts";
import { FreshRouter, mergePath } from "./router.ts";
import {
  completeRoute,
  composeMiddlewares,
  newSegment,
  renderRoute,
  type Route,
  type Segment,
  segmentMiddlewares,
  segmentOf,
} from "./segment.ts";

export type ListenOptions = Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem>;

/** What the registered commands make when a handler is created. */
interface Target<State> {
  root: Segment<State>;
  router: FreshRouter<Middleware<State>>;
  basePath: string;
}

/** A registration; `pattern` is null if it applies to the whole site wherever it is mounted. */
interface Command<State> {
  pattern: string | null;
  apply(target: Target<State>, pattern: string): void;
}

const LOCAL: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
};

/** Passes requests through middlewares to routes. Registrations apply to those that follow them. */
export class App<State> {
  /** Resolved configuration. */
  config: ResolvedFreshConfig;
  #commands: Command<State>[] = [];

  constructor(config: FreshConfig = {}) {
    this.config = {
      root: ".",
      basePath: config.basePath ?? "",
      mode: config.mode ?? "production",
      trustProxy: config.trustProxy ?? false,
    };
  }

  /** Adds middlewares, everywhere or at and below a path. */
  use(...middlewares: Middleware<State>[]): this;
  use(path: string, ...middlewares: Middleware<State>[]): this;
  use(first: string | Middleware<State>, ...rest: Middleware<State>[]): this {
    return typeof first === "string" ? this.#use(first, rest) : this.#use("*", [first, ...rest]);
  }

  /** Answers what is not found, everywhere. */
  notFound(handler: Route<State> | Middleware<State>): this {
    return this.#add(null, ({ root }) => root.notFound = toRoute(handler));
  }

  /** Answers errors that are thrown at and below a path; `ctx.error` is the error. */
  onError(path: string, handler: Route<State> | Middleware<State>): this {
    return this.#add(path, ({ root }, pattern) => {
      segmentOf(root, pattern, true).errorRoute = toRoute(handler);
    });
  }

  /** Sets the component that renders `<html>`. */
  appWrapper(component: RouteComponent<State>): this {
    return this.#add(null, ({ root }) => root.app = component);
  }

  /** Adds a layout for the pages at and below a path. */
  layout(path: string, component: RouteComponent<State>, config?: LayoutConfig): this {
    return this.#add(path, ({ root }, pattern) => {
      segmentOf(root, pattern, true).layout = { component, config };
    });
  }

  /** Adds a page. */
  route(path: string, route: Route<State>, config?: RouteConfig): this {
    const merged = { ...route, config: { ...route.config, ...config } };
    return this.#add(path, (target, pattern) => addRoute(target, pattern, true, merged));
  }

  get(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["GET"], path, middlewares);
  }
  post(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["POST"], path, middlewares);
  }
  put(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["PUT"], path, middlewares);
  }
  patch(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["PATCH"], path, middlewares);
  }
  delete(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["DELETE"], path, middlewares);
  }
  head(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(["HEAD"], path, middlewares);
  }
  all(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#handle(METHODS, path, middlewares);
  }

  /** Adds a WebSocket endpoint. */
  ws(path: string, handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): this {
    return this.get(path, (ctx) => ctx.upgrade(handlers, options));
  }

  /** Inserts the routes of the `routes/` folder here, at the root or below a path. */
  fsRoutes(pattern = "*"): this {
    return this.#add(pattern, (target, at) => {
      const below = { ...target, basePath: mergePath(target.basePath, at, true) };
      for (const file of fileRoutes<State>(getBuildCache()?.routes ?? [])) addFile(below, file);
    });
  }

  /** Inserts the registrations of another app below a path. */
  mountApp(path: string, app: App<State>): this {
    for (const command of app.#commands) {
      const inner = command.pattern === null ? null : mergePath(
        path,
        app.config.basePath
          ? mergePath(app.config.basePath, command.pattern, false)
          : command.pattern,
        true,
      );
      this.#commands.push({ ...command, pattern: inner });
    }
    return this;
  }

  /** The request handler for `Deno.serve()` and for tests. */
  handler(): (req: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    const cache = getBuildCache();
    if (cache !== null) Object.assign(this.config, { root: cache.root, mode: cache.mode });

    const target: Target<State> = {
      root: newSegment<State>(null),
      router: new FreshRouter(),
      basePath: this.config.basePath,
    };
    for (const { pattern, apply } of this.#commands) apply(target, pattern ?? "*");
    const unmatched = composeMiddlewares(segmentMiddlewares(target.root));

    return async (req, info = LOCAL) => {
      const url = requestUrl(req, this.config.trustProxy);
      const { pattern, params, item, allowed } = target.router.match(req.method as Method, url);
      const next = () => {
        if (pattern === null || item !== null) return reject(404);
        if (req.method !== "OPTIONS") return reject(405);
        const headers = { Allow: allowed.join(", ") };
        return Promise.resolve(new Response(null, { status: 204, headers }));
      };
      const ctx = new Context<State>(req, url, info, pattern, params, this.config, next);

      let res: Response;
      try {
        res = await (item ?? unmatched)(ctx);
        if (!(res instanceof Response)) {
          throw new TypeError(`Expected a handler to return a Response, got "${res}"`);
        }
      } catch (error) {
        res = defaultErrorResponse(error);
      }
      if (res.status === 405 && !res.headers.has("Allow") && allowed.length > 0) {
        res.headers.set("Allow", allowed.join(", "));
      }
      if (req.method !== "HEAD") return res;
      await res.body?.cancel();
      return new Response(null, res);
    };
  }

  /** Serves the application; resolves once it listens. */
  async listen(options: ListenOptions = {}): Promise<void> {
    await Deno.serve(options as Deno.ServeTcpOptions, this.handler());
  }

  #add(pattern: string | null, apply: Command<State>["apply"]): this {
    this.#commands.push({ pattern, apply });
    return this;
  }

  #use(path: string, middlewares: Middleware<State>[]): this {
    return this.#add(path, ({ root }, pattern) => {
      segmentOf(root, pattern, true).middlewares.push(...middlewares);
    });
  }

  #handle(methods: readonly Method[], path: string, middlewares: Middleware<State>[]): this {
    return this.#add(path, ({ root, router, basePath }, pattern) => {
      const before = segmentMiddlewares(segmentOf(root, pattern, true));
      const pathname = mergePath(basePath, pattern, false) || "*";
      router.add(methods, pathname, composeMiddlewares([...before, ...middlewares]));
    });
  }
}

function toRoute<State>(handler: Route<State> | Middleware<State>): Route<State> {
  return typeof handler === "function" ? { handler } : handler;
}

function addRoute<State>(
  { root, router, basePath }: Target<State>,
  pattern: string,
  includeLast: boolean,
  route: Route<State>,
): void {
  const complete = completeRoute(route);
  const before = segmentMiddlewares(segmentOf(root, pattern, includeLast));
  const methods = typeof complete.handler === "function"
    ? METHODS
    : Object.keys(complete.handler) as Method[];
  const pathname = mergePath(basePath, route.config?.routeOverride ?? pattern, false) || "*";
  const render: Middleware<State> = (ctx) => renderRoute(ctx, complete);
  router.add(methods, pathname, composeMiddlewares([...before, render]));
}

function addFile<State>(target: Target<State>, file: FileRoute<State>): void {
  const { root } = target;
  switch (file.kind) {
    case "app":
      root.app = file.component;
      break;
    case "notFound":
      root.notFound = file.route;
      break;
    case "layout":
      segmentOf(root, file.pattern, true).layout = file;
      break;
    case "error":
      segmentOf(root, file.pattern, true).errorRoute = file.route;
      break;
    case "middleware":
      segmentOf(root, file.pattern, true).middlewares.push(...file.middlewares);
      break;
    case "route":
      addRoute(target, file.pattern, false, file.route);
  }
}

function requestUrl(req: Request, trustProxy: boolean): URL {
  const url = new URL(req.url);
  // A path such as `//evil.example` must not end up in a redirect.
  if (url.pathname.includes("//")) url.pathname = url.pathname.replace(/\/+/g, "/");
  if (trustProxy) {
    const protocol = req.headers.get("X-Forwarded-Proto");
    if (protocol) url.protocol = `${protocol}:`;
    const host = req.headers.get("X-Forwarded-Host");
    if (host) url.host = host;
  }
  return url;
}

function reject(status: ErrorStatus): Promise<never> {
  return Promise.reject(new HttpError(status));
}

function defaultErrorResponse(error: unknown): Response {
  if (error instanceof HttpError) {
    if (error.status >= 500) console.error(error);
    return new Response(error.message || STATUS_CODES[error.status], { status: error.status });
  }
  console.error(error);
  return new Response("Internal server error", { status: 500 });
}
