/**
 * Builds what an application needs to run: bundles of its islands for the browser, its static files,
 * and modules that import all routes and islands. Runs esbuild, which needs `--allow-run` and write
 * access; the application that it builds needs neither.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { getMimeType } from "hono/utils/mime";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import type { BuildCache, StaticFile } from "./build_cache.ts";

export interface BuildOptions {
  /** Directory with `routes/`, `islands/`, `static/` and `main.ts`, each optional. */
  root: string;
  /** Directory to write to. Static files of an earlier build are removed from it. */
  outDir: string;
  /** Readable bundles with source maps, and no immutable caching. */
  dev?: boolean;
  /** More static files: URL path to file path. */
  files?: Record<string, string>;
}

/** Sizes of a build. */
export interface BuildResult {
  buildId: string;
  /** URL path and size in bytes of every script. */
  scripts: { path: string; bytes: number }[];
}

const encoder = new TextEncoder();

const TEST_FILE = /[._]test\.[jt]sx?$/;
const SCRIPT_FILE = /\.[jt]sx?$/;
const SCRIPT_PATH = "/_fresh/js";

/**
 * Builds the application in `root`. Writes to `outDir`
 * - `snapshot.ts`, which registers routes, islands and static files with the framework;
 * - `server.ts`, which imports that and then `main.ts`: the file to run;
 * - `static/`, everything that clients may fetch.
 *
 * The same input gives the same output, so that several machines may build for themselves.
 *
 * @throws Error if a bundle cannot be made or a file of `files` does not exist.
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
  const root = resolve(options.root);
  const outDir = resolve(options.outDir);
  const staticDir = join(outDir, "static");
  await Deno.mkdir(staticDir, { recursive: true });

  const files = new Map<string, StaticFile>();
  for (const path of await listFiles(join(root, "static"))) {
    await addFile(files, staticDir, `/${path}`, join(root, "static", path));
  }
  for (const [path, source] of Object.entries(options.files ?? {})) {
    await addFile(files, staticDir, path, resolve(root, source));
  }
  const contents = [...files].map(([path, { hash }]) => `${path} ${hash}`).toSorted().join("\n");
  const buildId = (await hash(encoder.encode(contents))).slice(0, 12);

  const routeFiles = (await listFiles(join(root, "routes"))).filter(isScript);
  const islandFiles = [
    ...(await listFiles(join(root, "islands"))).filter(isScript).map((f) => join("islands", f)),
    ...routeFiles.filter((f) => f.includes("(_islands)/")).map((f) => join("routes", f)),
  ].map((file) => join(root, file));

  const bundle = await bundleIslands(root, islandFiles, buildId, options.dev ?? false);
  const scripts: BuildResult["scripts"] = [];
  for (const { path, contents } of bundle.outputs) {
    await writeChanged(join(staticDir, path), contents);
    files.set(path, await describe(path, contents, true));
    if (path.endsWith(".js")) scripts.push({ path, bytes: contents.byteLength });
  }

  for (const path of await listFiles(staticDir)) {
    if (!files.has(`/${path}`)) await Deno.remove(join(staticDir, path));
  }

  const routes = routeFiles.filter((file) => !file.includes("(_"));
  const snapshot = snapshotModule({
    root,
    outDir,
    routes,
    files,
    buildId,
    bundle,
    dev: options.dev ?? false,
  });
  const main = specifier(outDir, join(root, "main.ts"));
  const server = `${GENERATED}import "./snapshot.ts";\nimport ${main};\n`;
  await writeChanged(join(outDir, "snapshot.ts"), encoder.encode(snapshot));
  await writeChanged(join(outDir, "server.ts"), encoder.encode(server));
  return { buildId, scripts };
}

interface Bundle {
  /** URL path of the client runtime. */
  runtime: string;
  islands: { file: string; name: string; chunk: string }[];
  outputs: { path: string; contents: Uint8Array<ArrayBuffer> }[];
}

