import type { LayoutConfig, Middleware, RouteConfig, RouteHandler } from "./handlers.ts";
import type { RouteComponent } from "./render.ts";
import type { Route } from "./segment.ts";

/** What a module of the `routes/` folder may export. */
interface RouteModule<State> {
  default?: RouteComponent<State> | Middleware<State> | Middleware<State>[];
  handler?: RouteHandler<unknown, State> | Middleware<State>[];
  handlers?: RouteHandler<unknown, State> | Middleware<State>[];
  config?: RouteConfig;
}

/** A module of the `routes/` folder by its role. `pattern` keeps route groups. */
export type FileRoute<State> =
  | { kind: "app"; component: RouteComponent<State> }
  | { kind: "notFound"; route: Route<State> }
  | { kind: "error"; pattern: string; route: Route<State> }
  | { kind: "middleware"; pattern: string; middlewares: Middleware<State>[] }
  | { kind: "layout"; pattern: string; component: RouteComponent<State>; config?: LayoutConfig }
  | { kind: "route"; pattern: string; route: Route<State> };

/**
 * The roles and patterns of route files, in the order in which they have to be registered.
 *
 * @throws Error for a file without usable exports or with an impossible name.
 */
export function fileRoutes<State>(files: { path: string; module: unknown }[]): FileRoute<State>[] {
  return files
    .toSorted((a, b) => compareRoutePaths(a.path, b.path))
    .map(({ path, module }) => fileRoute(path, module as RouteModule<State>));
}

function fileRoute<State>(path: string, module: RouteModule<State>): FileRoute<State> {
  const { config } = module;
  const component = module.default as RouteComponent<State> | undefined;
  const handler = module.handlers ?? module.handler;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = () => pathToPattern(path.slice(1, -name.length - 1), { keepGroups: true });

  if (name === "_middleware") {
    const exported = handler ?? module.default;
    if (typeof exported !== "function" && !Array.isArray(exported)) {
      throw new Error(
        `Expected a default export that is a function or an array of them in routes${path}`,
      );
    }
    return {
      kind: "middleware",
      pattern: folder(),
      middlewares: [exported].flat() as Middleware<State>[],
    };
  }
  if (component !== undefined && typeof component !== "function") {
    throw new Error(`Expected the default export to be a component in routes${path}`);
  }
  if (name === "_app" || name === "_layout") {
    if (component === undefined) {
      throw new Error(`Expected a component as default export in routes${path}`);
    }
    return name === "_app"
      ? { kind: "app", component }
      : { kind: "layout", pattern: folder(), component, config };
  }
  if (component === undefined && handler === undefined) {
    throw new Error(
      `Expected a component as default export or a "handler" export in routes${path}`,
    );
  }
  if (Array.isArray(handler)) throw new Error(`Expected a single handler in routes${path}`);

  const route = { component, handler, config };
  if (name === "_404") return { kind: "notFound", route };
  if (name === "_error" || name === "_500") return { kind: "error", pattern: folder(), route };

  const keepsIndex = name === "index" ? "/" : "";
  const pattern = pathToPattern(path.slice(1), { keepGroups: true });
  return {
    kind: "route",
    // An index lies in its own folder, so that the layout there applies to it.
    pattern: pattern.endsWith("/") ? pattern : pattern + keepsIndex,
    route: {
      ...route,
      config: {
        ...config,
        routeOverride: config?.routeOverride ?? pathToPattern(path.slice(1)),
      },
    },
  };
}

/**
 * The URLPattern pathname of a file path below `routes/`, without its extension: `[id]` is a
 * parameter, `[[id]]` an optional one, `[...path]` the rest; `(name)` is a group and left out.
 */
export function pathToPattern(path: string, options: { keepGroups?: boolean } = {}): string {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.at(-1) === "index") parts.pop();

  let pattern = "";
  let required = 0;
  for (const part of parts) {
    const rest = part.match(/^\[\.\.\.(\w+)\]$/);
    const optional = part.match(/^\[\[(\w+)\]\]$/);
    if (rest !== null) {
      pattern += `/:${rest[1]}*`;
    } else if (optional !== null) {
      pattern += `{/:${optional[1]}}?`;
    } else if (/^\(.*\)$/.test(part)) {
      if (options.keepGroups) pattern += `/${part}`;
    } else {
      pattern += `/${partToPattern(part, path)}`;
      required++;
    }
  }
  // Nothing but an optional parameter: the slash itself is not optional.
  if (required === 0 && pattern.startsWith("{/")) pattern = pattern.replace("{/", "/{");
  return pattern === "" ? "/" : pattern;
}

function partToPattern(part: string, path: string): string {
  const pattern = part.replaceAll(/\[(\w+)\]/g, ":$1");
  if (/[[\]]/.test(pattern)) {
    throw new SyntaxError(
      `Invalid route "${path}": an optional or rest parameter has to be a whole segment`,
    );
  }
  if (part.includes("][")) {
    throw new SyntaxError(
      `Invalid route "${path}": two parameters need a character between them`,
    );
  }
  return pattern;
}

const SPECIAL = /\/_(?:app|middleware|layout|error|500|404)$/;

/**
 * Orders route files for registration: special files first, because they apply to what follows, then
 * by segment literal names before parameters before rests, because the first match wins.
 */
export function compareRoutePaths(a: string, b: string): number {
  const special = Number(SPECIAL.test(b)) - Number(SPECIAL.test(a));
  if (special !== 0) return special;

  const left = ranks(a);
  const right = ranks(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i].rank - right[i].rank;
    if (difference !== 0) return difference;
    if (left[i].part !== right[i].part) return left[i].part < right[i].part ? -1 : 1;
  }
  return left.length - right.length;
}

function ranks(path: string): { rank: number; part: string }[] {
  return path.split("/").filter((part) => !/^\(.*\)$/.test(part)).map((part) => {
    const rank = ["[...", "[[", "["].findIndex((start) => part.includes(start));
    return { rank: rank === -1 ? 0 : 3 - rank, part };
  });
}
