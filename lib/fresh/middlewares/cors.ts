import type { Context } from "../context.ts";
import type { Middleware } from "../handlers.ts";

export interface CORSOptions<State> {
  origin?:
    | string
    | string[]
    | ((origin: string, ctx: Context<State>) => string | undefined | null);
  allowMethods?: string[];
  /** Those asked for, if empty. */
  allowHeaders?: string[];
  exposeHeaders?: string[];
  /** Seconds that a browser may keep the answer to a preflight. */
  maxAge?: number;
  credentials?: boolean;
}

/** Lets pages of other origins call this site, and answers their preflight requests. */
export function cors<State>(options: CORSOptions<State> = {}): Middleware<State> {
  const {
    origin = "*",
    allowMethods = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"],
    allowHeaders = [],
    exposeHeaders = [],
    maxAge,
    credentials = false,
  } = options;

  function allowedOrigin(ctx: Context<State>): string | null {
    const requested = ctx.req.headers.get("Origin") ?? "";
    if (typeof origin === "function") return origin(requested, ctx) ?? null;
    if (origin === "*") return "*";
    return [origin].flat().includes(requested) ? requested : null;
  }

  return async (ctx) => {
    const allowed = allowedOrigin(ctx);
    const preflight = ctx.req.method === "OPTIONS";
    const res = preflight ? new Response(null, { status: 204 }) : await ctx.next();
    const { headers } = res;

    if (allowed !== null) headers.set("Access-Control-Allow-Origin", allowed);
    if (origin !== "*") headers.append("Vary", "Origin");
    if (credentials) headers.set("Access-Control-Allow-Credentials", "true");
    if (exposeHeaders.length > 0) {
      headers.set("Access-Control-Expose-Headers", exposeHeaders.join(","));
    }
    if (!preflight) return res;

    headers.set("Access-Control-Allow-Methods", allowMethods.join(","));
    if (maxAge !== undefined) headers.set("Access-Control-Max-Age", String(maxAge));
    const asked = ctx.req.headers.get("Access-Control-Request-Headers");
    const allowedHeaders = allowHeaders.length > 0 ? allowHeaders.join(",") : asked;
    if (allowedHeaders !== null) headers.set("Access-Control-Allow-Headers", allowedHeaders);
    if (allowHeaders.length === 0) headers.append("Vary", "Access-Control-Request-Headers");
    return res;
  };
}
