import { csvHandlers, syncLogPages } from "../../../lib/web/mod.ts";

/** The lines of the sync log that the filters in the address ask for, as CSV. */
export const handler = csvHandlers("sync-log", syncLogPages);
