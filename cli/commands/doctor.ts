import { auditStatus } from "../../lib/audit/mod.ts";
import { type Environment, loadSecret, readEnvironment } from "../../lib/config/mod.ts";
import { type Database, migrationStatus } from "../../lib/db/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";
import { ModelCatalog } from "../../lib/models/mod.ts";
import { within } from "../../lib/observe/mod.ts";
import { tenantRole } from "../../lib/sync/mod.ts";
import { openConfigured } from "../../main.ts";
import type { Cli, Register } from "../cli.ts";
import { CliError } from "../errors.ts";
import { isDiskFull, messageOf } from "../failure.ts";

type State = "ok" | "warning" | "failed";

/** What one check found, and how to mend it. */
interface Finding {
  check: string;
  state: State;
  found: string;
  remedy: string;
}

/** Clocks that differ by more make tokens and times look wrong, in milliseconds. */
const clockTolerance = 5_000;
const oldestPostgres = 130_000;
/** How long Redis may take to answer, in milliseconds. */
const redisPatience = 5_000;
/** Bytes that are written where files have to be. */
const sample = 65_536;

export const registerDoctor: Register = (program, run) => {
  program.command("doctor")
    .description("Check configuration, database, privileges, triggers, clock and Redis.")
    .action(run(async (cli) => {
      const findings = cli.server ? await examineServer(cli) : await examineHere();
      cli.out.result(findings, () =>
        findings.map(({ check, state, found, remedy }) => {
          const style = { ok: "green", warning: "yellow", failed: "red" } as const;
          const mark = cli.out.style(style[state], state.padEnd(7));
          return `${mark}  ${check}: ${found}${remedy ? `\n         ${remedy}` : ""}`;
        }).join("\n"));
      const failed = findings.filter(({ state }) => state === "failed").length;
      if (failed > 0) throw new CliError(`${failed} of ${findings.length} checks failed.`);
    }));
};

const ok = (check: string, found: string): Finding => ({ check, state: "ok", found, remedy: "" });
const bad = (check: string, found: string, remedy: string, state: State = "failed"): Finding => ({
  check,
  state,
  found,
  remedy,
});

async function examineHere(): Promise<Finding[]> {
  let env: Environment;
  try {
    env = readEnvironment();
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.message.split("\n").map((line) =>
      bad("configuration", line, "Set the variable right, in the environment or in .env.")
    );
  }
  const findings = [
    ok("configuration", "every variable is valid"),
    await checkSecret(env),
    await checkDirectory("log directory", env.logDir, "LOCKSTEP_LOG_DIR"),
    await checkRedis(env),
  ];
  if (!env.databaseUrl) {
    findings.push(await checkDirectory("data directory", env.dataDir, "LOCKSTEP_DATA_DIR"));
  }
  let db: Database;
  try {
    db = await openConfigured({ ...env, databasePoolSize: 1 });
    await db.query("SELECT 1");
  } catch (error) {
    findings.push(unopened(error));
    return findings;
  }
  try {
    findings.push(...await examineDatabase(db, env));
  } finally {
    await db.close();
  }
  return findings;
}

function unopened(error: unknown): Finding {
  if (!(error instanceof LockstepError) || error.code === "unavailable") {
    return bad(
      "database",
      `cannot be reached (${reason((error as Error).cause ?? error)})`,
      "Check DATABASE_URL: host, port, " +
        "name, user and password; and that PostgreSQL runs and lets this machine in.",
    );
  }
  if (error.code !== "data_directory_in_use") return bad("database", error.message, "");
  return bad(
    "database",
    "the embedded database is open in another process, so it was not looked at",
    "Examine the running server with --server, or stop it first.",
    "warning",
  );
}

async function checkSecret(env: Environment): Promise<Finding> {
  try {
    await loadSecret(env);
    return ok("secret", env.secrets ? "LOCKSTEP_SECRET is set" : "kept in the data directory");
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return bad("secret", error.message, "");
  }
}

async function checkDirectory(check: string, directory: string, name: string): Promise<Finding> {
  if (directory === "") return ok(check, "none");
  try {
    await Deno.mkdir(directory, { recursive: true });
    const file = await Deno.makeTempFile({ dir: directory, prefix: ".doctor-" });
    // An empty file has room on a full disk.
    await Deno.writeFile(file, new Uint8Array(sample)).finally(() => Deno.remove(file));
    return ok(check, `${directory} can be written`);
  } catch (error) {
    return bad(
      check,
      `${directory} cannot be written (${reason(error)})`,
      `Give this user access to it, or set ${name} to another.`,
    );
  }
}

async function checkRedis(env: Environment): Promise<Finding> {
  if (!env.redisUrl) return ok("redis", "not used; a single process needs none");
  const { createClient } = await import("redis");
  const client = createClient({
    url: env.redisUrl,
    socket: { reconnectStrategy: false, connectTimeout: env.redis.socketTimeout },
  });
  // Without a listener the client would end the process.
  client.on("error", () => {});
  try {
    await within(redisPatience, client.connect().then(() => client.ping()));
    return ok("redis", "answers");
  } catch (error) {
    return bad(
      "redis",
      `cannot be reached (${reason(error)})`,
      "Check REDIS_URL, and that Redis runs. Without it nobody gets a lock to edit a record.",
    );
  } finally {
    client.destroy();
  }
}

