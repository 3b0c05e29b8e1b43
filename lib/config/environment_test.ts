import { expect } from "expect";
import { LockstepError } from "../errors/mod.ts";
import { environmentVariables } from "./env_file.ts";
import { environmentReference, readEnvironment } from "./environment.ts";
import { loadSecret } from "./load_secret.ts";
import { trustedProxies } from "./variables.ts";

const secret = "0123456789abcdef0123456789abcdef";

function problems(source: Record<string, string>): Record<string, string> {
  try {
    readEnvironment(source);
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    const { code, errors, message } = error as LockstepError;
    expect(code).toBe("invalid_configuration");
    expect(message).toBe(errors!.map((problem) => problem.message).join("\n"));
    return Object.fromEntries(errors!.map((problem) => [problem.field, problem.message]));
  }
  return {};
}

Deno.test("readEnvironment() gives documented defaults for an empty environment", () => {
  expect(readEnvironment({})).toEqual({
    port: 8000,
    host: "127.0.0.1",
    databasePoolSize: 10,
    dataDir: "./data",
    redis: { maxRetries: 3, retryDelay: 500, socketTimeout: 5000, maxConnections: 10 },
    logDir: "logs",
    logLevel: "info",
    logFormat: "json",
    rowSecurity: false,
    autoMigration: true,
    migrationTimeout: 300_000,
    migrationVerbose: false,
    trustProxy: [],
  });
});

Deno.test("readEnvironment() reads every variable", () => {
  const env = readEnvironment({
    PORT: "0",
    HOST: "0.0.0.0",
    DATABASE_URL: "postgresql://u:p@db/x",
    DATABASE_POOL_SIZE: "3",
    LOCKSTEP_DATA_DIR: "/var/lib/lockstep",
    LOCKSTEP_SECRET: ` new:${secret}n , old:${secret}o`,
    LOCKSTEP_PUBLIC_URL: "https://Sync.example.org/",
    LOCKSTEP_TRUST_PROXY: "loopback, 10.0.0.0/8,2001:db8::1",
    REDIS_URL: "rediss://r:6380/1",
    LOCKSTEP_REDIS_MAX_RETRIES: "0",
    LOCKSTEP_REDIS_RETRY_DELAY: "0.25",
    LOCKSTEP_REDIS_SOCKET_TIMEOUT: "2",
    LOCKSTEP_REDIS_MAX_CONNECTIONS: "4",
    LOCKSTEP_LOG_DIR: "",
    LOCKSTEP_LOG_LEVEL: "WARNING",
    LOCKSTEP_LOG_FORMAT: "line",
    LOCKSTEP_METRICS_TOKEN: "metrics-0123456789",
    LOCKSTEP_ROW_SECURITY: "on",
    LOCKSTEP_AUTO_MIGRATION: "False",
    LOCKSTEP_MIGRATION_TIMEOUT: "10",
    LOCKSTEP_MIGRATION_VERBOSE: "1",
    LOCKSTEP_JWKS_URL: "https://id.example.org/jwks",
    LOCKSTEP_JWKS_ISSUER: "https://id.example.org",
    LOCKSTEP_JWKS_AUDIENCE: "lockstep",
    LOCKSTEP_JWKS_CLAIM: "email",
  });
  expect(env).toEqual({
    port: 0,
    host: "0.0.0.0",
    databaseUrl: "postgresql://u:p@db/x",
    databasePoolSize: 3,
    dataDir: "/var/lib/lockstep",
    secrets: [{ kid: "new", secret: `${secret}n` }, { kid: "old", secret: `${secret}o` }],
    publicUrl: "https://sync.example.org",
    trustProxy: ["loopback", "10.0.0.0/8", "2001:db8::1"],
    redisUrl: "rediss://r:6380/1",
    redis: { maxRetries: 0, retryDelay: 250, socketTimeout: 2000, maxConnections: 4 },
    logDir: "",
    logLevel: "warning",
    logFormat: "line",
    metricsToken: "metrics-0123456789",
    rowSecurity: true,
    autoMigration: false,
    migrationTimeout: 10_000,
    migrationVerbose: true,
    jwks: {
      url: "https://id.example.org/jwks",
      issuer: "https://id.example.org",
      audience: "lockstep",
      claim: "email",
    },
  });
});

