import { refreshTokens } from "../../../../lib/access/mod.ts";
import { define, parse, parseJson, readText, refreshRequest } from "../../../../lib/web/mod.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const { db, keys, settings } = ctx.state.services;
    const given = parse(refreshRequest, parseJson(await readText(ctx.req, 65_536)));
    const { SECURITY } = await settings.current();
    const answer = await refreshTokens(db, keys, given.refresh_token, SECURITY);
    return Response.json(answer, { headers: { "Cache-Control": "no-store" } });
  },
});
