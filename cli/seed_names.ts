/** How a management command of sb-sync is said here: by its `--action`, or by one of its options. */
interface SeedCommand {
  action?: Record<string, string[]>;
  /** Options that choose what is done, and the ones that they become. */
  option?: Record<string, string[]>;
  /** Where neither is given. */
  otherwise?: string[];
}

const discoverySet = (option: string) => ["discovery", "set", option];

/** sb-sync's management commands in our words. `docs/cli.md` has the table. */
export const seedCommands: Record<string, SeedCommand> = {
  setup_audit_trails: {
    action: { setup: ["audit", "setup"], check: ["audit", "check"], cleanup: ["audit", "cleanup"] },
    otherwise: ["audit", "check"],
  },
  configure_model_discovery: {
    option: {
      "--list-current": ["discovery", "list"],
      "--set-include-apps": discoverySet("--include-apps"),
      "--set-exclude-apps": discoverySet("--exclude-apps"),
      "--set-include-models": discoverySet("--include-models"),
      "--set-exclude-models": discoverySet("--exclude-models"),
      "--set-include-patterns": discoverySet("--include-patterns"),
      "--set-exclude-patterns": discoverySet("--exclude-patterns"),
      "--set-exclude-fields": discoverySet("--exclude-fields"),
      "--set-require-fields": discoverySet("--require-fields"),
      "--test-discovery": ["discovery", "test"],
      "--reset-to-defaults": ["discovery", "reset"],
    },
    otherwise: ["discovery", "list"],
  },
  auto_migrate: { otherwise: ["migrate"] },
  setup_organizations: {
    action: {
      create_org: ["org", "create"],
      create_groups: ["org", "create-groups"],
      add_user: ["org", "add-user"],
      set_permissions: ["permissions", "apply"],
      setup_example: ["org", "example"],
    },
  },
  show_models: {
    action: {
      summary: ["models", "summary"],
      all: ["models", "all"],
      enabled: ["models", "enabled"],
      default: ["models", "default"],
      details: ["models", "details"],
    },
    otherwise: ["models", "summary"],
  },
  cleanup_sync_logs: { otherwise: ["logs", "cleanup"] },
  optimize_performance: {
    action: {
      analyze: ["perf", "analyze"],
      optimize: ["perf", "optimize"],
      cleanup: ["perf", "cleanup"],
      monitor: ["perf", "monitor"],
    },
    otherwise: ["perf", "analyze"],
  },
  manage_config: {
    action: {
      show: ["config", "show"],
      export: ["config", "export"],
      import: ["config", "import"],
      validate: ["config", "validate"],
      summary: ["config", "summary"],
      reset: ["config", "reset"],
    },
    otherwise: ["config", "show"],
  },
  dynamic_permissions: {
    action: {
      discover: ["permissions", "discover"],
      generate: ["permissions", "generate"],
      apply: ["permissions", "apply"],
      export: ["permissions", "export"],
      validate: ["permissions", "validate"],
      template: ["permissions", "templates"],
    },
  },
};

export const seedNames = Object.keys(seedCommands);

/** The command line in our words; as it is, where it names none of sb-sync's commands. */
export function seedCommand(argv: readonly string[]): string[] {
  const at = argv.findIndex((word) => seedNames.includes(word.replaceAll("-", "_")));
  if (at < 0 || !argv.slice(0, at).every((word, i) => isGlobal(word, argv[i - 1]))) {
    return [...argv];
  }
  const { action, option = {}, otherwise } = seedCommands[argv[at].replaceAll("-", "_")];
  const rest = argv.slice(at + 1);
  const before = argv.slice(0, at);
  const choice = rest.findIndex((word) => word === "--action" || word.startsWith("--action="));
  if (choice >= 0) {
    const inline = rest[choice].startsWith("--action=");
    const value = inline ? rest[choice].slice("--action=".length) : rest[choice + 1];
    const words = action?.[value?.replaceAll("-", "_") ?? ""];
    const others = rest.toSpliced(choice, inline ? 1 : 2);
    // Commander then says which actions there are.
    const group = Object.values(action ?? {})[0]?.[0] ?? otherwise?.[0] ?? argv[at];
    return [...before, ...(words ?? [group, value ?? "--help"]), ...others];
  }
  const first = rest.findIndex((word) => word in option);
  if (first >= 0) {
    const words = rest.map((word) => option[word]?.[2] ?? word)
      .filter((word) => !(word in option));
    return [...before, ...option[rest[first]].slice(0, 2), ...words];
  }
  return [...before, ...(otherwise ?? [Object.values(action!)[0][0], "--help"]), ...rest];
}

function isGlobal(word: string, previous: string | undefined): boolean {
  return word.startsWith("-") || previous === "--server" || previous === "--as";
}
