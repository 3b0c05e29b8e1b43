import { BlockList, isIP } from "node:net";
import { z } from "zod";

/** A key that signs and verifies tokens, and the `kid` that tokens name it by. */
export interface Secret {
  kid: string;
  secret: string;
}

/** How one variable is read: `schema` parses its text. */
export interface Variable {
  schema: z.ZodType;
  /** Text that is parsed when the variable is absent or empty. */
  fallback?: string;
  /** Set where an empty value is a value of its own. */
  emptyMeans?: string;
  /** What a right value is: ends the sentence "NAME is …, but must be". */
  right: string;
  meaning: string;
  /** The value is left out of error messages. */
  secret?: boolean;
}

const whole = (min: number, max: number, fallback: number, meaning: string): Variable => ({
  schema: z.string().regex(/^\d{1,9}$/).transform(Number).pipe(z.int().min(min).max(max)),
  fallback: String(fallback),
  right: `a whole number from ${min} to ${max}`,
  meaning,
});

const seconds = (min: number, max: number, fallback: number, meaning: string): Variable => ({
  schema: z.string().regex(/^\d{1,6}(\.\d{1,3})?$/).transform(Number).pipe(
    z.number().min(min).max(max),
  ).transform((value) => Math.round(value * 1000)),
  fallback: String(fallback),
  right: `a number of seconds from ${min} to ${max}`,
  meaning,
});

const flag = (fallback: boolean, meaning: string): Variable => ({
  schema: z.stringbool({ truthy: ["true", "1", "yes", "on"], falsy: ["false", "0", "no", "off"] }),
  fallback: String(fallback),
  right: "true or false",
  meaning,
});

const choice = (values: [string, ...string[]], fallback: string, meaning: string): Variable => ({
  schema: z.string().toLowerCase().pipe(z.enum(values)),
  fallback,
  right: `one of ${values.join(", ")}`,
  meaning,
});

const text = (meaning: string, right: string, fallback?: string): Variable => ({
  schema: fallback === undefined ? z.string().min(1).optional() : z.string().min(1),
  fallback,
  right,
  meaning,
});

const url = (protocols: string[], meaning: string, right: string): Variable => ({
  schema: z.string().refine((value) => {
    const parsed = URL.parse(value);
    return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== "";
  }).optional(),
  right,
  meaning,
});

const level = choice(
  ["trace", "debug", "info", "warning", "error", "fatal"],
  "info",
  "The least severe level that is logged.",
);

