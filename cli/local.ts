import { consolePrincipal, principalNamed } from "../lib/access/mod.ts";
import { type Environment, readEnvironment } from "../lib/config/mod.ts";
import { type Database, migrationStatus } from "../lib/db/mod.ts";
import { LockstepError } from "../lib/errors/mod.ts";
import { startLogging } from "../lib/log/mod.ts";
import type { Services } from "../lib/web/mod.ts";
import { createApp, openConfigured, prepareDatabase, type Running, servicesOf } from "../main.ts";
import { Api, type Transport } from "./api.ts";
import { CliError, exitCode } from "./errors.ts";

/**
 * The application in this process, over the database that the environment names. Its routes are the
 * server's. Who may open the database may do everything; `as` acts with the rights of a user instead.
 *
 * @throws CliError when another process holds the database, or it needs migrations
 */
export async function openLocal(as: string | undefined): Promise<Api> {
  await registerRoutes();
  const { env, db } = await openPrepared();
  let running: Running | undefined;
  try {
    running = await servicesOf(db, env);
    const transport = await localTransport(running.services, as);
    const { stop } = running;
    return new Api({ ...transport, close: () => stop() });
  } catch (error) {
    await (running?.stop() ?? db.close());
    throw error;
  }
}

/**
 * The database at hand as a server would find it, for what is done to the database itself.
 *
 * @throws CliError when another process holds the database, or it needs migrations
 */
export async function openPrepared(): Promise<{ env: Environment; db: Database }> {
  const env = localEnvironment();
  await startLogging({ ...env, logLevel: "error", logFormat: "line" });
  const db = await openLocalDatabase(env);
  try {
    await requireMigrated(db);
    await prepareDatabase(db, { ...env, autoMigration: true });
    return { env, db };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Requests to the application over `services`, by the console or the user `as`. */
export async function localTransport(
  services: Services,
  as: string | undefined,
): Promise<Omit<Transport, "close">> {
  const user = as === undefined ? undefined : await principalNamed(services.db, as);
  if (as !== undefined && !user) {
    throw new CliError(`There is no active user ${JSON.stringify(as)}.`, exitCode.notFound);
  }
  const handler = createApp(user ? services : { ...services, console: consolePrincipal }).handler();
  return {
    name: "Lockstep",
    async send(request) {
      if (user) {
        const expires = new Date(Date.now() + 300_000);
        const token = await services.keys.sign({
          sub: String(user.userId),
          jti: crypto.randomUUID(),
          gen: user.tokenGeneration,
          username: user.username,
        }, expires);
        request.headers.set("Authorization", `Bearer ${token}`);
      }
      return await handler(request);
    },
  };
}

/** The server's environment, without what only a server needs: no Redis, no log file. */
export function localEnvironment(): Environment {
  return { ...readEnvironment(), redisUrl: undefined, logDir: "" };
}

/** Opens the database, or says how to do without. */
export async function openLocalDatabase(env: Environment): Promise<Database> {
  try {
    return await openConfigured({ ...env, databasePoolSize: Math.min(env.databasePoolSize, 4) });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== "data_directory_in_use") throw error;
    throw new CliError(
      `${error.message} Stop it, or send it the command, if that takes a server: --server ` +
        `http://${env.host}:${env.port}`,
      exitCode.unreachable,
      error,
    );
  }
}

/**
 * A new database is set up; one that servers of an older version may be running on is not changed
 * behind their backs.
 */
async function requireMigrated(db: Database): Promise<void> {
  const { applied, pending } = await migrationStatus(db);
  if (applied.length === 0 || pending.length === 0) return;
  throw new CliError(
    `The database needs the migrations ${pending.map(({ name }) => name).join(", ")}. Run: ` +
      "lockstep migrate",
  );
}

/** The build's routes, once. */
export async function registerRoutes(): Promise<void> {
  try {
    await import("../_fresh/snapshot.ts");
  } catch (cause) {
    // Another module that is missing, or one that is wrong, is no matter of the build.
    if (!(cause instanceof TypeError && /Module not found.*snapshot\.ts/.test(cause.message))) {
      throw cause;
    }
    throw new CliError("The pages are not built yet. Run: deno task build", 1, cause);
  }
}
