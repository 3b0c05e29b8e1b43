import { revokeAllTokens, revokeRefreshToken, revokeToken } from "../../../../lib/access/mod.ts";
import {
  bearer,
  define,
  parse,
  parseJson,
  readText,
  revokeRequest,
} from "../../../../lib/web/mod.ts";

/** Revokes the access token that the request carries, a refresh token, or all of the user. */
export const handler = define.handlers({
  async POST(ctx) {
    const { db, settings } = ctx.state.services;
    const text = await readText(ctx.req, 65_536);
    const { refresh_token, all } = parse(revokeRequest, text.trim() === "" ? {} : parseJson(text));
    const { SECURITY } = await settings.current();
    // A refresh token proves itself; its owner may have no access token left.
    if (refresh_token !== undefined && !all) {
      await revokeRefreshToken(db, refresh_token, SECURITY);
      return new Response(null, { status: 204 });
    }
    const { principal } = await bearer(ctx);
    if (all) await db.transaction({}, (tx) => revokeAllTokens(tx, principal.userId));
    else await revokeToken(db, principal, SECURITY);
    return new Response(null, { status: 204 });
  },
});
