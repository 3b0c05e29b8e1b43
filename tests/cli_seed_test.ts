import { expect } from "expect";
import { seedCommands } from "../cli/seed_names.ts";
import { type CliWorld, openCli } from "./cli_support.ts";

/** sb-sync's management commands as its documentation writes them, and what each has to do here. */
const commands: [
  line: string,
  check: (answer: string, world: CliWorld) => unknown | Promise<unknown>,
][] = [
  ['setup_organizations --action create_org --org-name "Global Retail" --org-slug global-retail', (
    out,
  ) => expect(out).toContain("Created Global Retail (global-retail")],
  ["setup_organizations --action create_groups", (out) => expect(out).toContain("Read Only")],
  [
    "setup_organizations --action add_user --username john --org-slug acme-corp " +
    "--group-name Managers",
    async (_, { db }) =>
      expect(await db.query("SELECT is_active FROM lockstep.user_organization"))
        .toEqual([{ is_active: true }]),
  ],
  ["setup_organizations --action setup_example", async (_, { db }) => {
    const [{ count }] = await db.query<{ count: number }>(
      "SELECT count(*) FROM lockstep.user_organization",
    );
    expect(count).toBeGreaterThanOrEqual(4);
  }],
  ["show_models --action summary", (out) => expect(out).toMatch(/myapp +3 +3/)],
  ["show_models --action all", (out) => expect(out).toContain("myapp.LogEntry")],
  ["show_models --action enabled", (out) => expect(out).toContain("myapp.Customer")],
  ["show_models --action default", (out) => expect(out).toContain("myapp.Customer")],
  ["show_models --action details --verbose", (out) => expect(out).toMatch(/credit +numeric/)],
  ["show_models --action enabled --app-label myapp", (out) => expect(out).toContain("myapp.Order")],
  [
    "show_models --action enabled --app-label other",
    (out) => expect(out).toBe("There is no such model.\n"),
  ],
  [
    "configure_model_discovery --list-current",
    (out) => expect(out).toMatch(/EXCLUDE_PROXY_MODELS +yes/),
  ],
  [
    "configure_model_discovery --set-include-apps myapp ecommerce",
    (out) => expect(out).toContain('["myapp","ecommerce"]'),
  ],
  [
    'configure_model_discovery --set-exclude-patterns ".*Log" ".*Cache"',
    (out) => expect(out).toContain('[".*Log",".*Cache"]'),
  ],
  [
    "configure_model_discovery --test-discovery",
    (out) => expect(out).toMatch(/myapp\.LogEntry +no +.+EXCLUDE_MODEL_PATTERNS/),
  ],
  [
    "configure_model_discovery --set-exclude-fields created_at updated_at",
    (out) => expect(out).toMatch(/EXCLUDE_MODELS_WITH_FIELDS +\["created_at","updated_at"\]/),
  ],
  ["configure_model_discovery --set-exclude-apps admin --set-exclude-models myapp.LogEntry", (
    out,
  ) => {
    expect(out).toContain("^admin\\\\.");
    expect(out).toContain("myapp.LogEntry");
  }],
  [
    "configure_model_discovery --set-include-models myapp.Customer --set-require-fields id",
    (out) => expect(out).toContain("^myapp\\\\.Customer$"),
  ],
  [
    "configure_model_discovery --reset-to-defaults --yes",
    (out) => expect(out).toContain("INCLUDE_APPS"),
  ],
  [
    "setup_audit_trails --action setup --model sb_sync.Organization",
    (out) => expect(out).toContain("always audited"),
  ],
  [
    "setup_audit_trails --action setup --model myapp.Customer",
    async (_, { db }) =>
      expect(await db.query("SELECT 1 FROM lockstep.audit_table WHERE model = 'myapp.Customer'"))
        .toHaveLength(1),
  ],
  ["setup_audit_trails --action setup", (out) => {
    expect(out).toContain("myapp.Customer: was audited already.");
    expect(out).toContain("myapp.Order: audited from now on.");
  }],
  ["setup_audit_trails --action check", (out) => expect(out).toContain("The trail is intact")],
  [
    "setup_audit_trails --action check --model sb_sync.ModelPermission",
    (out) => expect(out).toMatch(/lockstep\.ModelPermission +active/),
  ],
  ["setup_audit_trails --action cleanup", (out) => expect(out).toContain("kept for ever")],
  ["cleanup_sync_logs --yes", (out) => expect(out).toContain("older than 90 days")],
  ["optimize_performance --action analyze --days 7", (out) => expect(out).toMatch(/days +7/)],
  [
    "optimize_performance --action optimize --force",
    (out) => expect(out).toMatch(/lockstep\.app_user +.*ANALYZE/),
  ],
  ["optimize_performance --action cleanup --yes", (out) => expect(out).toMatch(/sync_log +0/)],
  ["optimize_performance --action monitor", (out) => expect(out).toMatch(/database +healthy/)],
  ["manage_config --action show", (out) => expect(out).toContain("MAX_RECORDS")],
  ["manage_config --action export --file DIR/config.json --format json", async (_, world) => {
    expect(JSON.parse(await Deno.readTextFile(`${world.directory}/config.json`)).MODELS).toEqual({
      ...Object.fromEntries(
        ["myapp.Customer", "myapp.LogEntry", "myapp.Order"].map((name) => [name, { audit: true }]),
      ),
    });
    await Deno.writeTextFile(`${world.directory}/config.json`, '{"LOGS": {"RETENTION_DAYS": 30}}');
    await Deno.writeTextFile(`${world.directory}/config.yaml`, "LOGS:\n  RETENTION_DAYS: 31\n");
  }],
  [
    "manage_config --action import --file DIR/config.json --format json",
    (out) => expect(out).toMatch(/LOGS +RETENTION_DAYS +\(default\) +30/),
  ],
  [
    "manage_config --action import --file DIR/config.yaml --format yaml",
    (out) => expect(out).toMatch(/LOGS +RETENTION_DAYS +30 +31/),
  ],
  [
    "manage_config --action export --format yaml",
    (out) => expect(out).toContain("LOGS:\n  RETENTION_DAYS: 31\n"),
  ],
  ["manage_config --action validate", (out) => expect(out).toBe("All settings are valid.\n")],
  ["manage_config --action summary", (out) => expect(out).toMatch(/LOGS +\d+ +RETENTION_DAYS/)],
  [
    "manage_config --action reset --force",
    async (_, { db }) =>
      expect(await db.query("SELECT 1 FROM lockstep.sync_configuration")).toEqual([]),
  ],
  ["dynamic_permissions --action discover", (out) => expect(out).toMatch(/myapp\.Customer +yes/)],
  [
    "dynamic_permissions --action generate --org-slug acme-corp --permission-template read_only " +
    "--output-file DIR/permissions.json",
    async (_, { directory }) => {
      const file = JSON.parse(await Deno.readTextFile(`${directory}/permissions.json`));
      expect(file.organization).toBe("acme-corp");
      expect(file.permissions.Sales["myapp.Customer"]).toEqual({ push: false, pull: true });
    },
  ],
  [
    "dynamic_permissions --action validate --config-file DIR/permissions.json",
    (out) => expect(out).toMatch(/ are valid\.\n(MODEL +GROUPS|Nobody's rights)/),
  ],
  [
    "dynamic_permissions --action apply --org-slug acme-corp --config-file DIR/permissions.json",
    async (_, { db }) =>
      expect(
        await db.query(
          `SELECT DISTINCT can_push, can_pull FROM lockstep.model_permission WHERE
          organization_id = 1`,
        ),
      ).toEqual([{ can_push: false, can_pull: true }]),
  ],
  [
    "setup_organizations --action set_permissions --org-slug acme-corp --config-file " +
    "DIR/permissions.json",
    (out) => expect(out).toContain("0 were different before"),
  ],
  [
    "dynamic_permissions --action export --org-slug acme-corp --output-file DIR/current.yaml",
    async (_, { directory }) =>
      expect(await Deno.readTextFile(`${directory}/current.yaml`)).toContain(
        "myapp.Customer:\n      push: false\n      pull: true\n",
      ),
  ],
  ["dynamic_permissions --action template", (out) => expect(out).toMatch(/read_write +yes +yes/)],
];

for (const mode of ["local", "remote"] as const) {
  Deno.test(`every management command of sb-sync does its work [${mode}]`, async () => {
    await using world = await openCli(mode);
    for (const [line, check] of commands) {
      const { code, out, err } = await world.run(line.replaceAll("DIR", world.directory));
      expect([line, code, code === 0 ? "" : err]).toEqual([line, 0, ""]);
      await check(out, world);
    }
    const sources = await world.db.query<{ source: string }>(
      "SELECT DISTINCT source FROM lockstep.audit_event WHERE actor IN ('console', 'root')",
    );
    expect(sources).toEqual([{ source: mode === "local" ? "cli" : "api" }]);
  });
}

Deno.test("docs/cli.md has every command and option of sb-sync, and every command of ours", async () => {
  const text = await Deno.readTextFile(new URL("../docs/cli.md", import.meta.url));
  for (const [line] of commands) {
    for (const word of line.replace(/ (DIR\S+|".*?")/g, "").split(" ")) {
      if (word.startsWith("--") && word !== "--yes") expect(text).toContain(word);
    }
  }
  for (const [name, { action = {}, option = {} }] of Object.entries(seedCommands)) {
    expect(text).toContain(name);
    for (const words of [...Object.keys(action), ...Object.keys(option)]) {
      expect(text).toContain(words);
    }
    for (const words of Object.values(action)) {
      expect(text).toContain(`lockstep ${words.join(" ")}`);
    }
  }
});
