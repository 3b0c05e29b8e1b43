/** Composition root: configuration, database, stores, application, server. @module */
import { App, staticFiles } from "fresh";
import { demoBanner, type DemoSummary, loadDemo } from "./cli/demo/mod.ts";
import { failureOf, isDiskFull, messageOf } from "./cli/failure.ts";
import { OutsideIssuer, TokenKeys } from "./lib/access/mod.ts";
import {
  type Environment,
  environmentVariables,
  loadSecret,
  readEnvironment,
  trustedProxies,
} from "./lib/config/mod.ts";
import { type Database, migrate, migrationStatus, openDatabase } from "./lib/db/mod.ts";
import { LockstepError } from "./lib/errors/mod.ts";
import { BulkWorker, countByState, failingJobs, JobRunner } from "./lib/jobs/mod.ts";
import { logger, startLogging, stopLogging } from "./lib/log/mod.ts";
import { ModelCatalog } from "./lib/models/mod.ts";
import { createHealthCheck, Metrics, SyncRecorder } from "./lib/observe/mod.ts";
import { ChangeFeed, rememberSnapshot, renewIdentity, setRowSecurity } from "./lib/sync/mod.ts";
import {
  AccessFeed,
  apiErrors,
  bulkPush,
  collabOptions,
  createCollab,
  jobList,
  jobSchedules,
  LiveFeed,
  pageErrors,
  pageSession,
  RecordWatches,
  RequestDrain,
  requestState,
  securityHeaders,
  type Services,
  SettingsCache,
  type State,
} from "./lib/web/mod.ts";

/** How long an accepted request may go on when the server is told to stop, in milliseconds. */
const patience = 30_000;
/** What is left for the answers after that, in milliseconds. */
const lastWords = 5_000;

/** The services of one process, and how to end them. */
export interface Running {
  services: Services;
  /** The recurring jobs. They run by hand alone until `start`. */
  jobs: JobRunner;
  /** Writes bulk pushes from `start` on. */
  bulk: BulkWorker;
  /** Tells streams to end, waits for `drained`, writes what waits, closes the database. */
  stop(drained?: Promise<void>): Promise<void>;
}

