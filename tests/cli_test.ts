import { expect } from "expect";
import { hashPassword } from "../lib/access/mod.ts";
import { openCli, runLine } from "./cli_support.ts";

Deno.test("lockstep says what is wrong with a command line, and what is near", async () => {
  const cases: [line: string, code: number, told: string][] = [
    ["modls", 2, "Did you mean models?"],
    ["setup_audit_trial --action check", 2, "Did you mean setup_audit_trails?"],
    ["setup_organizations --action create_orgs", 2, "Did you mean create_org?"],
    ["org creat", 2, "Did you mean create?"],
    ["models all --verbos", 2, "Did you mean --verbose?"],
    ["org add-user --username x", 2, "--org-slug"],
    ["login", 2, "--server"],
    ["models --server ftp://x", 2, "https://sync.example.org"],
    ["models --server http://127.0.0.1:1 --as x", 2, "--as"],
    ["models --server http://127.0.0.1:1", 3, "lockstep login"],
    ["doctor --server http://127.0.0.1:1", 5, "cannot be reached"],
    ["migrate --server http://127.0.0.1:1", 2, "database at hand"],
    ["config export --format xml", 2, "json or yaml"],
    ["permissions generate --permission-template x --org-slug y", 2, "read_only"],
    ["completion tcsh", 2, "bash"],
    ["pull --out x", 2, "--as"],
    ["push file.csv", 2, "--model"],
    ["serve --port 70000", 2, '--port is "70000", but must be a whole number from 0 to 65535.'],
    ["demo --port http", 2, '--port is "http", but must be'],
    ["serve --host a/b", 2, '--host is "a/b", but must be a host name or an IP address.'],
  ];
  const home = await Deno.makeTempDir();
  cases.push([`config import --file ${home}`, 1, "Check the path"]);
  cases.push([`push ${home} --as root`, 1, `${home} is a directory. Name a file in it.`]);
  await using moved = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.redirect("https://sync.example.org/elsewhere", 301),
  );
  const old = `doctor --server http://127.0.0.1:${moved.addr.port}`;
  cases.push([old, 5, "--server https://sync.example.org\n"]);
  for (const [line, code, told] of cases) {
    const ran = await runLine(undefined, line, { env: { HOME: home } });
    expect([line, ran.code, ran.out]).toEqual([line, code, ""]);
    expect(ran.err).toContain(told);
  }
  await Deno.remove(home, { recursive: true });
  const help = await runLine(undefined, "--help", {});
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("Exit codes")]);
  const guide = await Deno.readTextFile(new URL("../docs/cli.md", import.meta.url));
  for (const name of (await runLine(undefined, "__complete -- ", {})).out.trim().split("\n")) {
    expect(guide).toContain(`lockstep ${name}`);
  }
  expect((await runLine(undefined, "--version", {})).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

Deno.test("lockstep changes what an operator changes: users, settings, jobs", async () => {
  await using world = await openCli("local");
  const { run } = world;
  const expectRun = async (line: string, told: string | RegExp, options = {}) => {
    const ran = await run(line, options);
    expect([line, ran.code, ran.code ? ran.err : ""]).toEqual([line, 0, ""]);
    expect(ran.out).toMatch(told);
    return ran;
  };
  await expectRun("org create-groups", "Managers");
  await expectRun(
    "user create mia --password-stdin --org-slug acme-corp --group-name managers",
    "Created mia",
    { input: "a long enough password\n" },
  );
  await expectRun("user create ida --no-password --staff", "Created ida");
  await expectRun("user password ida", "is set", {
    typed: ["another long password", "another long password"],
  });
  const differs = await run("user password ida", { typed: ["another long password", "x"] });
  expect([differs.code, differs.err]).toEqual([2, expect.stringContaining("differ")]);
  const weak = await run("user create eve --password-stdin", { input: "123" });
  expect([weak.code, weak.err]).toEqual([1, expect.stringContaining("password")]);
  const unknown = await run("user password miaa", { typed: ["x", "x"] });
  expect([unknown.code, unknown.err]).toEqual([4, expect.stringContaining('mean "mia"')]);

  // What loses something asks, and does nothing unless the answer is yes.
  const unasked = await run("user disable mia");
  expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining("--yes")]);
  const declined = await run("user disable mia", { typed: [""] });
  expect([declined.code, declined.err]).toEqual([1, "Nothing was changed.\n"]);
  expect(
    (await run("user --json")).json.find((user: { username: string }) => user.username === "mia")
      .is_active,
  ).toBe(true);
  await expectRun("user disable mia", "disabled", { typed: ["y"] });
  await expectRun("user enable mia", "active");
  await expectRun("user delete mia --yes", "Deleted");

  await expectRun("config set sync MAX_RECORDS 7", /MAX_RECORDS +7/);
  const wrong = await run("config set SYNC MAX_RECORDS -1");
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("MAX_RECORDS")]);
  expect((await run("config show SYNC --json")).json.SYNC.MAX_RECORDS).toBe(7);
  await Deno.writeTextFile(`${world.directory}/bad.yaml`, "SYNC: {MAX_RECORDS: no}\nX: 1\n");
  const invalid = await run(`config validate --file ${world.directory}/bad.yaml`);
  expect([invalid.code, invalid.err]).toEqual([1, expect.stringContaining("X")]);
  await Deno.writeTextFile(`${world.directory}/bad.yaml`, "a: [\n");
  expect((await run(`config import --file ${world.directory}/bad.yaml`)).err).toContain("YAML");
  await Deno.mkdir(`${world.directory}/folder`);
  const unwritten = await run(`config export --file ${world.directory}/folder`);
  expect([unwritten.code, unwritten.err]).toEqual([1, expect.stringContaining("Check the path")]);
  expect(
    (await Array.fromAsync(Deno.readDir(world.directory))).filter(({ name }) =>
      name.startsWith("folder.")
    ),
  ).toEqual([]);

  await expectRun("jobs", /seal_audit +\S+/);
  await expectRun("jobs run seal_audit", /"sealed": \d+/);
  await expectRun("jobs history seal_audit", "succeeded");
  await expectRun("jobs bulk", "There is no bulk push");
  const [queued, failed] = await world.db.query<{ id: string }>(`
    INSERT INTO lockstep.job (kind, user_id, organization_id, state, payload, total, finished_at,
      attempts, heartbeat_at)
    SELECT 'bulk_push', u.id, o.id, state,
      '{"device": "", "clientVersion": "", "requestId": ""}', 5,
      CASE state WHEN 'failed' THEN now() END, 1, now() + interval '1 hour'
    FROM lockstep.app_user u, lockstep.organization o, unnest(ARRAY['queued', 'failed']) AS state
    WHERE u.username = 'john'
    RETURNING id`);
  await expectRun(`jobs bulk cancel ${queued.id}`, "Cancelled", { typed: ["y"] });
  await expectRun("jobs bulk list --state cancelled", queued.id);
  await expectRun(`jobs bulk retry ${failed.id}`, "Queued again");
  await expectRun("jobs bulk list", failed.id);

  await expectRun("audit cleanup", "kept for ever");
  await expectRun("config set JOBS AUDIT_RETENTION_DAYS 30", /AUDIT_RETENTION_DAYS +30/);
  await expectRun("audit cleanup --yes", "Removed 0 audit events older than 30 days");
  await expectRun("org groups", "Managers");
  expect((await run("jobs run nothing")).code).toBe(4);
  await expectRun("logs", "Nothing was synced yet");
  await expectRun("logs --status error --operation push", "Nothing matches.");
  for (const option of ["--status", "--operation"]) {
    const ran = await run(`logs ${option} foo`);
    expect([ran.code, ran.err]).toEqual([2, expect.stringMatching(/one of \w+, /)]);
  }

  // Rights hold: who acts as somebody has no more than they have.
  const denied = await run("user --as john");
  expect([denied.code, denied.err]).toEqual([3, expect.stringContaining("Administrators")]);

  const plain = await run("models", { terminal: true, env: { NO_COLOR: "1" } });
  expect(plain.out).not.toContain("\x1b[");
  expect((await run("models", { terminal: true })).out).toContain("\x1b[1m");
  await world.db.script(`COMMENT ON SCHEMA myapp IS 'x';
    UPDATE lockstep.organization SET name = E'Acme\\x1b]0;own\\x07'`);
  expect((await run("org", { terminal: true, env: { NO_COLOR: "1" } })).out).not.toContain("\x1b");
});

