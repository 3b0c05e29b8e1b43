import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import type { Method } from "./handlers.ts";

interface Route<T> {
  pathname: string;
  /** Name of the rest parameter, which is empty where the path ends before it. */
  rest: string | null;
  /** Set where Hono's path only narrows the candidates down. */
  pattern: URLPattern | null;
  byMethod: Map<Method, T>;
}

export interface Match<T> {
  /** Pattern of the matched route, null if no route has this path. */
  pattern: string | null;
  params: Record<string, string>;
  /** Null if the route does not answer the method. */
  item: T | null;
  allowed: Method[];
}

const IS_PATTERN = /[*:{}+?()]/;
const PLAIN_SEGMENT = /^(?::[A-Za-z_]\w*|[^*:{}+?()]*)$/;
const REST = /\/:([A-Za-z_]\w*)\*$/;

/**
 * Finds a route by URLPattern pathname. Literal paths win over patterns and ignore a trailing slash;
 * patterns are tried in the order in which they were added.
 *
 * Hono's router does the matching: running one `URLPattern` after another costs about 8 µs each.
 * What Hono's path syntax cannot say (optional groups, several parameters in one segment) is
 * verified by its `URLPattern`.
 */
export class FreshRouter<T> {
  #literals = new Map<string, Route<T>>();
  #patterns = new Map<string, Route<T>>();
  #router = new SmartRouter<Route<T>>({ routers: [new RegExpRouter(), new TrieRouter()] });

  add(methods: readonly Method[], pathname: string, item: T): void {
    const routes = IS_PATTERN.test(pathname) ? this.#patterns : this.#literals;
    let route = routes.get(pathname);
    if (route === undefined) {
      route = { pathname, rest: null, pattern: null, byMethod: new Map() };
      routes.set(pathname, route);
      if (routes === this.#patterns) this.#addPattern(route);
    }
    for (const method of methods) {
      if (!route.byMethod.has(method)) route.byMethod.set(method, item);
    }
  }

  match(method: Method, url: URL): Match<T> {
    const path = url.pathname;
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    const literal = this.#literals.get(path) ?? this.#literals.get(other);
    if (literal !== undefined) return toMatch(literal, method, {});

    const [found, stash] = this.#patterns.size === 0 ? [[]] : this.#router.match("GET", path);
    for (const [route, captured] of found) {
      let params: Record<string, string | undefined>;
      if (route.pattern === null) {
        params = stash === undefined
          ? captured as Record<string, string>
          : Object.fromEntries(Object.entries(captured).map(([k, i]) => [k, stash[i as number]]));
      } else {
        const result = route.pattern.exec({ pathname: path });
        if (result === null) continue;
        params = result.pathname.groups;
      }
      return toMatch(route, method, route.rest === null ? params : { [route.rest]: "", ...params });
    }
    return { pattern: null, params: Object.create(null), item: null, allowed: [] };
  }

  #addPattern(route: Route<T>): void {
    const { pathname } = route;
    const rest = pathname.match(REST);
    const head = rest === null ? pathname : pathname.slice(0, rest.index);
    const segments = head.split("/");
    if (segments.every((segment) => PLAIN_SEGMENT.test(segment))) {
      this.#router.add("ALL", head === "" ? "/" : head, route);
      if (rest !== null) {
        route.rest = rest[1];
        // A path ending in a slash is not a rest of whole segments.
        this.#router.add("ALL", `${head}/:${rest[1]}{.*[^/]}`, route);
      }
      return;
    }
    route.pattern = new URLPattern({ pathname });
    const plain = segments.findIndex((segment) => !PLAIN_SEGMENT.test(segment));
    this.#router.add("ALL", `${segments.slice(0, plain).join("/")}/*`, route);
  }
}

function toMatch<T>(
  route: Route<T>,
  method: Method,
  groups: Record<string, string | undefined>,
): Match<T> {
  const params: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(groups)) params[name] = decode(value ?? "");
  const item = route.byMethod.get(method) ??
    (method === "HEAD" ? route.byMethod.get("GET") : undefined) ?? null;
  return { pattern: route.pathname, params, item, allowed: [...route.byMethod.keys()] };
}

function decode(value: string): string {
  try {
    return decodeURI(value);
  } catch {
    return value;
  }
}

/** Joins the base path of an application and a pattern. */
export function mergePath(basePath: string, path: string, isMounting: boolean): string {
  if (basePath.endsWith("*")) basePath = basePath.slice(0, -1);
  if (basePath.endsWith("/")) basePath = basePath.slice(0, -1);
  if (path === "*") path = isMounting ? "" : "/*";
  return basePath + (basePath !== "" && path === "/" ? "" : path);
}
