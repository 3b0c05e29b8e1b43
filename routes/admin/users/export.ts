import { csvHandlers, userPages } from "../../../lib/web/mod.ts";

/** The users that the filters in the address ask for, as CSV. */
export const handler = csvHandlers("users", userPages);
