import { login, tokenResponse } from "../../../../lib/access/mod.ts";
import {
  define,
  mediaType,
  parse,
  parseJson,
  readText,
  tokenRequest,
} from "../../../../lib/web/mod.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const { services, address } = ctx.state;
    const text = await readText(ctx.req, 65_536);
    const form = mediaType(ctx.req) === "application/x-www-form-urlencoded";
    const given = form ? Object.fromEntries(new URLSearchParams(text)) : parseJson(text);
    const { username, password, organization } = parse(tokenRequest, given);
    const { SECURITY } = await services.settings.current();
    const principal = await login(services.db, { username, password, address }, SECURITY);
    const device = ctx.req.headers.get("X-Device") ?? undefined;
    const answer = await tokenResponse(
      services.db,
      services.keys,
      principal,
      { organization, device },
      SECURITY,
    );
    return Response.json(answer, { headers: { "Cache-Control": "no-store" } });
  },
});
