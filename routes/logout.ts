import { revokeSession } from "../lib/access/mod.ts";
import { define, endedSessionCookie } from "../lib/web/mod.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const { user, services } = ctx.state;
    if (user?.sessionId) await revokeSession(services.db, user.userId, user.sessionId);
    const response = ctx.redirect("/login", 303);
    response.headers.set("Set-Cookie", endedSessionCookie(ctx));
    response.headers.set("Cache-Control", "no-store");
    return response;
  },
});
