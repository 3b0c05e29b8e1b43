import { type Context, getFrame } from "./context.ts";
import type {
  HandlerByMethod,
  HandlerFn,
  LayoutConfig,
  Method,
  Middleware,
  RouteConfig,
  RouteHandler,
} from "./handlers.ts";
import { HttpError } from "./http_error.ts";
import { pageProps, type RouteComponent, runComponent } from "./render.ts";

/** A page: a handler, a component or both. */
export interface Route<State> {
  component?: RouteComponent<State>;
  config?: RouteConfig;
  handler?: RouteHandler<unknown, State>;
}

/** A folder of the URL tree with what applies to everything below it. */
export interface Segment<State> {
  parent: Segment<State> | null;
  children: Map<string, Segment<State>>;
  middlewares: Middleware<State>[];
  layout: { component: RouteComponent<State>; config?: LayoutConfig } | null;
  errorRoute: Route<State> | null;
  /** Only on the root. */
  app: RouteComponent<State> | null;
  /** Only on the root. */
  notFound: Route<State> | null;
}

export function newSegment<State>(parent: Segment<State> | null): Segment<State> {
  return {
    parent,
    children: new Map(),
    middlewares: [],
    layout: null,
    errorRoute: null,
    app: null,
    notFound: null,
  };
}

/** The segment of a pattern; without `includeLast` the one of the folder that contains it. */
export function segmentOf<State>(
  root: Segment<State>,
  pattern: string,
  includeLast: boolean,
): Segment<State> {
  if (pattern === "*" || pattern === "/*") return root;
  // Optional groups do not make a folder: `/api{/:version}?/x` lies in `/api`.
  const names = pattern.replace(/\{[^}]*\}\??/g, "").split("/").slice(1);
  if (!includeLast) names.pop();

  let current = root;
  for (const name of names) {
    if (name === "") continue;
    let child = current.children.get(name);
    if (child === undefined) {
      child = newSegment(current);
      current.children.set(name, child);
    }
    current = child;
  }
  return current;
}

/** What runs before a handler in `segment`, from the root inwards, as registered so far. */
export function segmentMiddlewares<State>(segment: Segment<State>): Middleware<State>[] {
  const above = segment.parent === null ? [] : segmentMiddlewares(segment.parent);
  return [...above, frameMiddleware(segment), ...segment.middlewares];
}

function frameMiddleware<State>(segment: Segment<State>): Middleware<State> {
  const { app, layout, errorRoute } = segment;
  let root = segment;
  while (root.parent !== null) root = root.parent;

  return async (ctx) => {
    const frame = getFrame(ctx);
    const outer = { ...frame };
    if (app !== null) frame.app = app;
    if (layout !== null) {
      if (layout.config?.skipAppWrapper) frame.app = null;
      frame.layouts = layout.config?.skipInheritedLayouts
        ? [layout.component]
        : [...frame.layouts, layout.component];
    }
    const inner = { ...frame };

    try {
      return await ctx.next();
    } catch (error) {
      Object.assign(frame, inner);
      const status = error instanceof HttpError ? error.status : 500;
      if (status === 404 && root.notFound !== null) {
        return await renderRoute(ctx, root.notFound, 404);
      }
      if (errorRoute !== null) return await renderRoute(ctx, errorRoute, status);
      throw error;
    } finally {
      Object.assign(frame, outer);
    }
  };
}

/** Runs middlewares in order, the last one's `next` being the `next` of the context. */
export function composeMiddlewares<State>(middlewares: Middleware<State>[]): Middleware<State> {
  return (ctx) => {
    const tail = ctx.next;
    const run = async (index: number): Promise<Response> => {
      if (index === middlewares.length) return await tail();
      const outerNext = ctx.next;
      ctx.next = () => run(index + 1);
      try {
        return await middlewares[index](ctx);
      } catch (error) {
        ctx.error = error;
        throw error;
      } finally {
        ctx.next = outerNext;
      }
    };
    return run(0);
  };
}

const renderEmpty = () => ({ data: {} });

/** Completes a route: a component without a handler answers GET, nothing at all is not found. */
export function completeRoute<State>(route: Route<State>): Route<State> & {
  handler: RouteHandler<unknown, State>;
} {
  const { component, handler } = route;
  if (handler === undefined) {
    const missing = () => Promise.reject(new HttpError(404));
    return { ...route, handler: component === undefined ? missing : renderEmpty };
  }
  if (typeof handler === "object" && component !== undefined && handler.GET === undefined) {
    return { ...route, handler: { ...handler, GET: renderEmpty } };
  }
  return { ...route, handler };
}

function byMethod<State>(
  handlers: HandlerByMethod<unknown, State>,
  method: Method,
): HandlerFn<unknown, State> | undefined {
  // The method is the client's: it may be `toString`.
  if (Object.hasOwn(handlers, method)) return handlers[method];
  return method === "HEAD" ? handlers.GET : undefined;
}

/** Calls the handler of a route and renders its page. */
export async function renderRoute<State>(
  ctx: Context<State>,
  route: Route<State>,
  status = 200,
): Promise<Response> {
  const frame = getFrame(ctx);
  if (route.config?.skipAppWrapper) frame.app = null;
  if (route.config?.skipInheritedLayouts) frame.layouts = [];

  const { component, handler } = completeRoute(route);
  const method = ctx.req.method as Method;
  const fn = typeof handler === "function" ? handler : byMethod(handler, method);
  if (fn === undefined) return await ctx.next();

  const result = await fn(ctx);
  if (result instanceof Response) return result;
  const init = { status: result.status ?? status, headers: result.headers };
  if (component === undefined) return await ctx.render(null, init);

  const vnode = await runComponent(component, pageProps(ctx, result.data, () => null));
  return vnode instanceof Response ? vnode : await ctx.render(vnode, init);
}
