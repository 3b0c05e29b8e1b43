import "../../_fresh/snapshot.ts";
import { environmentReference, readEnvironment } from "../../lib/config/mod.ts";
import { createApp, type Running, servicesOf } from "../../main.ts";
import { openTestDatabase } from "./databases.ts";
import type { Database } from "../../lib/db/mod.ts";

/** The whole application in this process, on a database of its own. */
export interface TestApp extends AsyncDisposable {
  db: Database;
  running: Running;
  /** Sends a request to the application. `path` begins with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Signs in and gives the access token. */
  token(username: string, password: string, organization?: string): Promise<string>;
}

/** Opens the application on a fresh database; `prepare` fills it before the first request. */
export async function openTestApp(
  kind: Database["kind"],
  prepare?: (db: Database) => Promise<unknown>,
): Promise<TestApp> {
  const database = await openTestDatabase(kind);
  await prepare?.(database.db);
  const unset = Object.fromEntries(environmentReference().map(({ name }) => [name, undefined]));
  const env = readEnvironment({ ...unset, LOCKSTEP_SECRET: "k".repeat(40), LOCKSTEP_LOG_DIR: "" });
  const running = await servicesOf(database.db, env);
  const handler = createApp(running.services).handler();
  const app: TestApp = {
    db: database.db,
    running,
    fetch: (path, init) => handler(new Request(`http://localhost${path}`, init)),
    async token(username, password, organization) {
      const answer = await app.fetch("/api/sync/auth/token/", {
        method: "POST",
        body: JSON.stringify({ username, password, organization }),
      });
      return (await answer.json()).token;
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      await database[Symbol.asyncDispose]();
    },
  };
  return app;
}