async function examineDatabase(db: Database, env: Environment): Promise<Finding[]> {
  const findings: Finding[] = [];
  const [{ version, number, now }] = await db.query<
    { version: string; number: number; now: Date }
  >(
    `SELECT split_part(version(), ' ', 2) AS version,
      current_setting('server_version_num')::int AS number, clock_timestamp() AS now`,
  );
  const skew = Math.abs(Date.now() - now.getTime());
  findings.push(
    number >= oldestPostgres
      ? ok("database", `${db.kind === "pglite" ? "embedded " : ""}PostgreSQL ${version}`)
      : bad("database", `PostgreSQL ${version}`, "Upgrade it: Lockstep needs 13 or later."),
    skew <= clockTolerance ? ok("clock", "agrees with the database's") : bad(
      "clock",
      `differs from the database's by ${Math.round(skew / 1000)} s`,
      "Set both machines' clocks by NTP.",
    ),
  );
  const privileges = [await checkWritable(db), await checkPrivileges(db)];
  findings.push(...privileges);
  // Without them the rest cannot be read.
  if (privileges.some(({ state }) => state !== "ok")) return findings;
  if (env.rowSecurity && db.kind === "postgres") findings.push(await checkTenantRole(db));
  try {
    const { applied, pending } = await migrationStatus(db);
    if (pending.length > 0) {
      findings.push(bad(
        "migrations",
        applied.length === 0
          ? "the database is new"
          : `${pending.map(({ name }) => name).join(", ")} to be applied`,
        "Run: lockstep migrate",
        "warning",
      ));
      return findings;
    }
    findings.push(ok("migrations", `at ${applied.at(-1)}`));
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return [...findings, bad("migrations", error.message, "")];
  }
  return [
    ...findings,
    ...await checkModels(db),
    await checkChangeLogs(db),
    await checkForeignTriggers(db),
    await checkAudit(db),
  ];
}

async function checkWritable(db: Database): Promise<Finding> {
  const [{ standby, closed }] = await db.query<{ standby: boolean; closed: boolean }>(
    `SELECT pg_is_in_recovery() AS standby,
      current_setting('transaction_read_only')::boolean AS closed`,
  );
  if (standby) {
    return bad("writing", "the database is a standby", "Name the primary in DATABASE_URL.");
  }
  if (!closed) return ok("writing", "the database can be written");
  return bad(
    "writing",
    "the database is read-only",
    "Switch default_transaction_read_only off: for the server, the database and the role.",
  );
}

/** Whether the server can set up what LOCKSTEP_ROW_SECURITY needs. */
async function checkTenantRole(db: Database): Promise<Finding> {
  const [{ has, makes }] = await db.query<{ has: boolean; makes: boolean }>(
    `SELECT to_regrole($1) IS NOT NULL
        AND pg_has_role(coalesce(to_regrole($1)::oid, 0), 'MEMBER') AS has,
      rolsuper OR rolcreaterole
        AND (to_regrole($1) IS NULL OR current_setting('server_version_num')::int < 160000) AS makes
    FROM pg_roles WHERE rolname = current_user`,
    [tenantRole],
  );
  if (has || makes) {
    return ok("row security", has ? `has the role ${tenantRole}` : `may make ${tenantRole}`);
  }
  return bad(
    "row security",
    `LOCKSTEP_ROW_SECURITY is on, but the role is no member of ${tenantRole} and may not make it`,
    `Run as a superuser: CREATE ROLE ${tenantRole} NOLOGIN; GRANT ${tenantRole} TO <role> WITH ADMIN ` +
      "OPTION; or switch LOCKSTEP_ROW_SECURITY off.",
  );
}

async function checkPrivileges(db: Database): Promise<Finding> {
  const [{ has, create, owner }] = await db.query<
    { has: boolean; create: boolean; owner: boolean }
  >(
    `SELECT to_regnamespace('lockstep') IS NOT NULL AS has,
      has_database_privilege(current_database(), 'CREATE') AS create,
      coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace
        WHERE nspname = 'lockstep'), false) AS owner`,
  );
  if (has ? owner : create) {
    return ok("privileges", has ? "owns the schema lockstep" : "may create the schema lockstep");
  }
  return bad(
    "privileges",
    has ? "the role does not own the schema lockstep" : "the role may not create a schema",
    has
      ? "Set the role that owns it in DATABASE_URL, or run as that role: GRANT <owner> TO <role>;"
      : "Run as the database's owner: GRANT CREATE ON DATABASE <database> TO <role>;",
  );
}

