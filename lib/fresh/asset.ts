/** Query parameter that carries the build id. */
export const ASSET_KEY = "__frsh_c";

// Replaced by the bundler in island code.
declare const FRESH_BUILD_ID: string;

let buildId = typeof FRESH_BUILD_ID === "string" ? FRESH_BUILD_ID : "";

export function setBuildId(id: string): void {
  buildId = id;
}

export function getBuildId(): string {
  return buildId;
}

/** Ties the path of a static file to this build, so that it may be cached for ever. */
export function asset(path: string): string {
  if (!path.startsWith("/") || path.startsWith("//") || buildId === "") return path;
  const url = new URL(path, "https://asset.invalid");
  if (url.host !== "asset.invalid" || url.searchParams.has(ASSET_KEY)) return path;
  url.searchParams.set(ASSET_KEY, buildId);
  return url.pathname + url.search + url.hash;
}
