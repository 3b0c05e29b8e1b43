/**
 * What the generated `_fresh/snapshot.ts` needs; not for routes and islands.
 *
 * @module
 */
export { type BuildCache, setBuildCache } from "./build_cache.ts";
