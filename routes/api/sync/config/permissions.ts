import { define } from "../../../../lib/web/mod.ts";

/** Where sb-sync has this page. */
export const handler = define.handlers({ GET: (ctx) => ctx.redirect("/admin/permissions") });