Deno.test("lockstep login keeps a login, renews it when it has expired, and logout ends it", async () => {
  await using world = await openCli("local");
  await using site = world.app.serve();
  await world.db.query("UPDATE lockstep.app_user SET password = $1 WHERE username = 'root'", [
    await hashPassword("correct horse battery"),
  ]);
  const env = { HOME: world.directory, LOCKSTEP_SERVER: site.origin };
  const run = (line: string, options = {}) => runLine(world.app, line, { env, ...options });
  const wrong = await run("login --username root --password-stdin", { input: "wrong" });
  expect(wrong.code).toBe(3);
  const signedIn = await run("login", { typed: ["root", "correct horse battery"] });
  expect([signedIn.code, signedIn.out]).toEqual([0, `Signed in to ${site.origin} as root.\n`]);
  const file = `${world.directory}/.config/lockstep/logins.json`;
  expect((await Deno.stat(file)).mode! & 0o777).toBe(0o600);
  expect((await run("org")).out).toContain("acme-corp");
  expect((await run("doctor")).out).toContain("signed in as root");

  const logins = JSON.parse(await Deno.readTextFile(file));
  const [{ gen, sub, jti }] = [
    JSON.parse(atob(
      logins[site.origin].token.split(".")[1].replaceAll("-", "+")
        .replaceAll("_", "/"),
    )),
  ];
  logins[site.origin].token = await world.app.running.services.keys.sign(
    { sub, jti, gen, username: "root" },
    new Date(Date.now() - 3_600_000),
  );
  const stale = logins[site.origin].token;
  await Deno.writeTextFile(file, JSON.stringify(logins));
  expect((await run("org")).code).toBe(0);
  const renewed = JSON.parse(await Deno.readTextFile(file))[site.origin];
  expect(renewed.token).not.toBe(stale);

  expect((await run("logout")).out).toContain("Signed out");
  const after = await run("org", { env: { ...env, LOCKSTEP_TOKEN: renewed.token } });
  expect(after.code).toBe(3);
  expect((await run("org")).err).toContain("lockstep login --server");
});

