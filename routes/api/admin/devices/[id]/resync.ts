import type { RouteConfig } from "fresh";
import { adminHandlers, define, deviceOperation } from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: deviceOperation("resync", {
    summary: "Have a device start over",
    description: "With its next pull it drops what it holds and gets everything anew.",
    tag: "Devices",
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/devices/:id/resync{/}?" };

export const handler = define.handlers(adminHandlers(operations));
