/** Oldest PostgreSQL that Lockstep supports. */
const oldestPostgres = 13;

/** Directory of the newest PostgreSQL server's programs, or undefined. */
export function findPostgres(): string | undefined {
  const installed = listDirectory("/usr/lib/postgresql")
    .filter((version) => Number(version) >= oldestPostgres)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((directory) => isFile(`${directory}/initdb`));
  return installed ?? inPath("initdb")?.replace(/\/initdb$/, "");
}

export function findRedis(): string | undefined {
  return inPath("redis-server") ?? inPath("valkey-server");
}

export function findChromium(): string | undefined {
  return inPath("chromium") ?? inPath("chromium-browser") ?? inPath("google-chrome");
}

function inPath(program: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":").map((directory) => `${directory}/${program}`)
    .find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function listDirectory(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map((entry) => entry.name);
  } catch {
    return [];
  }
}
