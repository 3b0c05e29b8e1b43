import { csvHandlers, rowFilterPages } from "../../../lib/web/mod.ts";

/** The row filters that are asked for in the address, as CSV. */
export const handler = csvHandlers("row-filters", rowFilterPages);