/** Every variable that Lockstep reads, in the order in which it is documented. */
export const variables = {
  PORT: whole(0, 65535, 8000, "Port to listen on; 0 takes any free one."),
  HOST: {
    schema: z.string().refine((value) => isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*$/.test(value)),
    fallback: "127.0.0.1",
    right: "a host name or an IP address",
    meaning: "Address to listen on. The default answers this machine alone; set 0.0.0.0 in a " +
      "container or to serve a network.",
  },
  DATABASE_URL: {
    ...url(
      ["postgres:", "postgresql:"],
      "PostgreSQL server. Absent: the embedded database in LOCKSTEP_DATA_DIR.",
      "a URL like postgres://user:password@host:5432/database",
    ),
    secret: true,
  },
  DATABASE_POOL_SIZE: whole(
    1,
    1000,
    10,
    "Most connections that this process opens to DATABASE_URL.",
  ),
  LOCKSTEP_DATA_DIR: text(
    "Directory of the embedded database and of the generated secret.",
    "the path of a directory",
    "./data",
  ),
  LOCKSTEP_SECRET: {
    schema: z.string().transform(parseSecrets).pipe(
      z.array(z.object({
        kid: z.string().regex(/^[\w-]{1,32}$/),
        secret: z.string().min(32),
      })).min(1).refine((list) => new Set(list.map(({ kid }) => kid)).size === list.length),
    )
      .optional(),
    right: "a random text of 32 characters or more without commas and colons, or several as " +
      "kid:secret,kid:secret with different kids of letters, digits, _ and -",
    meaning: "Signs tokens. Several, as kid:secret separated by commas: the first signs, all are " +
      "accepted; one without kid has the kid default. Absent: made once and kept in " +
      "LOCKSTEP_DATA_DIR. Required with DATABASE_URL.",
    secret: true,
  },
  LOCKSTEP_PUBLIC_URL: {
    schema: z.string().transform((value) => URL.parse(value)).refine((value) =>
      value !== null && /^https?:$/.test(value.protocol) && value.pathname === "/" &&
      !value.search && !value.hash && !value.username
    ).transform((value) => value!.origin).optional(),
    right: "an origin like https://sync.example.org, without a path",
    meaning: "Origin under which browsers and clients reach this server. Absent: taken from each " +
      "request.",
  },
  LOCKSTEP_TRUST_PROXY: {
    schema: z.string().transform((value) => value.split(",").map((part) => part.trim())).pipe(
      z.array(z.string().refine(isNetwork)),
    ).optional().transform((list) => list ?? []),
    right: "a list of loopback, private, IP addresses and networks like 10.0.0.0/8, separated by " +
      "commas",
    meaning: "Proxies whose X-Forwarded-For, -Proto and -Host headers are believed. Absent: none.",
  },
  REDIS_URL: {
    ...url(
      ["redis:", "rediss:"],
      "Redis server that several processes share. Absent: rooms, locks and events stay in memory.",
      "a URL like redis://host:6379/0",
    ),
    secret: true,
  },
  LOCKSTEP_REDIS_MAX_RETRIES: whole(0, 100, 3, "How often a Redis operation is tried again."),
  LOCKSTEP_REDIS_RETRY_DELAY: seconds(
    0.001,
    60,
    0.5,
    "Seconds before the first new try; each further one waits twice as long.",
  ),
  LOCKSTEP_REDIS_SOCKET_TIMEOUT: seconds(0.1, 300, 5, "Seconds to wait for Redis to answer."),
  LOCKSTEP_REDIS_MAX_CONNECTIONS: whole(
    1,
    1000,
    10,
    "Most connections that this process opens to Redis. It needs two, for commands and for " +
      "messages; 1 makes them share one.",
  ),
  LOCKSTEP_LOG_DIR: {
    schema: z.string(),
    fallback: "logs",
    emptyMeans: "no log file",
    right: "the path of a directory, or empty",
    meaning: "Directory of lockstep.log, kept 30 days. Empty: no log file.",
  },
  LOCKSTEP_LOG_LEVEL: level,
  LOCKSTEP_LOG_FORMAT: choice(
    ["json", "line"],
    "json",
    "One JSON object per entry, or lines like `2024-01-01 12:00:00 - lockstep - INFO - message`.",
  ),
  LOCKSTEP_METRICS_TOKEN: {
    schema: z.string().regex(/^[\w~+/.=-]{16,200}$/).optional(),
    right: "a random text of 16 characters or more: letters, digits and -._~+/=",
    meaning:
      "What Prometheus sends as bearer token to read /metrics. Absent: there is no /metrics.",
    secret: true,
  },
  LOCKSTEP_ROW_SECURITY: flag(
    false,
    "Put row level security around synced tables, as a second wall for what pulls read (PostgreSQL).",
  ),
  LOCKSTEP_AUTO_MIGRATION: flag(true, "Bring the schema of our own tables up to date at start."),
  LOCKSTEP_MIGRATION_TIMEOUT: seconds(
    1,
    86400,
    300,
    "Seconds to wait for another process that is migrating.",
  ),
  LOCKSTEP_MIGRATION_VERBOSE: flag(false, "Log the statements of each migration."),
  LOCKSTEP_JWKS_URL: {
    schema: z.string().refine((value) => {
      const parsed = URL.parse(value);
      return parsed?.protocol === "https:" ||
        (parsed?.protocol === "http:" &&
          /^(localhost|127\.0\.0\.1|\[::1\])$/.test(parsed.hostname));
    }).optional(),
    right: "an https URL",
    meaning: "Public keys of an outside issuer whose tokens are accepted too.",
  },
  LOCKSTEP_JWKS_ISSUER: text(
    "The issuer (iss) that its tokens must name. Required with LOCKSTEP_JWKS_URL.",
    "the issuer's identifier as its tokens write it",
  ),
  LOCKSTEP_JWKS_AUDIENCE: text(
    "The audience (aud) that its tokens must name. Required with LOCKSTEP_JWKS_URL.",
    "the audience that the issuer writes into tokens for this server",
  ),
  LOCKSTEP_JWKS_CLAIM: text(
    "The claim that names the user here: email by address, any other by username.",
    "the name of a claim",
    "preferred_username",
  ),
} satisfies Record<string, Variable>;

function parseSecrets(value: string): Secret[] {
  return value.split(",").map((part) => {
    const at = part.indexOf(":");
    return at < 0
      ? { kid: "default", secret: part.trim() }
      : { kid: part.slice(0, at).trim(), secret: part.slice(at + 1).trim() };
  });
}

const named: Record<string, string[]> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

function isNetwork(value: string): boolean {
  if (value in named) return true;
  const [address, prefix, ...rest] = value.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Tells whether the peer at an IP address is one of the proxies in `LOCKSTEP_TRUST_PROXY`. */
export function trustedProxies(list: readonly string[]): (address: string) => boolean {
  const networks = new BlockList();
  for (const network of list.flatMap((item) => named[item] ?? [item])) {
    const [address, prefix] = network.split("/");
    const family = isIP(address) === 4 ? "ipv4" : "ipv6";
    if (prefix === undefined) networks.addAddress(address, family);
    else networks.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && networks.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}
