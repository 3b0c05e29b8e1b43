import type { RouteConfig } from "fresh";
import { columnOfUpdate, readRecord } from "../../../../../lib/sync/mod.ts";
import { define, recordSocket, roomOfRecord, shownTexts } from "../../../../../lib/web/mod.ts";

export const config: RouteConfig = {
  routeOverride: "/admin/collaboration/:app/:model/:id{/}?",
};

/**
 * The room of a record: lock, presence and attention, in django-admin-collaborator's messages and
 * ours. `?version=` says which version the page shows; it is told what it misses.
 */
export const handler = define.handlers({
  async GET(ctx) {
    const { socket, response, identity, model, reach, stored } = await recordSocket(ctx);
    const { collab, watches, db } = ctx.state.services;
    const updated = columnOfUpdate(model);
    const lastModified = updated && new Date(stored.values[updated.name] ?? NaN);
    const shown = ctx.url.searchParams.get("version");
    collab.attachRecord(socket, identity, {
      room: roomOfRecord(model, stored.key),
      lastModified: lastModified && !isNaN(lastModified.getTime())
        ? lastModified.toISOString()
        : null,
      watch: () => watches.watch(model, reach, stored),
      async missed() {
        if (shown === null) return;
        const now = await readRecord(db, model, reach, stored.key);
        if (now?.version === shown) return;
        const texts = now ? shownTexts(model, now) : {};
        return {
          source: null,
          user_id: null,
          username: null,
          fields: Object.fromEntries(
            Object.entries(texts).map(([name, text]) => [name, {
              new: text,
            }]),
          ),
          version: now?.version ?? null,
          deleted: now === undefined,
          timestamp: new Date().toISOString(),
        };
      },
    });
    return response;
  },
});
