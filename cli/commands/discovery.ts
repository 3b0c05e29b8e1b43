import type { Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { pairs } from "../output.ts";

const path = "/api/admin/settings/MODEL_DISCOVERY";

/** Options that set a list, and the setting that it goes to. */
const lists: [option: string, setting: string, meaning: string][] = [
  ["--include-apps", "INCLUDE_APPS", "Apps whose models are synced; none for all."],
  ["--exclude-apps", "EXCLUDE_MODEL_PATTERNS", "Apps that are left out, by patterns."],
  ["--include-models", "INCLUDE_MODEL_PATTERNS", "The only models that take part, by patterns."],
  ["--exclude-models", "EXCLUDE_MODELS", "Models that are left out, as app.Model."],
  ["--include-patterns", "INCLUDE_MODEL_PATTERNS", "Patterns of which a model must match one."],
  ["--exclude-patterns", "EXCLUDE_MODEL_PATTERNS", "Patterns of models that are left out."],
  ["--exclude-fields", "EXCLUDE_MODELS_WITH_FIELDS", "Columns that leave a model out."],
  ["--require-fields", "REQUIRE_MODELS_WITH_FIELDS", "Columns that a model must have."],
];

/** What is given under another name than the setting's becomes patterns of it. */
const patternOf: Record<string, (name: string) => string> = {
  "--exclude-apps": (app) => `^${escape(app)}\\.`,
  "--include-models": (model) => `^${escape(model)}$`,
};

/** The same setting's patterns as they are. A comma is a part of one: `X{1,3}`. */
const plainPatterns: Record<string, string> = {
  "--exclude-patterns": "--exclude-apps",
  "--include-patterns": "--include-models",
};

export const registerDiscovery: Register = (program, run) => {
  const discovery = program.command("discovery")
    .description("Which tables become models that take part in the sync.");

  discovery.command("list", { isDefault: true })
    .description("Show the settings of discovery.")
    .action(run(async (cli) => {
      const { current, stored } = await (await cli.api()).get(path);
      cli.out.result(current, () =>
        pairs(Object.fromEntries(
          Object.entries(current).map(([name, value]) => [
            stored.includes(name) ? `${name} *` : name,
            value,
          ]),
        )) + "\n\n* was set, the others are at their defaults.");
    }));

  const set = discovery.command("set")
    .description("Change settings of discovery, with a list of names after each option.");
  for (const [option, , meaning] of lists) set.option(`${option} [names...]`, meaning);
  set.option("--set <setting=json>", "Any other setting, e.g. MODEL_PREFIX='\"x\"'.", collect, [])
    .action(run(async (cli, options: Record<string, string[] | true>) => {
      const api = await cli.api();
      const { current } = await api.get(path);
      const change: Record<string, unknown> = {};
      for (const [option, setting] of lists) {
        const given = options[camel(option)];
        if (given === undefined) continue;
        const before = change[setting] ?? current[setting];
        change[setting] = replaced(option, before, given === true ? [] : given);
      }
      for (const assignment of options.set as string[]) {
        const [, name, value] = /^(\w+)=(.*)$/s.exec(assignment) ?? [];
        if (!name) throw usage(`--set ${assignment}: write SETTING=value.`);
        change[name] = valueOf(value);
      }
      if (Object.keys(change).length === 0) {
        throw usage(
          "Say what to set, for example --include-apps myapp. See: lockstep discovery set -h",
        );
      }
      const saved = await api.patch(path, change);
      for (const warning of saved.warnings) cli.out.note(warning);
      cli.out.result(
        saved.current,
        () =>
          pairs(Object.fromEntries(Object.keys(change).map((name) => [name, saved.current[name]]))),
      );
    }));

  discovery.command("test")
    .description("Show which models the stored settings find, and why others are left out.")
    .action(run(async (cli) => {
      const found = await (await cli.api()).get("/api/admin/discovery");
      cli.out.result(found, () =>
        [
          cli.out.table(found.items, [
            ["MODEL", ({ name }: Json) => name],
            ["SYNCED", ({ enabled }: Json) => enabled],
            ["WHY NOT", ({ reason }: Json) => reason],
          ], "There is no table."),
          ...found.warnings,
        ].join("\n"));
    }));

  discovery.command("reset")
    .description("Give every setting of discovery its default again.")
    .action(run(async (cli) => {
      const api = await cli.api();
      const { stored } = await api.get(path);
      if (stored.length > 0) {
        await cli.out.confirm(`Reset ${stored.join(", ")} to the defaults?`);
        await api.delete(path);
      }
      cli.out.result(
        { reset: stored },
        () =>
          stored.length > 0
            ? `Reset ${stored.join(", ")}.`
            : "Every setting of discovery is at its default.",
      );
    }));
};

/** The setting's list after an option. What another option put into the same list stays. */
function replaced(option: string, before: string[], given: string[]): string[] {
  const made = patternOf[option] ?? patternOf[plainPatterns[option]];
  if (!made) return given.flatMap((name) => name.split(","));
  const isPlain = option in plainPatterns;
  const values = isPlain ? given : given.flatMap((name) => name.split(",")).map(made);
  return [...before.filter((pattern) => isMadeBy(made, pattern) === isPlain), ...values];
}

/** Whether there is a name of which `made` makes the pattern. */
function isMadeBy(made: (name: string) => string, pattern: string): boolean {
  const [begin, end] = made("x").split("x");
  const name = pattern.slice(begin.length, pattern.length - end.length);
  return made(name.replaceAll(/\\(.)/g, "$1")) === pattern;
}

/** JSON, or the text itself where it is none. */
export function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function camel(option: string): string {
  return option.slice(2).replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