async function bundleIslands(
  root: string,
  islandFiles: string[],
  buildId: string,
  dev: boolean,
): Promise<Bundle> {
  const runtimeFile = join(import.meta.dirname!, "client.ts");
  const outDir = join(root, SCRIPT_PATH);
  try {
    const result = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [
        { in: runtimeFile, out: "runtime" },
        ...islandFiles.map((file) => ({ in: file, out: islandName(file) })),
      ],
      outdir: outDir,
      entryNames: "[name]-[hash]",
      chunkNames: "chunk-[hash]",
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      minify: !dev,
      sourcemap: dev ? "linked" : false,
      define: { FRESH_BUILD_ID: JSON.stringify(buildId) },
      alias: { "fresh/runtime": join(import.meta.dirname!, "runtime.ts") },
      nodePaths: [resolve("node_modules")],
      metafile: true,
      write: false,
      logLevel: "silent",
    });
    const paths = new Map(
      Object.entries(result.metafile.outputs).map(([output, { entryPoint }]) =>
        [entryPoint && resolve(root, entryPoint), `/${output}`] as const
      ),
    );
    // Where a directory is a symbolic link, esbuild names what it links to.
    const chunkOf = (file: string) => paths.get(Deno.realPathSync(file))!;
    return {
      runtime: chunkOf(runtimeFile),
      islands: islandFiles.map((file) => ({
        file,
        name: islandName(file),
        chunk: chunkOf(file),
      })),
      outputs: result.outputFiles.map(({ path, contents }) => ({
        path: `/${posix(relative(root, path))}`,
        contents: contents as Uint8Array<ArrayBuffer>,
      })),
    };
  } finally {
    await esbuild.stop();
  }
}

function islandName(file: string): string {
  return basename(file, extname(file));
}

const GENERATED = "// Generated by the build. Do not edit.\n";

function snapshotModule(parts: {
  root: string;
  outDir: string;
  routes: string[];
  files: Map<string, StaticFile>;
  buildId: string;
  bundle: Bundle;
  dev: boolean;
}): string {
  const { root, outDir, routes, files, buildId, bundle, dev } = parts;
  const mode: BuildCache["mode"] = dev ? "development" : "production";
  const json = JSON.stringify;
  return [
    GENERATED +
    `import { setBuildCache } from ${
      specifier(outDir, join(import.meta.dirname!, "internal.ts"))
    };`,
    ...routes.map((file, i) =>
      `import * as route${i} from ${specifier(outDir, join(root, "routes", file))};`
    ),
    ...bundle.islands.map(({ file }, i) =>
      `import * as island${i} from ${specifier(outDir, file)};`
    ),
    "",
    "setBuildCache({",
    `  root: new URL(${specifier(outDir, `${root}/`)}, import.meta.url).pathname,`,
    `  buildId: ${json(buildId)},`,
    `  mode: ${json(mode)},`,
    `  staticDir: new URL("./static/", import.meta.url),`,
    `  runtime: ${json(bundle.runtime)},`,
    "  routes: [",
    ...routes.map((file, i) =>
      `    { path: ${json(`/${file.replace(SCRIPT_FILE, "")}`)}, module: route${i} },`
    ),
    "  ],",
    "  islands: [",
    ...bundle.islands.map(({ name, chunk }, i) =>
      `    { name: ${json(name)}, chunk: ${json(chunk)}, module: island${i} },`
    ),
    "  ],",
    "  files: new Map([",
    ...[...files].map(([path, file]) => `    [${json(path)}, ${json(file)}],`),
    "  ]),",
    "});",
    "",
  ].join("\n");
}

function specifier(fromDir: string, file: string): string {
  const path = posix(relative(fromDir, file)) + (file.endsWith("/") ? "/" : "");
  return JSON.stringify(path.startsWith(".") ? path : `./${path}`);
}

function posix(path: string): string {
  return path.replaceAll("\\", "/");
}

function isScript(path: string): boolean {
  return SCRIPT_FILE.test(path) && !TEST_FILE.test(path);
}

/** Files below a directory, sorted; hidden ones other than `.well-known` are left out. */
async function listFiles(dir: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(join(dir, prefix))) {
      if (entry.name.startsWith(".") && entry.name !== ".well-known") continue;
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory) found.push(...await listFiles(dir, path));
      else found.push(path);
    }
  } catch (error) {
    ignoreNotFound(error);
  }
  return found.toSorted();
}

async function addFile(
  files: Map<string, StaticFile>,
  staticDir: string,
  path: string,
  source: string,
): Promise<void> {
  const contents = await Deno.readFile(source);
  await writeChanged(join(staticDir, path), contents);
  files.set(path, await describe(path, contents, false));
}

/** Leaves a file that is as it should be: a watcher would take writing it for a change. */
async function writeChanged(file: string, contents: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const present = await Deno.readFile(file);
    if (present.length === contents.length && present.every((byte, i) => byte === contents[i])) {
      return;
    }
  } catch (error) {
    ignoreNotFound(error);
  }
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.writeFile(file, contents);
}

async function describe(
  path: string,
  contents: Uint8Array<ArrayBuffer>,
  immutable: boolean,
): Promise<StaticFile> {
  return {
    file: encodeURI(path.slice(1)),
    hash: (await hash(contents)).slice(0, 16),
    contentType: getMimeType(path) ?? "application/octet-stream",
    immutable,
  };
}

async function hash(contents: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", contents)).toHex();
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
