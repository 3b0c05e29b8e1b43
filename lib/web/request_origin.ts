import type { Context } from "fresh";
import type { State } from "./define.ts";

/**
 * The origin under which the client reaches this server: `LOCKSTEP_PUBLIC_URL`, or what a trusted
 * proxy says, or the request's own.
 */
export function requestOrigin(ctx: Context<State>): string {
  const { env, trusts } = ctx.state.services;
  if (env.publicUrl) return env.publicUrl;
  const { remoteAddr } = ctx.info;
  if ("hostname" in remoteAddr && trusts(remoteAddr.hostname)) {
    const { headers } = ctx.req;
    const protocol = headers.get("X-Forwarded-Proto") ?? ctx.url.protocol.slice(0, -1);
    const host = headers.get("X-Forwarded-Host") ?? ctx.url.host;
    const forwarded = /^https?$/.test(protocol) ? URL.parse(`${protocol}://${host}`) : null;
    if (forwarded) return forwarded.origin;
  }
  return ctx.url.origin;
}

/** Whether the client reaches this server by https. */
export function isSecure(ctx: Context<State>): boolean {
  return requestOrigin(ctx).startsWith("https:");
}