Deno.test("readEnvironment() takes an empty value for an absent one", () => {
  const names = environmentReference().map(({ name }) => [name, " "]);
  expect({ ...readEnvironment(Object.fromEntries(names)), logDir: "logs" })
    .toEqual({ ...readEnvironment({}) });
});

Deno.test("readEnvironment() freezes what it returns, deeply", () => {
  const env = readEnvironment({ LOCKSTEP_SECRET: secret });
  expect(() => (env as { port: number }).port = 1).toThrow(TypeError);
  expect(() => (env.redis as { maxRetries: number }).maxRetries = 1).toThrow(TypeError);
  expect(() => (env.secrets![0] as { secret: string }).secret = "").toThrow(TypeError);
});

Deno.test("readEnvironment() names variable, value and remedy of all wrong values at once", () => {
  expect(problems({
    PORT: "80a",
    LOCKSTEP_LOG_LEVEL: "loud",
    LOCKSTEP_AUTO_MIGRATION: "maybe",
    LOCKSTEP_MIGRATION_TIMEOUT: "-1",
    LOCKSTEP_TRUST_PROXY: "10.0.0.0/33",
    LOCKSTEP_PUBLIC_URL: "https://x.org/path",
  })).toEqual({
    PORT: 'PORT is "80a", but must be a whole number from 0 to 65535.',
    LOCKSTEP_LOG_LEVEL:
      'LOCKSTEP_LOG_LEVEL is "loud", but must be one of trace, debug, info, warning, error, fatal.',
    LOCKSTEP_AUTO_MIGRATION: 'LOCKSTEP_AUTO_MIGRATION is "maybe", but must be true or false.',
    LOCKSTEP_MIGRATION_TIMEOUT:
      'LOCKSTEP_MIGRATION_TIMEOUT is "-1", but must be a number of seconds from 1 to 86400.',
    LOCKSTEP_TRUST_PROXY:
      'LOCKSTEP_TRUST_PROXY is "10.0.0.0/33", but must be a list of loopback, ' +
      "private, IP addresses and networks like 10.0.0.0/8, separated by commas.",
    LOCKSTEP_PUBLIC_URL:
      'LOCKSTEP_PUBLIC_URL is "https://x.org/path", but must be an origin like ' +
      "https://sync.example.org, without a path.",
  });
});

for (const port of ["65536", "-1", "1e3", "0x50", "8000.5", "٨٠"]) {
  Deno.test(`readEnvironment() refuses ${port} as PORT`, () => {
    expect(Object.keys(problems({ PORT: port }))).toEqual(["PORT"]);
  });
}

Deno.test("readEnvironment() never repeats a secret value", () => {
  const wrong = problems({
    DATABASE_URL: "mysql://root:hunter2@db/x",
    REDIS_URL: "http://:hunter2@r",
    LOCKSTEP_SECRET: "hunter2",
  });
  expect(Object.keys(wrong)).toEqual(["DATABASE_URL", "REDIS_URL", "LOCKSTEP_SECRET"]);
  expect(JSON.stringify(wrong)).not.toContain("hunter2");
});

Deno.test("readEnvironment() requires LOCKSTEP_SECRET with DATABASE_URL", () => {
  expect(problems({ DATABASE_URL: "postgres://db/x" }).LOCKSTEP_SECRET).toContain("is not set");
  expect(problems({ DATABASE_URL: "postgres://db/x", LOCKSTEP_SECRET: secret })).toEqual({});
});

for (
  const [why, value] of [
    ["short ones", secret.slice(1)],
    ["a short one among several", `a:${secret},b:short`],
    ["the same kid twice", `a:${secret},a:${secret}2`],
    ["a kid with other characters", `a b:${secret}`],
    ["two without kid", `${secret},${secret}2`],
  ]
) {
  Deno.test(`readEnvironment() refuses as LOCKSTEP_SECRET ${why}`, () => {
    expect(Object.keys(problems({ LOCKSTEP_SECRET: value }))).toEqual(["LOCKSTEP_SECRET"]);
  });
}

