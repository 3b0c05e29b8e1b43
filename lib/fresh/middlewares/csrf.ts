import type { Context } from "../context.ts";
import type { Middleware } from "../handlers.ts";
import { HttpError } from "../http_error.ts";

// deno-lint-ignore no-explicit-any
export interface CsrfOptions<State = any> {
  /** Origins that may send requests besides the site's own. */
  origin?: string | string[] | ((origin: string, ctx: Context<State>) => boolean);
}

/**
 * Refuses with 403 a request with side effects that a page of another origin sends, judged by
 * `Sec-Fetch-Site` and `Origin`. Clients that are not browsers send neither and pass.
 */
export function csrf<State>(options: CsrfOptions<State> = {}): Middleware<State> {
  function isAllowed(origin: string | null, ctx: Context<State>): boolean {
    if (origin === null) return false;
    if (options.origin === undefined) return origin === ctx.url.origin;
    if (typeof options.origin === "function") return options.origin(origin, ctx);
    return [options.origin].flat().includes(origin);
  }

  return async (ctx) => {
    const { method, headers } = ctx.req;
    if (method === "GET" || method === "HEAD" || method === "OPTIONS") return await ctx.next();

    const site = headers.get("Sec-Fetch-Site");
    const origin = headers.get("Origin");
    const own = site === null ? origin === null : site === "same-origin" || site === "none";
    if (own || isAllowed(origin, ctx)) return await ctx.next();
    throw new HttpError(403);
  };
}
