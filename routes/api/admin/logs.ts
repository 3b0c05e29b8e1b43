import { adminHandlers, define, listOperation, syncLogList } from "../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(syncLogList, { summary: "List sync log entries", tag: "Logs" }),
};

export const handler = define.handlers(adminHandlers(operations));
