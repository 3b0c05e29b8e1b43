import { define } from "../../../../lib/web/mod.ts";

/** The process runs and answers; says nothing of what it depends on. */
export const handler = define.handlers({
  GET: () => Response.json({ status: "live" }, { headers: { "Cache-Control": "no-store" } }),
});
