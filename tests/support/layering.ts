/** Folders of lib by rung: each imports only from lower rungs. */
const rungs = [
  ["errors", "protocol"],
  ["config", "log", "ui", "fresh"],
  ["db"],
  ["models", "audit"],
  ["access"],
  ["sync", "collab", "jobs", "observe"],
  ["web"],
];
const rungOf = new Map(rungs.flatMap((names, rung) => names.map((name) => [name, rung])));

/** What islands may import, beside each other: it all goes to the browser. */
const browserImports = [
  ...["lib/protocol/mod.ts", "lib/ui/mod.ts", "lib/fresh/runtime.ts"],
  ...["preact", "@preact/signals", "bootstrap", "chart.js"],
];

/** Edges beside mod.ts: what the browser gets, what builds, what a generated build registers with. */
const otherEdges = ["runtime", "build", "internal"].map((name) => `lib/fresh/${name}.ts`);

/** Packages that speak SQL. */
const databasePackages = ["postgres", "@electric-sql/pglite"];

/** Program text by path from the root of the repository. */
export type Sources = Record<string, string>;

/** Sentences that say where `sources` break the layering of the design. */
export function layeringProblems(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) => {
    const imports = importsOf(path, text);
    return [
      ...imports.flatMap((target) => importProblem(path, target) ?? []),
      ...textProblems(path, text),
    ].map((problem) => `${path} ${problem}`);
  });
}

function importProblem(path: string, target: string): string | undefined {
  const from = folderOf(path);
  const to = folderOf(target);
  if (from.top === "islands") {
    const allowed = to.top === "islands" ||
      browserImports.some((name) => target === name || target.startsWith(`${name}/`));
    return allowed ? undefined : `imports ${target}, which is not for the browser`;
  }
  if (from.top === "routes" && databasePackages.includes(target)) {
    return `imports ${target}, but SQL belongs in lib`;
  }
  if (from.top === "lib" && ["routes", "islands", "cli"].includes(to.top)) {
    return `imports ${target}, which is above lib`;
  }
  if (to.top !== "lib" || from.name === to.name) return;
  if (from.top === "lib") {
    const [rung, lower] = [rungOf.get(from.name), rungOf.get(to.name)];
    if (rung === undefined || lower === undefined) {
      return `imports ${target}, but the design gives no rung to one of the folders`;
    }
    if (lower >= rung) return `imports ${target}, which is not on a lower rung`;
  }
  const isEdge = target === `lib/${to.name}/mod.ts` || otherEdges.includes(target);
  return isEdge ? undefined : `imports ${target} instead of lib/${to.name}/mod.ts`;
}

function textProblems(path: string, text: string): string[] {
  const { top, name } = folderOf(path);
  const problems = [];
  const code = withoutComments(text);
  if (top !== "cli" && !(top === "lib" && name === "config") && /\bDeno\.env\b/.test(code)) {
    problems.push("reads Deno.env, which is for lib/config alone");
  }
  const sql = /\b(?:SELECT\s[^;]*\sFROM|INSERT\s+INTO|UPDATE\s+[\w."]+\s+SET|DELETE\s+FROM)\s/;
  if (top === "routes" && (sql.test(code))) {
    problems.push("contains SQL, which belongs in lib");
  }
  return problems;
}

/** Paths from the root, and package names, that the module at `path` imports. */
function importsOf(path: string, text: string): string[] {
  const statement = /^\s*(?:import|export)\s(?:[^;"'`]*?\sfrom\s+)?["']([^"']+)["']/gm;
  const call = /\bimport\(\s*["']([^"']+)["']/g;
  const code = withoutComments(text);
  return [...code.matchAll(statement), ...code.matchAll(call)].map(([, specifier]) => {
    if (specifier === "fresh") return "lib/fresh/mod.ts";
    if (specifier === "fresh/runtime") return "lib/fresh/runtime.ts";
    return specifier.startsWith(".")
      ? new URL(specifier, `file:///${path}`).pathname.slice(1)
      : specifier;
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function folderOf(path: string): { top: string; name: string } {
  const [top, name = ""] = path.split("/");
  return top === "lib" ? { top, name } : { top, name: top };
}
