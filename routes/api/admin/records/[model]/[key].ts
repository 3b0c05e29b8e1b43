import type { RouteConfig } from "fresh";
import {
  adminHandlers,
  changeApiRecord,
  define,
  fencingHeaders,
  operation,
  readApiRecord,
  recordChange,
  recordParams,
  recordSchema,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Read a record",
    tag: "Records",
    access: "administrators",
    params: recordParams,
    answer: recordSchema,
    run: readApiRecord,
  }),
  PATCH: operation({
    summary: "Change a record",
    description:
      "The edit lock and the version are checked in the transaction that saves: a fencing token that " +
      "is no longer current is refused, as is a change without one while somebody else edits.",
    tag: "Records",
    access: "administrators",
    params: recordParams,
    headers: fencingHeaders,
    body: recordChange,
    ifMatch: true,
    answer: recordSchema,
    run: changeApiRecord,
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/records/:model/:key{/}?" };

export const handler = define.handlers(adminHandlers(operations));
