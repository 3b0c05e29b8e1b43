/**
 * What pages and islands may use both on the server and in the browser.
 *
 * @module
 */
export { asset } from "./asset.ts";
export { Head, type HeadProps } from "./head.ts";
export { HttpError } from "./http_error.ts";
export { IS_BROWSER } from "./is_browser.ts";
