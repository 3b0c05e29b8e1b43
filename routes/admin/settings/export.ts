import { requireAll } from "../../../lib/access/mod.ts";
import { storedSettings } from "../../../lib/db/mod.ts";
import { define } from "../../../lib/web/mod.ts";

/** The settings that are not left to their defaults, as a file that the import takes. */
export const handler = define.handlers({
  async GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    const settings = await storedSettings(ctx.state.services.db);
    const day = new Date().toISOString().slice(0, 10);
    return new Response(`${JSON.stringify({ settings }, null, 2)}\n`, {
      headers: {
        "Content-Type": "application/json",
        "Content-Disposition": `attachment; filename="lockstep-settings-${day}.json"`,
      },
    });
  },
});
