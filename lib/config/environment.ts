import { type FieldProblem, LockstepError } from "../errors/mod.ts";
import { environmentVariables } from "./env_file.ts";
import { type Secret, type Variable, variables } from "./variables.ts";

/** The configuration of one process, read once at its start and frozen. Times are milliseconds. */
export interface Environment {
  port: number;
  host: string;
  /** Absent: the embedded database in `dataDir`. */
  databaseUrl?: string;
  databasePoolSize: number;
  dataDir: string;
  /** Absent: rooms, locks and events live in this process's memory. */
  redisUrl?: string;
  redis: {
    maxRetries: number;
    retryDelay: number;
    socketTimeout: number;
    maxConnections: number;
  };
  /** The first signs, all of them verify. Absent: `loadSecret` makes one. */
  secrets?: readonly Secret[];
  /** Empty: no log file. */
  logDir: string;
  logLevel: "trace" | "debug" | "info" | "warning" | "error" | "fatal";
  logFormat: "json" | "line";
  /** Opens `/metrics`. Absent: closed. */
  metricsToken?: string;
  /** Pulls read behind row level security. */
  rowSecurity: boolean;
  autoMigration: boolean;
  migrationTimeout: number;
  migrationVerbose: boolean;
  /** Addresses and networks whose `X-Forwarded-*` headers are believed: see `trustedProxies`. */
  trustProxy: readonly string[];
  /** Origin under which clients reach this server, without a final slash. */
  publicUrl?: string;
  /** The outside issuer whose tokens are accepted, and the claim that names the user. */
  jwks?: { url: string; issuer: string; audience: string; claim: string };
}

/**
 * Reads and checks every variable: the process's own environment, over a `.env` file.
 *
 * @throws LockstepError `invalid_configuration` with one sentence for each wrong variable.
 */
export function readEnvironment(
  source: Record<string, string | undefined> = environmentVariables(),
): Environment {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, message: string) => problems.push({ field, message });
  const read = <T>(name: keyof typeof variables & string): T => {
    const variable: Variable = variables[name];
    const given = source[name];
    // Container files and process managers write "not set" as an empty value.
    const absent = given === undefined || (given.trim() === "" && !variable.emptyMeans);
    const { success, data } = variable.schema.safeParse(absent ? variable.fallback : given!.trim());
    if (!success) refuse(name, `${name} ${wrong(variable, given!)}`);
    return data as T;
  };

  const environment: Environment = {
    port: read("PORT"),
    host: read("HOST"),
    databaseUrl: read("DATABASE_URL"),
    databasePoolSize: read("DATABASE_POOL_SIZE"),
    dataDir: read("LOCKSTEP_DATA_DIR"),
    redisUrl: read("REDIS_URL"),
    redis: {
      maxRetries: read("LOCKSTEP_REDIS_MAX_RETRIES"),
      retryDelay: read("LOCKSTEP_REDIS_RETRY_DELAY"),
      socketTimeout: read("LOCKSTEP_REDIS_SOCKET_TIMEOUT"),
      maxConnections: read("LOCKSTEP_REDIS_MAX_CONNECTIONS"),
    },
    secrets: read("LOCKSTEP_SECRET"),
    logDir: read("LOCKSTEP_LOG_DIR"),
    logLevel: read("LOCKSTEP_LOG_LEVEL"),
    logFormat: read("LOCKSTEP_LOG_FORMAT"),
    metricsToken: read("LOCKSTEP_METRICS_TOKEN"),
    rowSecurity: read("LOCKSTEP_ROW_SECURITY"),
    autoMigration: read("LOCKSTEP_AUTO_MIGRATION"),
    migrationTimeout: read("LOCKSTEP_MIGRATION_TIMEOUT"),
    migrationVerbose: read("LOCKSTEP_MIGRATION_VERBOSE"),
    trustProxy: read("LOCKSTEP_TRUST_PROXY"),
    publicUrl: read("LOCKSTEP_PUBLIC_URL"),
  };
  const url = read<string | undefined>("LOCKSTEP_JWKS_URL");
  const issuer = read<string | undefined>("LOCKSTEP_JWKS_ISSUER");
  const audience = read<string | undefined>("LOCKSTEP_JWKS_AUDIENCE");
  const claim = read<string>("LOCKSTEP_JWKS_CLAIM");
  const given = (name: string) => (source[name] ?? "").trim() !== "";

  if (given("DATABASE_URL") && !given("LOCKSTEP_SECRET")) {
    refuse(
      "LOCKSTEP_SECRET",
      "LOCKSTEP_SECRET is not set, but DATABASE_URL is: processes that share a database must share " +
        `${variables.LOCKSTEP_SECRET.right}.`,
    );
  }
  if (url) {
    // Without both, a token that the issuer made for another application would be accepted here.
    for (const name of ["LOCKSTEP_JWKS_ISSUER", "LOCKSTEP_JWKS_AUDIENCE"] as const) {
      if (given(name)) continue;
      refuse(name, `${name} is not set, but LOCKSTEP_JWKS_URL is: set ${variables[name].right}.`);
    }
    if (issuer && audience) environment.jwks = { url, issuer, audience, claim };
  }
  if (problems.length > 0) {
    const text = problems.map(({ message }) => message).join("\n");
    throw new LockstepError("invalid_configuration", text, { errors: problems });
  }
  return freeze(environment);
}

/** Why `text` is no value of the variable, worded to follow its name; undefined when it is one. */
export function variableProblem(
  name: keyof typeof variables,
  text: string,
): string | undefined {
  const variable: Variable = variables[name];
  return variable.schema.safeParse(text.trim()).success ? undefined : wrong(variable, text);
}

function wrong({ secret, right }: Variable, text: string): string {
  return `${secret ? "" : `is ${JSON.stringify(text)}, but `}must be ${right}.`;
}

/** Every variable that is read; the README's table is compared with it. */
export function environmentReference(): { name: string; default: string; meaning: string }[] {
  return Object.entries<Variable>(variables).map(([name, { fallback, emptyMeans, meaning }]) => ({
    name,
    default: fallback ?? emptyMeans ?? "",
    meaning,
  }));
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (part && typeof part === "object") freeze(part);
  return Object.freeze(value);
}
