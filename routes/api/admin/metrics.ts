import { adminHandlers, define, listOperation, metricList } from "../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(metricList, { summary: "List performance measurements", tag: "Metrics" }),
};

export const handler = define.handlers(adminHandlers(operations));
