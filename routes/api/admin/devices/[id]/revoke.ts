import type { RouteConfig } from "fresh";
import { adminHandlers, define, deviceOperation } from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: deviceOperation("revoke", {
    summary: "Revoke a device",
    description: "It may neither push nor pull until it is allowed again.",
    tag: "Devices",
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/devices/:id/revoke{/}?" };

export const handler = define.handlers(adminHandlers(operations));
