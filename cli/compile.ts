/**
 * Makes `dist/lockstep`: the command line, the server, the embedded database and the admin as one
 * file for machines without Deno or Node. It is a shell script with the Deno binary and the bundled
 * program behind it, which it unpacks once. `deno compile` would need to download its runtime.
 * @module
 */
import * as esbuild from "esbuild";
import { cp } from "node:fs/promises";
import { builtinModules } from "node:module";
import { build } from "../lib/fresh/build.ts";
import { VENDOR_FILES } from "../lib/ui/mod.ts";
import { version } from "../lib/web/mod.ts";

/** Deno knows Node's own modules by their full names alone; packages leave the prefix out. */
const nodeBuiltins: esbuild.Plugin = {
  name: "node-builtins",
  setup(build) {
    const names = builtinModules.filter((name) => !name.startsWith("_"));
    build.onResolve({ filter: new RegExp(`^(node:)?(${names.join("|")})$`) }, ({ path }) => ({
      path: path.startsWith("node:") ? path : `node:${path}`,
      external: true,
    }));
  },
};

/** The program in one module, and beside it the files that it reads. */
async function bundle(directory: string): Promise<void> {
  try {
    await esbuild.build({
      entryPoints: ["cli/lockstep.ts"],
      outfile: `${directory}/lockstep.js`,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "esnext",
      jsx: "automatic",
      jsxImportSource: "preact",
      minifyWhitespace: true,
      minifySyntax: true,
      // Names of classes and functions are in log entries.
      keepNames: true,
      alias: { "fresh": "./lib/fresh/mod.ts", "fresh/runtime": "./lib/fresh/runtime.ts" },
      nodePaths: ["node_modules"],
      // The bundle is one module, of which main.ts is a part that shall not start by itself.
      define: { "import.meta.main": "false" },
      banner: {
        js: 'import { createRequire as $require } from "node:module";\n' +
          "const require = $require(import.meta.url);",
      },
      plugins: [nodeBuiltins],
      logLevel: "warning",
    });
  } finally {
    await esbuild.stop();
  }
  await cp("_fresh/static", `${directory}/static`, { recursive: true });
  // PGlite looks for them beside the module that it is in.
  const pglite = new URL(".", import.meta.resolve("@electric-sql/pglite"));
  for await (const { name } of Deno.readDir(pglite)) {
    if (!/^(pglite|initdb)\.(wasm|data)$/.test(name)) continue;
    await Deno.copyFile(new URL(name, pglite), `${directory}/${name}`);
  }
}

/** Writes the script and the archive behind it. Resolves to the size in bytes. */
async function pack(directory: string, outDir: string): Promise<number> {
  const file = `${outDir}/lockstep`;
  const archive = `${directory}.tgz`;
  try {
    await run("tar", ["-C", directory, "-cf", `${archive}.tar`, "deno", "app"]);
    using tar = await Deno.open(`${archive}.tar`);
    using out = await Deno.open(archive, { create: true, write: true, truncate: true });
    await tar.readable.pipeThrough(new CompressionStream("gzip")).pipeTo(out.writable);
  } finally {
    await Deno.remove(`${archive}.tar`).catch(() => {});
  }
  try {
    const bytes = await Deno.readFile(archive);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
    const script = new TextEncoder().encode(stub(`${version}-${hash}`));
    await Deno.mkdir(outDir, { recursive: true });
    // A copy that runs is never overwritten in place.
    const part = `${file}.part`;
    await Deno.writeFile(part, script, { mode: 0o755 });
    await Deno.writeFile(part, bytes, { append: true });
    await Deno.chmod(part, 0o755);
    await Deno.rename(part, file);
    return script.length + bytes.length;
  } finally {
    await Deno.remove(archive);
  }
}

async function run(command: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args }).spawn().status;
  if (!success) throw new Error(`${command} failed`);
}

/**
 * The head of the file. It needs a POSIX shell, tail, tar and gzip, wherever PATH leads. A directory
 * that another user could have prepared is not trusted: what is in it is run.
 */
function stub(name: string): string {
  const permissions = ["net", "read", "write", "env", "sys"].map((part) => `--allow-${part}`);
  const text = (lines: number) =>
    `#!/bin/sh
# Lockstep ${name}. Behind this script is an archive, which it unpacks once.
set -eu
PATH="\${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin"
fail() { echo "lockstep: $1" >&2; exit 1; }
own() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }
case $0 in */*) self=$0 ;; *) self=$(command -v -- "$0") ;; esac
base=\${XDG_CACHE_HOME:-\${HOME:+$HOME/.cache}}
if [ -n "$base" ] && mkdir -p "$base/lockstep" 2>/dev/null && own "$base/lockstep" && [ -w "$base/lockstep" ]; then
  base=$base/lockstep
else
  base=\${TMPDIR:-/tmp}/lockstep-$(id -u)
  (umask 077 && mkdir "$base") 2>/dev/null || own "$base" ||
    fail "$base belongs to somebody else. Set XDG_CACHE_HOME to a directory of yours."
fi
home=$base/${name}
if [ ! -x "$home/deno" ]; then
  part=$base/.part-$$
  (umask 077 && mkdir "$part") || fail "$base cannot be written. Set XDG_CACHE_HOME to a directory of yours."
  trap 'rm -rf "$part"' EXIT
  tail -n +${lines} "$self" | tar -xzf - -C "$part" || fail "The archive cannot be unpacked into $base."
  mv "$part" "$home" 2>/dev/null || true
  # Another process may have been first: then the directory was moved into its own.
  rm -rf "$home/.part-$$"
  trap - EXIT
fi
export DENO_DIR="$home/cache" DENO_NO_UPDATE_CHECK=1
exec "$home/deno" run --quiet --no-prompt --no-config --no-remote --no-npm --unstable-cron \\
  ${permissions.join(" ")} \\
  "$home/app/lockstep.js" "$@"
`;
  return text(text(0).split("\n").length);
}

const outDir = Deno.args[0] ?? "dist";
const staging = await Deno.makeTempDir({ prefix: "lockstep-compile-" });
try {
  await build({ root: ".", outDir: "_fresh", files: VENDOR_FILES });
  await bundle(`${staging}/app`);
  await Deno.copyFile(Deno.execPath(), `${staging}/deno`);
  await Deno.chmod(`${staging}/deno`, 0o755);
  const size = await pack(staging, outDir);
  console.log(
    `${outDir}/lockstep: ${Math.round(size / 2 ** 20)} MiB, for ${Deno.build.target}. It unpacks ` +
      "itself into the user's cache when it runs for the first time.",
  );
} finally {
  await Deno.remove(staging, { recursive: true });
}
Deno.exit(0);
