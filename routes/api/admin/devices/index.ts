import { adminHandlers, define, deviceList, listOperation } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(deviceList, { summary: "List devices", tag: "Devices" }),
};

export const handler = define.handlers(adminHandlers(operations));
