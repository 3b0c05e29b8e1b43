import type { Context } from "fresh";
import { parse, serialize } from "hono/utils/cookie";
import type { State } from "./define.ts";
import { isSecure } from "./request_origin.ts";

/** With the prefix `__Host-`, no other host of the domain can set or overwrite the cookie. */
function cookieName(secure: boolean): string {
  return secure ? "__Host-lockstep_session" : "lockstep_session";
}

/** The token in the request's session cookie. */
export function sessionToken(ctx: Context<State>): string | undefined {
  const name = cookieName(isSecure(ctx));
  return parse(ctx.req.headers.get("Cookie") ?? "", name)[name];
}

/** The value of `Set-Cookie` that hands a session to the browser. */
export function sessionCookie(ctx: Context<State>, token: string, expires: Date): string {
  const secure = isSecure(ctx);
  return serialize(cookieName(secure), token, {
    httpOnly: true,
    sameSite: "Lax",
    path: "/",
    secure,
    expires,
  });
}

/** The value of `Set-Cookie` that takes the session from the browser. */
export function endedSessionCookie(ctx: Context<State>): string {
  return sessionCookie(ctx, "", new Date(0));
}
