import { csvHandlers, groupPages } from "../../../lib/web/mod.ts";

/** The groups that the filters in the address ask for, as CSV. */
export const handler = csvHandlers("groups", groupPages);
