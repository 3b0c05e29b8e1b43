import type { RouteConfig } from "fresh";
import { adminHandlers, define, deviceList, readOperation } from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: readOperation(deviceList, "device", { summary: "Read a device", tag: "Devices" }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/devices/:id{/}?" };

export const handler = define.handlers(adminHandlers(operations));
