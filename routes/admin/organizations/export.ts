import { csvHandlers, organizationPages } from "../../../lib/web/mod.ts";

/** The organizations that the filters in the address ask for, as CSV. */
export const handler = csvHandlers("organizations", organizationPages);
