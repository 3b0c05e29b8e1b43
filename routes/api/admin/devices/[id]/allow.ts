import type { RouteConfig } from "fresh";
import { adminHandlers, define, deviceOperation } from "../../../../../lib/web/mod.ts";

export const operations = {
  POST: deviceOperation("allow", {
    summary: "Allow a revoked device again",
    description: "It goes on where it was.",
    tag: "Devices",
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/devices/:id/allow{/}?" };

export const handler = define.handlers(adminHandlers(operations));
