import { PGlite } from "@electric-sql/pglite";
import { type Database, migrate, openPglite, openPostgres } from "../../lib/db/mod.ts";
import { migrations } from "../../lib/db/migrations/mod.ts";
import { PostgresServer } from "./postgres_server.ts";
import { findPostgres } from "./programs.ts";

export type DatabaseKind = Database["kind"];

export interface TestDatabase extends AsyncDisposable {
  kind: DatabaseKind;
  db: Database;
  /** Of a server's database. */
  url?: string;
  /** Of an embedded database that is stored. */
  dataDir?: string;
}

/** Whether this machine can run tests against a PostgreSQL server. */
export const hasPostgres = Boolean(Deno.env.get("LOCKSTEP_TEST_DATABASE_URL") ?? findPostgres());

/** Registers a test once per kind of database, each with a fresh, migrated and empty one. */
export function eachDatabase(name: string, fn: (test: TestDatabase) => Promise<void>) {
  for (const kind of ["pglite", "postgres"] as const) {
    Deno.test({
      name: `${name} [${kind}]`,
      ignore: kind === "postgres" && !hasPostgres,
      async fn() {
        await using database = await openTestDatabase(kind);
        await fn(database);
      },
    });
  }
}

/**
 * A fresh, migrated and empty database. Embedded ones are in memory unless `stored` asks for a
 * directory. Disposing it closes and removes it.
 */
export async function openTestDatabase(
  kind: DatabaseKind,
  options: { stored?: boolean; poolSize?: number } = {},
): Promise<TestDatabase> {
  if (kind === "postgres") return await openClone(options.poolSize);
  const dataDir = options.stored ? await Deno.makeTempDir({ prefix: "lockstep-data-" }) : undefined;
  const db = await openPglite(dataDir ?? "memory://", await pgliteOptions());
  return {
    kind,
    db,
    dataDir,
    async [Symbol.asyncDispose]() {
      await db.close();
      if (dataDir) await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** Address of the server for this file's tests: the runner's, or one that ends with the process. */
export function postgresUrl(): Promise<string> {
  const given = isAlone ? undefined : Deno.env.get("LOCKSTEP_TEST_DATABASE_URL");
  return given ? Promise.resolve(given) : ownServer().then((server) => server.url());
}

let isAlone = false;

/**
 * Gives the tests of this file a server of their own. The databases of a server share the horizon of
 * its oldest transaction: where a test depends on that, no other file's may be open.
 */
export function useOwnServer(): void {
  isAlone = true;
}

const ownServer = once(() => PostgresServer.start({ quiet: true }));

async function openClone(poolSize?: number): Promise<TestDatabase> {
  const [server, template] = [await postgresUrl(), await templateDatabase()];
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await onServer(server, (admin) => admin.script(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const db = openPostgres(url, { max: poolSize });
  return {
    kind: "postgres",
    db,
    url,
    async [Symbol.asyncDispose]() {
      await db.close();
      await onServer(server, (admin) => admin.script(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}

/** Name of the migrated database that clones are made of. Made once per server. */
const templateDatabase = once(async () => {
  const server = await postgresUrl();
  const name = `template_${await schemaHash()}`;
  await onServer(server, async (admin) => {
    // Test files may run in parallel: the first makes the template, the others wait.
    const exists = "SELECT 1 FROM pg_database WHERE datname = $1 AND NOT datallowconn";
    if ((await admin.query(exists, [name])).length > 0) return;
    await admin.query("SELECT pg_advisory_lock(hashtext($1))", [name]);
    if ((await admin.query(exists, [name])).length === 0) {
      await admin.script(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.script(`CREATE DATABASE ${name}`);
      const db = openPostgres(Object.assign(new URL(server), { pathname: `/${name}` }).href);
      await migrate(db).finally(() => db.close());
      await admin.script(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    }
    await admin.query("SELECT pg_advisory_unlock(hashtext($1))", [name]);
  });
  return name;
});

async function onServer(url: string, fn: (admin: Database) => Promise<void>) {
  const admin = openPostgres(url, { max: 1 });
  try {
    await fn(admin);
  } finally {
    await admin.close();
  }
}

/**
 * What lets PGlite start in a fraction of a second instead of several: its compiled program, and a
 * dump of a migrated database, kept under node_modules/.cache.
 */
const pgliteOptions = once(async () => {
  const dist = new URL(".", import.meta.resolve("@electric-sql/pglite"));
  const [program, bundle] = await Promise.all([
    Deno.readFile(new URL("pglite.wasm", dist)).then((bytes) => WebAssembly.compile(bytes)),
    Deno.readFile(new URL("pglite.data", dist)),
  ]);
  const options = { pgliteWasmModule: program, fsBundle: new Blob([bundle]) };
  const cache = new URL("../../node_modules/.cache/lockstep/", import.meta.url);
  const file = new URL(`pglite-${await schemaHash(dist.href)}.tar`, cache);
  const stored = await Deno.readFile(file).catch(() => undefined);
  if (stored) return { ...options, loadDataDir: new Blob([stored]) };

  const dump = await migratedDump();
  await Deno.mkdir(cache, { recursive: true });
  const part = new URL(`${file.href}.${crypto.randomUUID()}`);
  await Deno.writeFile(part, dump.stream());
  await Deno.rename(part, file);
  return { ...options, loadDataDir: dump };
});

async function migratedDump(): Promise<Blob> {
  const directory = await Deno.makeTempDir({ prefix: "lockstep-data-" });
  try {
    const db = await openPglite(directory);
    await migrate(db).finally(() => db.close());
    const pglite = await PGlite.create(`${directory}/pgdata`);
    const dump = await pglite.dumpDataDir("none");
    await pglite.close();
    return dump;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function schemaHash(...more: string[]): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify([migrations, ...more]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return hash.toHex().slice(0, 16);
}

function once<T>(fn: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => result ??= fn();
}
