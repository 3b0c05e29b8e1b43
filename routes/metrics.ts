import { createHash, timingSafeEqual } from "node:crypto";
import { define } from "../lib/web/mod.ts";

/** For Prometheus, which sends `LOCKSTEP_METRICS_TOKEN`. Without that variable there is nothing here. */
export const handler = define.handlers({
  async GET(ctx) {
    const { env: { metricsToken }, metrics } = ctx.state.services;
    const headers = { "Cache-Control": "no-store" };
    if (metricsToken === undefined) {
      const text = "Set LOCKSTEP_METRICS_TOKEN to open the metrics.\n";
      return new Response(text, { status: 404, headers });
    }
    const [, given = ""] = /^Bearer +(\S+)$/i.exec(ctx.req.headers.get("Authorization") ?? "") ??
      [];
    if (!timingSafeEqual(digest(given), digest(metricsToken))) {
      return new Response("Send LOCKSTEP_METRICS_TOKEN as bearer token.\n", {
        status: 401,
        headers: { ...headers, "WWW-Authenticate": "Bearer" },
      });
    }
    return new Response(await metrics.text(), {
      headers: { ...headers, "Content-Type": metrics.contentType },
    });
  },
});

/** Of one length, as the comparison needs it. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