Deno.test("readEnvironment() accepts an outside issuer only with issuer and audience, over https", () => {
  expect(Object.keys(problems({ LOCKSTEP_JWKS_URL: "https://id/jwks" })))
    .toEqual(["LOCKSTEP_JWKS_ISSUER", "LOCKSTEP_JWKS_AUDIENCE"]);
  expect(Object.keys(problems({
    LOCKSTEP_JWKS_URL: "http://id.example.org/jwks",
    LOCKSTEP_JWKS_ISSUER: "i",
    LOCKSTEP_JWKS_AUDIENCE: "a",
  }))).toEqual(["LOCKSTEP_JWKS_URL"]);
});

Deno.test("environmentReference() gives defaults that readEnvironment() accepts", () => {
  const reference = environmentReference();
  expect(reference.length).toBeGreaterThan(20);
  for (const { name, meaning } of reference) {
    expect(name).toMatch(/^[A-Z_]+$/);
    expect(meaning).toMatch(/\.$/);
  }
  const defaults = Object.fromEntries(reference.map((row) => [row.name, row.default]));
  expect(readEnvironment(defaults)).toEqual(readEnvironment({}));
});

Deno.test("trustedProxies() matches names, addresses, networks and mapped addresses", () => {
  const trusted = trustedProxies(["loopback", "10.1.0.0/16", "2001:db8::1"]);
  for (const address of ["127.9.9.9", "::1", "10.1.255.1", "2001:db8::1", "::ffff:10.1.0.7"]) {
    expect([address, trusted(address)]).toEqual([address, true]);
  }
  for (const address of ["10.2.0.1", "8.8.8.8", "2001:db8::2", "", "localhost", "10.1.0.1, x"]) {
    expect([address, trusted(address)]).toEqual([address, false]);
  }
  expect(trustedProxies([])("127.0.0.1")).toBe(false);
});

Deno.test("environmentVariables() puts the process's environment over the .env file", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/.env`, '# x\nLOCKSTEP_TEST_A="from file"\nPATH=file\n');
  const variables = environmentVariables(`${directory}/.env`);
  expect(variables.LOCKSTEP_TEST_A).toBe("from file");
  expect(variables.PATH).toBe(Deno.env.get("PATH"));
  expect(environmentVariables(`${directory}/none`).LOCKSTEP_TEST_A).toBeUndefined();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("environmentVariables() reads UTF-8 alone, with a byte order mark or without", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "\ufeffLOCKSTEP_TEST_A=first\nLOCKSTEP_TEST_B=größer\n");
  expect(environmentVariables(path))
    .toMatchObject({ LOCKSTEP_TEST_A: "first", LOCKSTEP_TEST_B: "größer" });
  // As editors on Windows save it: UTF-16, and Latin-1.
  for (const bytes of [[0xff, 0xfe, 0x41, 0], [0x41, 0x3d, 0xfc]]) {
    await Deno.writeFile(path, new Uint8Array(bytes));
    expect(() => environmentVariables(path)).toThrow(`The file ${path} is not UTF-8`);
  }
  await Deno.remove(path);
});

Deno.test("loadSecret() makes one secret, keeps it with mode 0600, and returns it again", async () => {
  const dataDir = `${await Deno.makeTempDir()}/data`;
  const all = await Promise.all([loadSecret({ dataDir }), loadSecret({ dataDir })]);
  const again = await loadSecret({ dataDir });
  expect(all).toEqual([again, again]);
  expect(again[0].secret.length).toBe(64);
  expect([...Deno.readDirSync(dataDir)].map(({ name }) => name)).toEqual(["secret"]);
  expect((await Deno.stat(`${dataDir}/secret`)).mode! & 0o777).toBe(0o600);
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("loadSecret() prefers the environment and refuses a damaged file", async () => {
  const dataDir = await Deno.makeTempDir();
  const secrets = [{ kid: "k", secret }];
  expect(await loadSecret({ dataDir, secrets })).toBe(secrets);
  await Deno.writeTextFile(`${dataDir}/secret`, "short\n");
  await expect(loadSecret({ dataDir })).rejects.toThrow("fewer than 32 characters");
  await Deno.remove(dataDir, { recursive: true });
});