Deno.test("lockstep completion completes commands and options in bash", async () => {
  const { out } = await runLine(undefined, "completion bash", {});
  const complete = async (...words: string[]) => {
    // The script asks the program; here a function in its place passes the question on.
    const asked = await runLine(undefined, ["__complete", "--", ...words], {});
    const script = `${out}
lockstep() { [ "$1 $2" = "__complete --" ] && printf '%s' "$ANSWER"; }
COMP_WORDS=(lockstep ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_lockstep; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, success } = await new Deno.Command("bash", {
      args: ["-c", script],
      env: { ANSWER: asked.out },
    }).output();
    expect(success).toBe(true);
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  expect(await complete("mo")).toEqual(["models"]);
  expect(await complete("org", "cre")).toEqual(["create", "create-groups"]);
  expect(await complete("org", "create", "--org-")).toEqual(["--org-name", "--org-slug"]);
  expect(await complete("push", "--ser")).toEqual(["--server"]);
  for (const shell of ["zsh", "fish"]) {
    expect((await runLine(undefined, `completion ${shell}`, {})).out).toContain("__complete --");
  }
});

Deno.test("discovery set replaces what its options say, and leaves what others said", async () => {
  await using world = await openCli("local");
  const set = async (...words: string[]) => {
    const { json } = await world.run(["discovery", "set", ...words, "--json"]);
    return [json.EXCLUDE_MODEL_PATTERNS, json.INCLUDE_MODEL_PATTERNS];
  };
  await set("--exclude-patterns", "Log$", "^myapp\\.X{1,3}$", "--include-patterns", "^myapp");
  expect(await set("--exclude-apps", "shop,web", "--include-models", "myapp.A.b"))
    .toEqual([
      ["Log$", "^myapp\\.X{1,3}$", "^shop\\.", "^web\\."],
      ["^myapp", "^myapp\\.A\\.b$"],
    ]);
  expect(await set("--exclude-patterns", "Cache", "--include-models"))
    .toEqual([["^shop\\.", "^web\\.", "Cache"], ["^myapp"]]);
  expect(await set("--exclude-apps", "till", "--include-patterns"))
    .toEqual([["Cache", "^till\\."], []]);
  expect((await world.run("discovery reset --yes --json")).json.reset.toSorted())
    .toEqual(["EXCLUDE_MODEL_PATTERNS", "INCLUDE_MODEL_PATTERNS"]);
  const [{ count }] = await world.db.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM lockstep.sync_configuration",
  );
  expect(count).toBe(0);
});

Deno.test("permissions apply asks before it takes rights away, and --json tells of a file", async () => {
  await using world = await openCli("local");
  const { run, directory } = world;
  await run("org create-groups");
  const file = `${directory}/permissions.json`;
  const generate = async (template: string) => {
    const { json } = await run(
      `permissions generate --org-slug acme-corp --group-name Sales --json --output-file ${file} ` +
        `--permission-template ${template}`,
    );
    expect(json).toEqual({ file });
  };
  const apply = `permissions apply --config-file ${file}`;
  await generate("read_write");
  expect(await run(apply)).toMatchObject({ code: 0 });
  await generate("read_only");
  const unasked = await run(apply);
  expect([unasked.code, unasked.err])
    .toEqual([2, expect.stringContaining("Sales: push of myapp.Customer")]);
  expect(await run(apply, { typed: ["no"] })).toMatchObject({ code: 1 });
  expect((await run(`${apply} --yes --json`)).json.written).toBeGreaterThan(0);
  expect(await run(apply)).toMatchObject({ code: 0 });
  const other = await run(`${apply} --org-slug other`);
  expect([other.code, other.err]).toEqual([1, expect.stringContaining("is of acme-corp")]);
  const config = `${directory}/config.yaml`;
  expect((await run(`config export --file ${config} --json`)).json).toEqual({ file: config });
});

for (const mode of ["local", "remote"] as const) {
  Deno.test(`perf monitor shows memory and caches of a server alone [${mode}]`, async () => {
    await using world = await openCli(mode);
    const { json } = await world.run("perf monitor --json");
    expect(json.health.checks.database).toBe("healthy");
    expect("current_memory_usage" in json).toBe(mode === "remote");
    expect("memory" in json.health.checks).toBe(mode === "remote");
  });
}

Deno.test("org example gives passwords that the policy takes", async () => {
  await using world = await openCli("local");
  await world.run("config set SECURITY PASSWORD_MIN_LENGTH 40");
  const { code, json } = await world.run("org example --json");
  expect(code).toBe(0);
  for (const password of Object.values<string>(json.passwords)) expect(password.length).toBe(40);
});

Deno.test("documents are UTF-8, with a byte order mark or without", async () => {
  await using world = await openCli("local");
  const file = `${world.directory}/config.json`;
  const read = () => world.run(["config", "validate", "--file", file]);
  await Deno.writeTextFile(file, '\ufeff{"MODEL_DISCOVERY":{"MODEL_PREFIX":"ü"}}');
  expect((await read()).out).toBe("All settings are valid.\n");
  const latin1 = [...'{"x":"ü"}'].map((char) => char.charCodeAt(0));
  await Deno.writeFile(file, new Uint8Array(latin1));
  expect(await read()).toMatchObject({ code: 1, err: `${file} is not UTF-8. Save it as UTF-8.\n` });
});
