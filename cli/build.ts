/** Builds islands, static files and the route list into `_fresh/`. `--dev` keeps them readable. @module */
import { build } from "../lib/fresh/build.ts";
import { VENDOR_FILES } from "../lib/ui/mod.ts";

await build({
  root: ".",
  outDir: "_fresh",
  dev: Deno.args.includes("--dev"),
  files: VENDOR_FILES,
});
Deno.exit(0);