async function checkModels(db: Database): Promise<Finding[]> {
  const { models, warnings } = await new ModelCatalog(db).current();
  const enabled = models.filter((model) => model.enabled);
  const foreign = await db.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM json_to_recordset($1::text::json) AS m ("schema" text, "table" text)
    JOIN pg_namespace n ON n.nspname = m."schema"
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m."table"
    WHERE NOT pg_has_role(c.relowner, 'USAGE')
    ORDER BY 1`,
    [JSON.stringify(enabled.map(({ schema, table }) => ({ schema, table })))],
  );
  const names = foreign.map(({ name }) => name);
  return [
    enabled.length > 0
      ? ok("models", `${enabled.length} of ${models.length} tables are synced`)
      : models.length > 0
      ? bad(
        "models",
        `none of ${models.length} tables is synced`,
        "See why: lockstep discovery test",
        "warning",
      )
      : bad(
        "models",
        "there is no table to sync yet",
        db.kind === "postgres"
          ? "Create one, with psql or your application's migrations: it becomes a model at once."
          : "Set DATABASE_URL to a PostgreSQL database that has tables, or see the example: lockstep " +
            "demo",
        "warning",
      ),
    names.length === 0 ? ok("owners", "the role owns every synced table") : bad(
      "owners",
      `the role does not own ${names.join(", ")}, so no trigger can be put on them`,
      `Run as their owner: ALTER TABLE ${names[0]} OWNER TO <role>;`,
    ),
    ...warnings.map((warning) => bad("models", warning, "See: lockstep discovery list", "warning")),
  ];
}

async function checkChangeLogs(db: Database): Promise<Finding> {
  const rows = await db.query<{ name: string; gone: boolean }>(
    `SELECT format('%I.%I', m.table_schema, m.table_name) AS name, c.oid IS NULL AS gone
    FROM lockstep.tracked_model m
    LEFT JOIN pg_class c ON c.oid = m.table_oid
    LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname LIKE 'lockstep%'
      AND t.tgname NOT LIKE 'lockstep_audit%' AND NOT t.tgisinternal
    GROUP BY m.id, c.oid
    HAVING c.oid IS NULL OR count(t.oid) = 0 OR bool_or(t.tgenabled IN ('D', 'R'))
    ORDER BY 1`,
  );
  const broken = rows.filter(({ gone }) => !gone).map(({ name }) => name);
  if (broken.length === 0) return ok("triggers", "every change log is fed");
  return bad(
    "triggers",
    `the triggers of ${broken.join(", ")} are switched off or dropped`,
    "Switch them on (ALTER TABLE … ENABLE TRIGGER ALL), or let the next pull arm them anew: then " +
      "its clients start over.",
  );
}

/** Triggers that feed the log of a model that is not their table's. */
async function checkForeignTriggers(db: Database): Promise<Finding> {
  const rows = await db.query<{ name: string }>(
    `SELECT DISTINCT t.tgrelid::regclass::text AS name
    FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgname LIKE 'lockstep\\_change\\_%' AND NOT EXISTS (
      SELECT FROM lockstep.tracked_model m
      WHERE p.proname LIKE format('change\\_%s\\_%%', m.id) AND (m.table_oid = t.tgrelid
        OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(m.table_oid::regclass))))
    ORDER BY 1`,
  );
  const names = rows.map(({ name }) => name);
  if (names.length === 0) return ok("change logs", "each has the triggers of its own tables");
  const drop = ["insert", "update", "delete", "truncate"]
    .map((event) => `DROP TRIGGER IF EXISTS lockstep_change_${event} ON ${names[0]};`);
  return bad(
    "change logs",
    `triggers of ${names.join(", ")} feed logs that are not theirs, so that writing there may fail`,
    `Run for each: ${drop.join(" ")}`,
  );
}

async function checkAudit(db: Database): Promise<Finding> {
  const broken = (await auditStatus(db)).filter(({ state }) => state !== "active");
  if (broken.length === 0) return ok("audit", "every audited table is watched");
  return bad(
    "audit",
    broken.map(({ message }) => message).join(" "),
    `Run: lockstep audit setup --model ${broken[0].modelName}`,
  );
}

async function examineServer(cli: Cli): Promise<Finding[]> {
  const asked = Date.now();
  const response = await cli.anonymous().raw("GET", "/api/sync/health/");
  const health = await response.json().catch(() => undefined);
  if (!health?.checks) {
    return [bad("server", "does not answer as Lockstep does", "Check the address and the proxy.")];
  }
  const findings = Object.entries<string>(health.checks).map(([check, state]) =>
    state === "healthy"
      ? ok(check, state)
      : bad(check, state, "Run lockstep doctor on the server itself, and see its log.")
  );
  const skew = Math.max(0, Math.abs(Date.parse(health.timestamp) - asked) - (Date.now() - asked));
  findings.push(
    skew <= clockTolerance
      ? ok("clock", "agrees with the server's")
      : bad("clock", `differs from the server's by ${Math.round(skew / 1000)} s`, "Set it by NTP."),
  );
  try {
    const { user } = await (await cli.api()).get("/api/admin/me");
    findings.push(ok("login", `signed in as ${user.username}, who may administer`));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    findings.push(bad("login", error.message, "", "warning"));
  }
  return findings;
}

function reason(error: unknown): string {
  if (isDiskFull(error)) return "the disk is full";
  return messageOf(error);
}
