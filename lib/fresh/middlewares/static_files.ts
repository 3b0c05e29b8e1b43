import { ASSET_KEY } from "../asset.ts";
import { getBuildCache } from "../build_cache.ts";
import type { Middleware } from "../handlers.ts";

/**
 * Serves the files of `static/` and the island chunks. Files whose URL names this build or their own
 * hash may be cached for ever, others are revalidated by ETag.
 */
export function staticFiles<State>(): Middleware<State> {
  return async (ctx) => {
    const { req, url, config } = ctx;
    const cache = getBuildCache();
    const path = staticPath(url.pathname, config.basePath);
    // The path is looked up, never resolved: it cannot leave the static directory.
    const file = path === null ? undefined : cache?.files.get(path);
    if (cache === null || file === undefined) return await ctx.next();

    if (req.method !== "GET" && req.method !== "HEAD") {
      return new Response("Method Not Allowed", { status: 405, headers: { Allow: "GET, HEAD" } });
    }

    const key = url.searchParams.get(ASSET_KEY);
    if (key !== null && key !== cache.buildId) {
      const location = new URL(url);
      location.searchParams.delete(ASSET_KEY);
      return new Response(null, {
        status: 307,
        headers: { location: location.pathname + location.search },
      });
    }

    const immutable = config.mode === "production" && (file.immutable || key !== null);
    const headers = new Headers({
      "Content-Type": file.contentType,
      "Cache-Control": immutable ? "public, max-age=31536000, immutable" : "no-cache",
      "ETag": `"${file.hash}"`,
    });
    if (matchesETag(req.headers.get("If-None-Match"), file.hash)) {
      return new Response(null, { status: 304, headers });
    }
    const body = await Deno.readFile(new URL(file.file, cache.staticDir));
    headers.set("Content-Length", String(body.byteLength));
    return new Response(body, { headers });
  };
}

function staticPath(pathname: string, basePath: string): string | null {
  if (!pathname.startsWith(basePath)) return null;
  try {
    return decodeURIComponent(pathname.slice(basePath.length));
  } catch {
    return null;
  }
}

function matchesETag(header: string | null, hash: string): boolean {
  if (header === null) return false;
  return header.split(",").some((tag) => {
    const value = tag.trim();
    return value === "*" || value.replace(/^W\//, "") === `"${hash}"`;
  });
}
