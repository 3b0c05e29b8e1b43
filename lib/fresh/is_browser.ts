/** Whether this code runs in a browser rather than on the server. */
export const IS_BROWSER = typeof document !== "undefined";
