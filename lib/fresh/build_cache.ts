import type { ComponentType } from "preact";
import { setBuildId } from "./asset.ts";

/** A file of the build that clients may fetch. */
export interface StaticFile {
  /** Path below the static directory of the build. */
  file: string;
  hash: string;
  contentType: string;
  /** The hash is part of the path. */
  immutable: boolean;
}

/** The chunk and export with which the browser loads an island. */
export interface Island {
  name: string;
  /** URL path of the chunk, without the base path. */
  chunk: string;
  exportName: string;
}

/** What a build knows about an application; the generated `_fresh/snapshot.ts` registers one. */
export interface BuildCache {
  root: string;
  buildId: string;
  mode: "development" | "production";
  /** Directory URL, ending in a slash. */
  staticDir: URL;
  /** URL path of the client runtime. */
  runtime: string;
  /** Route files by path below `routes/`, without the extension, for example `/blog/[slug]`. */
  routes: { path: string; module: unknown }[];
  islands: { module: Record<string, unknown>; name: string; chunk: string }[];
  /** By URL path. */
  files: Map<string, StaticFile>;
}

let current: BuildCache | null = null;
let islands = new Map<ComponentType, Island>();

/** Makes a build the one that apps created afterwards serve. */
export function setBuildCache(cache: BuildCache): void {
  current = cache;
  islands = new Map();
  setBuildId(cache.buildId);

  const names = new Set<string>();
  for (const { module, name: fileName, chunk } of cache.islands) {
    for (const [exportName, value] of Object.entries(module)) {
      if (typeof value !== "function") continue;
      const base = `I_${exportName === "default" ? fileName : exportName}`.replace(/\W/g, "_");
      let name = base;
      for (let i = 2; names.has(name); i++) name = `${base}_${i}`;
      names.add(name);
      islands.set(value as ComponentType, { name, chunk, exportName });
    }
  }
}

export function getBuildCache(): BuildCache | null {
  return current;
}

export function islandOf(component: unknown): Island | undefined {
  return islands.get(component as ComponentType);
}
