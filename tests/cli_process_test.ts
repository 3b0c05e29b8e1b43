import { expect } from "expect";
import { failureOf } from "../cli/failure.ts";
import { ModelCatalog } from "../lib/models/mod.ts";
import { track } from "../lib/sync/mod.ts";
import { cliProcess, runProcess } from "./cli_support.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";

Deno.test({
  name: "lockstep as a process: doctor finds faults, migrate rolls back and forward",
  ignore: !hasPostgres,
  async fn() {
    await using database = await openTestDatabase("postgres");
    const env = {
      DATABASE_URL: database.url!,
      LOCKSTEP_SECRET: "k".repeat(40),
      LOCKSTEP_LOG_DIR: "",
    };
    const lockstep = (args: string[], more: Record<string, string> = {}) =>
      runProcess(args, { ...env, ...more });
    const { db } = database;
    const examine = async (more: Record<string, string> = {}) => {
      const { code, out } = await lockstep(["doctor", "--json"], more);
      const findings: Record<string, string>[] = JSON.parse(out);
      const failed = findings.filter(({ state }) => state === "failed");
      expect(code).toBe(failed.length > 0 ? 1 : 0);
      return failed.map(({ check, remedy }) => [check, remedy]);
    };
    expect((await lockstep(["doctor"])).out).toContain("there is no table to sync yet\n");
    await db.script(`
      CREATE TABLE public.thing (id integer PRIMARY KEY, organization_id integer)`);
    const [model] = (await new ModelCatalog(db).current()).models;
    await track(db, model, []);
    // What a command does by the way leaves the server's wall standing.
    await db.script("UPDATE lockstep.installation SET row_security = true");
    expect(await examine()).toEqual([]);
    expect((await lockstep(["models", "all"])).out).toContain("public.Thing");
    expect(await db.query("SELECT row_security FROM lockstep.installation"))
      .toEqual([{ row_security: true }]);

    const name = new URL(database.url!).pathname.slice(1);
    await db.script(`
      ALTER TABLE lockstep.organization DISABLE TRIGGER ALL;
      ALTER TABLE public.thing DISABLE TRIGGER ALL;
      CREATE SCHEMA fast;
      CREATE FUNCTION fast.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$;
      ALTER DATABASE ${name} SET search_path = fast, pg_catalog, public`);
    expect(await examine({ REDIS_URL: "redis://127.0.0.1:1" })).toEqual([
      ["redis", expect.stringContaining("REDIS_URL")],
      ["clock", expect.stringContaining("NTP")],
      ["triggers", expect.stringContaining("ENABLE TRIGGER ALL")],
      ["audit", expect.stringContaining("lockstep audit setup")],
    ]);
    await db.script(`
      ALTER TABLE lockstep.organization ENABLE TRIGGER ALL;
      ALTER TABLE public.thing ENABLE TRIGGER ALL;
      ALTER DATABASE ${name} RESET search_path`);

    // Left of an installation that was taken back, as older versions left them.
    await db.script(`
      CREATE TABLE public.other (id integer PRIMARY KEY);
      CREATE TRIGGER lockstep_change_insert AFTER INSERT ON public.other
        REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION lockstep.change_1_insert()`);
    const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const found = await examine({
      DATABASE_URL: `${database.url}?default_transaction_read_only=on`,
      REDIS_URL: `redis://127.0.0.1:${silent.addr.port}`,
    });
    silent.close();
    expect(found).toEqual([
      ["redis", expect.stringContaining("REDIS_URL")],
      ["writing", expect.stringContaining("default_transaction_read_only")],
    ]);
    expect(await examine()).toEqual([
      ["change logs", expect.stringContaining("lockstep_change_insert ON other;")],
    ]);
    await db.script("DROP TABLE public.other");
    const nowhere = await lockstep(["doctor"], { DATABASE_URL: `${database.url}_none` });
    expect(nowhere.out).toContain('_none" does not exist)');

    const role = `role_of_${name}`;
    await db.script(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    const url = new URL(database.url!);
    Object.assign(url, { username: role, password: "x" });
    const limited = { DATABASE_URL: url.href };
    try {
      expect(await examine(limited))
        .toEqual([["privileges", expect.stringContaining("DATABASE_URL")]]);
      await db.script(`
        CREATE SCHEMA own AUTHORIZATION ${role}; ALTER SCHEMA lockstep OWNER TO ${role};
        GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO ${role};
        ALTER TABLE public.thing OWNER TO ${role}`);
      expect(await examine({ ...limited, LOCKSTEP_ROW_SECURITY: "true" }))
        .toEqual([["row security", expect.stringContaining("CREATE ROLE lockstep_tenant")]]);
      await db.script(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}`);
      const denied = await lockstep(["models"], limited);
      expect([denied.code, denied.err]).toEqual([3, expect.stringContaining("lockstep doctor")]);
    } finally {
      await db.script(`DROP ROLE ${role}`);
    }

    const unasked = await lockstep(["migrate", "--rollback"]);
    expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining("--yes")]);
    const back = await lockstep(["migrate", "--rollback", "--yes", "--json"]);
    const { rolled_back: newest } = JSON.parse(back.out);
    expect(newest).toMatch(/^\d{4}_/);
    // Servers of the older version may be running on it: nothing is migrated by the way.
    const refused = await lockstep(["models"]);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("lockstep migrate")]);
    const planned = await lockstep(["auto_migrate", "--dry-run", "--verbose"]);
    expect([planned.code, planned.err]).toEqual([0, ""]);
    expect(planned.out).toMatch(new RegExp(`^-- Would apply ${newest}\\.\\n[^]*CREATE`));
    const undo = await lockstep(["migrate", "--rollback", "--dry-run"]);
    expect(undo.out).toMatch(/^-- Would take back \d{4}_\w+\.\n[^]*DROP/);
    expect(undo.out).not.toContain(newest);
    const done = await lockstep(["auto_migrate", "--verbose", "--force", "--json"]);
    expect([done.code, JSON.parse(done.out)]).toEqual([0, { applied: [newest] }]);
  },
});

Deno.test({
  name: "lockstep as a process: LOCKSTEP_SERVER and LOCKSTEP_TOKEN may stand in .env",
  async fn() {
    const directory = await Deno.makeTempDir();
    await using server = Deno.serve({ port: 0, onListen() {} }, ({ headers }) => {
      const status = headers.get("Authorization") === "Bearer secret" ? 200 : 401;
      return Response.json({ items: [] }, { status });
    });
    await Deno.writeTextFile(
      `${directory}/.env`,
      `LOCKSTEP_SERVER=http://127.0.0.1:${server.addr.port}\nLOCKSTEP_TOKEN=secret\n`,
    );
    const { code, out } = await runProcess(["org", "list", "--json"], {}, directory);
    expect([code, JSON.parse(out)]).toEqual([0, []]);
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "lockstep as a process: what the database or the system refuses is said in a sentence",
  ignore: !hasPostgres,
  async fn() {
    await using database = await openTestDatabase("postgres");
    await using other = await openTestDatabase("postgres");
    await other.db.script("DROP SCHEMA lockstep CASCADE; CREATE SCHEMA lockstep");
    await other.db.script("CREATE TABLE lockstep.schema_version (x integer)");
    await database.db.script(`
      INSERT INTO lockstep.app_user (username, password) VALUES ('ann', '!')`);
    const env = {
      DATABASE_URL: database.url!,
      LOCKSTEP_SECRET: "k".repeat(40),
      LOCKSTEP_LOG_DIR: "",
      LOCKSTEP_DATA_DIR: "/proc/nothing",
    };
    const readOnly = { DATABASE_URL: `${database.url}?default_transaction_read_only=on` };
    const cases: [line: string, env: Record<string, string>, code: number, said: string][] = [
      ["org list", readOnly, 1, "The database is read-only"],
      ["serve --port 0", readOnly, 1, "Name the primary in DATABASE_URL"],
      ["org list", { DATABASE_URL: `${database.url}?options=x` }, 5, "refuses the connection"],
      [
        "org list",
        { DATABASE_URL: `${database.url}_none` },
        5,
        "does not exist. Check DATABASE_URL",
      ],
      ["org list", { DATABASE_URL: other.url! }, 1, "another program's"],
      ["org list", { DATABASE_URL: "" }, 1, "LOCKSTEP_DATA_DIR (/proc/nothing) cannot be opened"],
      ["push /dev/stdin --as ann", {}, 1, "/dev/stdin is not open to this program"],
    ];
    for (const [line, more, code, said] of cases) {
      const ran = await runProcess(line.split(" "), { ...env, ...more });
      expect([line, ran.code, ran.err]).toEqual([line, code, expect.stringContaining(said)]);
      expect(ran.err).not.toContain("    at ");
    }
    const reader = cliProcess(["user", "list"], env).spawn();
    await reader.stdout.cancel();
    const { code, stderr } = await reader.output();
    expect([code, new TextDecoder().decode(stderr)]).toEqual([0, ""]);
  },
});

Deno.test("failureOf() says what no one foresaw, and where a full disk is the cause", () => {
  const full = "The disk is full. Make room on it, and do it again.";
  // As the embedded database throws it.
  expect(failureOf({ name: "ErrnoError", errno: 51 }).message).toBe(full);
  const system = new Error("No space left on device (os error 28): write '/x'");
  expect(failureOf(system).message).toBe(full);
  expect(failureOf(new TypeError("x is not a function"))).toMatchObject({
    message: expect.stringMatching(/not foreseen: x is not a function\. With LOCKSTEP_LOG_LEVEL/),
    code: 1,
    unexpected: true,
  });
});

Deno.test({
  name: "lockstep serve --port and --host win over PORT and HOST",
  ignore: !hasPostgres,
  async fn() {
    await using database = await openTestDatabase("postgres");
    const process = cliProcess(["serve", "--port", "0", "--host", "127.0.0.1"], {
      DATABASE_URL: database.url!,
      LOCKSTEP_SECRET: "k".repeat(40),
      LOCKSTEP_LOG_DIR: "",
      PORT: "70000",
      HOST: "nobody.invalid",
    }).spawn();
    const errors = new Response(process.stderr).text();
    const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: told = await errors } = await output.read();
    expect(told).toMatch(/^Lockstep is ready at http:\/\/127\.0\.0\.1:\d+\n$/);
    const answer = await fetch(`${told.trim().split(" ").at(-1)}/api/sync/health/live/`);
    await answer.body?.cancel();
    expect(answer.status).toBe(200);
    process.kill("SIGTERM");
    expect((await process.status).code).toBe(0);
    await output.cancel();
    await errors;
  },
});
