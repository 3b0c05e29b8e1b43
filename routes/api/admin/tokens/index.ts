import { adminHandlers, define, listOperation, tokenList } from "../../../../lib/web/mod.ts";

export const operations = {
  GET: listOperation(tokenList, {
    summary: "List logins whose tokens can be refreshed",
    tag: "Tokens",
  }),
};

export const handler = define.handlers(adminHandlers(operations));