/** Opens the database, brings it into the state that the environment wants, and makes the services. */
async function createServices(env: Environment): Promise<Running> {
  const db = await openConfigured(env);
  try {
    await prepareDatabase(db, env);
    const running = await servicesOf(db, env);
    // Not for commands, which may run without the server's variables and would take the wall down.
    if (db.kind === "postgres") {
      const { models } = await running.services.catalog.current();
      await setRowSecurity(db, models, env.rowSecurity);
    }
    return running;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * Opens the database that the environment names.
 *
 * @throws LockstepError `data_directory_in_use`, or `invalid_configuration` when the embedded database
 *   cannot be opened
 */
export async function openConfigured(env: Environment): Promise<Database> {
  try {
    return await openDatabase({ ...env, poolSize: env.databasePoolSize });
  } catch (cause) {
    if (env.databaseUrl || cause instanceof LockstepError) throw cause;
    const { NotCapable, NotADirectory, NotFound, PermissionDenied } = Deno.errors;
    const refused = [NotCapable, NotADirectory, NotFound, PermissionDenied]
      .some((kind) => cause instanceof kind);
    const why = refused
      ? "this process may not read and write there. Give its user the directory, and Deno " +
        "--allow-write of it, or set DATABASE_URL."
      : isDiskFull(cause)
      ? "the disk is full. Make room on it, and start again."
      : `${messageOf(cause)}. Set LOCKSTEP_DATA_DIR to a backup of it or to an empty directory.`;
    throw new LockstepError(
      "invalid_configuration",
      `The embedded database in LOCKSTEP_DATA_DIR (${env.dataDir}) cannot be opened: ${why}`,
      { cause },
    );
  }
}

/** Brings the schema up to date, and notices a database that is a copy of another. */
export async function prepareDatabase(db: Database, env: Environment): Promise<void> {
  const { pending } = await migrationStatus(db);
  if (pending.length > 0 && !env.autoMigration) {
    throw new LockstepError(
      "invalid_configuration",
      `The database needs the migrations ${pending.map(({ name }) => name).join(", ")}, and ` +
        "LOCKSTEP_AUTO_MIGRATION is off. Run lockstep migrate, or switch it on.",
    );
  }
  for (const name of await migrate(db, env.migrationTimeout)) {
    logger("db").info("Applied the migration {name}.", { name });
    const sql = pending.find((migration) => migration.name === name)?.sql;
    if (env.migrationVerbose) logger("db").info("{name} ran {sql}", { name, sql });
  }
  if (await renewIdentity(db)) {
    logger("sync").warning(
      "The database is a copy or was recovered. Every client will start over with its next pull.",
    );
  }
  await rememberSnapshot(db);
}

/** Makes the services over an open, migrated database. */
export async function servicesOf(db: Database, env: Environment): Promise<Running> {
  const stopping = new AbortController();
  const access = new AccessFeed();
  await access.start(db);
  const recorder = new SyncRecorder(db);
  const changes = new ChangeFeed(db);
  const catalog = new ModelCatalog(db);
  const settings = new SettingsCache(db, access);
  const collab = await createCollab(db, env, await settings.current(), catalog);
  const report = (error: unknown) =>
    logger("collab").error("Collaboration failed: {error}", { error });
  access.listen(() => {
    settings.current().then((now) => collab.configure(collabOptions(now))).catch(report);
    void collab.recheck();
  });
  const services: Services = {
    env,
    db,
    catalog,
    settings,
    keys: new TokenKeys(await loadSecret(env)),
    outside: env.jwks && new OutsideIssuer(env.jwks),
    recorder,
    metrics: new Metrics({
      db,
      pool: db.pool,
      sockets: () => ({
        events: changes.subscribers,
        collaboration: collab.stats().connections,
      }),
      locks: () => collab.stats().editors,
      redis: env.redisUrl ? () => collab.stats().storeAvailable : undefined,
      bulk: () => countByState(db),
      jobs: () => failingJobs(db),
      recorder,
    }),
    health: createHealthCheck({ db, redis: env.redisUrl ? collab : undefined, logDir: env.logDir }),
    changes,
    collab,
    watches: new RecordWatches({ db, catalog, changes, collab, report }),
    access,
    stopping: stopping.signal,
    trusts: trustedProxies(env.trustProxy),
    live: new LiveFeed(db),
    // Both work with the services that they are part of.
    get jobs() {
      return jobs;
    },
    get bulk() {
      return bulk;
    },
  };
  const bulk: BulkWorker = new BulkWorker({ db, pushPart: bulkPush(services) });
  const jobs: JobRunner = new JobRunner({
    db,
    jobs: jobList(services, bulk),
    schedules: async () => jobSchedules(await services.settings.current()),
    finished: (...run) => services.metrics.job(...run),
  });
  return {
    services,
    jobs,
    bulk,
    async stop(drained) {
      stopping.abort();
      await collab.close();
      await Promise.all([drained, jobs.stop(), bulk.stop()]);
      changes.close();
      await access.close();
      await recorder.close();
      await db.close();
    },
  };
}

/** The application over `services`; its routes are those of the build that was registered before. */
export function createApp(services: Services): App<State> {
  return new App<State>()
    .use((ctx) => {
      ctx.state.services = services;
      return ctx.next();
    })
    .use(requestState)
    .use(securityHeaders)
    .use(apiErrors)
    .use(pageErrors)
    .use(staticFiles())
    .use(pageSession)
    .fsRoutes();
}

/**
 * Serves until SIGINT or SIGTERM; requests that were accepted are answered first. `given` wins over
 * the environment's variables.
 *
 * @throws LockstepError `invalid_configuration` when HOST and PORT cannot be listened on
 */
export async function serve(demo = false, given: Record<string, string> = {}): Promise<void> {
  const read = readEnvironment({ ...environmentVariables(), ...given });
  const env = demo ? demoEnvironment(read) : read;
  await startLogging(env);
  const { services, jobs, bulk, stop } = await createServices(env);
  const summary = demo ? await loadDemo(services.db) : undefined;
  await jobs.start();
  await bulk.start();
  const drain = new RequestDrain();
  let server: Deno.HttpServer;
  try {
    server = listen(env, drain.wrap(createApp(services).handler()), summary);
  } catch (error) {
    await stop();
    throw error;
  }
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", resolve);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", resolve);
  await signalled;
  await stop(finish(server, drain));
  await stopLogging();
}

/** Answers what was accepted, for as long as there is patience. */
async function finish(server: Deno.HttpServer, drain: RequestDrain): Promise<void> {
  const started = performance.now();
  const late = (after: number) =>
    new Promise<void>((resolve) => Deno.unrefTimer(setTimeout(resolve, after)));
  await Promise.race([drain.drained(), late(patience)]);
  const left = patience - (performance.now() - started);
  await Promise.race([server.shutdown(), late(Math.max(left, lastWords))]);
}

function listen(
  env: Environment,
  handler: Deno.ServeHandler,
  summary: DemoSummary | undefined,
): Deno.HttpServer {
  try {
    return Deno.serve({
      port: env.port,
      hostname: env.host,
      onListen({ hostname, port }) {
        const host = hostname === "0.0.0.0" || hostname === "::"
          ? "localhost"
          : hostname.includes(":")
          ? `[${hostname}]`
          : hostname;
        const origin = env.publicUrl ?? `http://${host}:${port}`;
        console.log(summary ? demoBanner(origin, summary) : `Lockstep is ready at ${origin}`);
      },
    }, handler);
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "another program listens there"
      : cause instanceof Deno.errors.PermissionDenied
      ? "the system does not allow it"
      : cause instanceof Deno.errors.AddrNotAvailable
      ? "this machine has no such address"
      : /lookup address/.test(String(cause))
      ? "nobody knows that name"
      : undefined;
    if (!why) throw cause;
    throw new LockstepError(
      "invalid_configuration",
      `Port ${env.port} of ${env.host} cannot be listened on: ${why}. Set others in PORT and HOST, ` +
        "or with --port and --host.",
      { cause },
    );
  }
}

/** The demo never touches a database that somebody may use: its users' password is public. */
function demoEnvironment(env: Environment): Environment {
  if (env.databaseUrl) {
    throw new LockstepError(
      "invalid_configuration",
      "The demo has users with a public password, so it runs on its own embedded database alone. " +
        "Unset DATABASE_URL to see it.",
    );
  }
  return { ...env, dataDir: `${env.dataDir}/demo` };
}

// The build's entry, `_fresh/server.ts`, registers routes and islands and then imports this file.
if (import.meta.main || Deno.mainModule.endsWith("/_fresh/server.ts")) {
  try {
    await serve();
    Deno.exit(0);
  } catch (error) {
    const { message, unexpected } = failureOf(error);
    console.error(message);
    if (unexpected && /^(debug|trace)$/.test(environmentVariables().LOCKSTEP_LOG_LEVEL ?? "")) {
      console.error(error);
    }
    Deno.exit(1);
  }
}
