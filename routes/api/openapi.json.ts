import { define, requestOrigin } from "../../lib/web/mod.ts";
import { apiDocument } from "./(_operations)/document.ts";

/** The OpenAPI document of the sync API and the admin API. */
export const handler = define.handlers({
  GET: (ctx) =>
    Response.json(apiDocument(requestOrigin(ctx)), { headers: { "Cache-Control": "no-cache" } }),
});
