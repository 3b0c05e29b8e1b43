import { adminHandlers, define, listOperation, sessionList } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(sessionList, { summary: "List browser sessions", tag: "Sessions" }),
};

export const handler = define.handlers(adminHandlers(operations));
