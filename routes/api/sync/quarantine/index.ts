import { z } from "zod";
import { listQuarantine } from "../../../../lib/sync/mod.ts";
import { define, parse, quarantineCaller } from "../../../../lib/web/mod.ts";

const query = z.strictObject({
  organization: z.string().optional(),
  state: z.enum(["open", "replayed", "discarded", "all"]).default("open"),
  model: z.string().max(200).optional(),
  /** The page's `next`. */
  before: z.string().regex(/^[1-9]\d{0,14}$/, "Must be the next of the page before").optional(),
  limit: z.string().regex(/^(?:[1-9]\d?|[1-4]\d\d|500)$/, "Must be from 1 to 500").default("100"),
});

/** Refused records, newest first: one's own, or for administrators all of the organization. */
export const handler = define.handlers({
  async GET(ctx) {
    const { view } = await quarantineCaller(ctx);
    const asked = parse(query, Object.fromEntries(ctx.url.searchParams));
    const limit = Number(asked.limit);
    const entries = await listQuarantine(ctx.state.services.db, view, {
      state: asked.state === "all" ? null : asked.state,
      model: asked.model?.toWellFormed().replaceAll("\u0000", "") ?? null,
      before: asked.before === undefined ? null : Number(asked.before),
      limit: limit + 1,
    });
    const page = entries.slice(0, limit);
    const next = entries.length > limit ? page.at(-1)!.id : null;
    return Response.json({ records: page, next }, { headers: { "Cache-Control": "no-store" } });
  },
});
