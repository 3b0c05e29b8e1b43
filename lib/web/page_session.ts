import { csrf, HttpError } from "fresh";
import { sessionPrincipal } from "../access/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { define, type State } from "./define.ts";
import { requestOrigin } from "./request_origin.ts";
import { endedSessionCookie, sessionToken } from "./session_cookie.ts";

const sameOrigin = csrf<State>({ origin: (origin, ctx) => origin === requestOrigin(ctx) });

/**
 * Finds out by the session cookie who is signed in: `ctx.state.user`. A request that changes
 * something must come from this site itself. Of the sync API, which knows no cookies, nothing is
 * asked; nor where a token is sent, which no browser does by itself.
 *
 * @throws LockstepError `csrf_failed`
 */
export const pageSession = define.middleware(async (ctx) => {
  const path = ctx.url.pathname;
  const byToken = path.startsWith("/api/") && ctx.req.headers.has("Authorization");
  if (byToken || path.startsWith("/api/sync/")) return await ctx.next();

  const next = ctx.next;
  ctx.next = () => Promise.resolve(new Response(null));
  try {
    await sameOrigin(ctx);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new LockstepError(
      "csrf_failed",
      "The request came from a page of another site, so nothing was done. Open the page here and " +
        "try again.",
    );
  } finally {
    ctx.next = next;
  }

  const token = sessionToken(ctx);
  if (!token) return await ctx.next();
  const { db, settings } = ctx.state.services;
  const { SECURITY } = await settings.current();
  ctx.state.user = await sessionPrincipal(db, token, SECURITY);
  const response = await ctx.next();
  const replaced = response.headers.getSetCookie().length > 0;
  if (!ctx.state.user && !replaced) {
    response.headers.append("Set-Cookie", endedSessionCookie(ctx));
  }
  return response;
});
