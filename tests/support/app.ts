import "../../_fresh/snapshot.ts";
import { environmentReference, readEnvironment } from "../../lib/config/mod.ts";
import type { Database } from "../../lib/db/mod.ts";
import { createApp, type Running, servicesOf } from "../../main.ts";
import { startCluster } from "./cluster.ts";
import { openTestDatabase } from "./databases.ts";
import { until } from "./until.ts";

/** The whole application on a database of its own: in this process, or as two processes. */
export interface TestApp extends AsyncDisposable {
  db: Database;
  /** This process's services. Of an application of two processes it is the third, without requests. */
  running: Running;
  /** Where requests go that `fetch` sends. */
  origin: string;
  /** Sends a request to the application. `path` begins with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Signs in and gives the access token. */
  token(username: string, password: string, organization?: string): Promise<string>;
  /** Resolves when the pushes and pulls that were answered are in the sync log. */
  recorded(): Promise<void>;
  /**
   * Resolves when `condition`, which makes one request, holds in every process: what one of them
   * changes, the others take up a moment later.
   */
  everywhere(condition: () => Promise<boolean>): Promise<void>;
  /** The application on a port of 127.0.0.1. */
  serve(): Site;
}

export interface Site extends AsyncDisposable {
  origin: string;
}

/**
 * Kinds of database that an application can be opened on. Two processes, which
 * LOCKSTEP_TEST_PROCESSES=2 asks for, can share a server's alone.
 */
export let appKinds: readonly Database["kind"][] = ["pglite", "postgres"];

/** Makes the applications of this file two processes behind a proxy that shares out requests. */
export function useTwoProcesses(): void {
  appKinds = ["postgres"];
}

if (Deno.env.get("LOCKSTEP_TEST_PROCESSES") === "2") useTwoProcesses();

/** Whether a test is left out with two processes, for it needs the one of its own: `why` says what for. */
export function needsOneProcess(why: string): boolean {
  const leftOut = !appKinds.includes("pglite");
  if (leftOut) console.info(`A test is left out with two processes: ${why}`);
  return leftOut;
}

/**
 * Opens the application on a fresh database; `prepare` fills it before the first request. `variables`
 * are its environment's.
 */
export async function openTestApp(
  kind: Database["kind"],
  prepare?: (db: Database) => Promise<unknown>,
  variables: Record<string, string> = {},
): Promise<TestApp> {
  const shared = !appKinds.includes("pglite");
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openTestDatabase(shared ? "postgres" : kind));
  await prepare?.(database.db);
  const unset = Object.fromEntries(environmentReference().map(({ name }) => [name, undefined]));
  const given = { LOCKSTEP_SECRET: "k".repeat(40), LOCKSTEP_LOG_DIR: "", ...variables };
  const running = await servicesOf(database.db, readEnvironment({ ...unset, ...given }));
  opened.defer(() => running.stop());
  const cluster = shared ? opened.use(await startCluster(database.url!, given)) : undefined;
  const handler = createApp(running.services).handler();
  const parts = opened.move();
  const app: TestApp = {
    db: database.db,
    origin: cluster?.origin ?? "http://localhost",
    running,
    fetch: (path, init) =>
      cluster
        ? fetch(`${app.origin}${path}`, { redirect: "manual", ...init })
        : handler(new Request(`${app.origin}${path}`, init)),
    async token(username, password, organization) {
      const answer = await app.fetch("/api/sync/auth/token/", {
        method: "POST",
        body: JSON.stringify({ username, password, organization }),
      });
      return (await answer.json()).token;
    },
    // Each request goes to the other process.
    everywhere: (condition) =>
      until(async () => await condition() && (!cluster || await condition())),
    recorded: () => cluster ? cluster.recorded() : running.services.recorder.flush(),
    serve() {
      if (cluster) return { origin: cluster.origin, async [Symbol.asyncDispose]() {} };
      const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
      return {
        origin: `http://127.0.0.1:${server.addr.port}`,
        [Symbol.asyncDispose]: () => server.shutdown(),
      };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
  return app;
}
