import type { Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { CliError, usage } from "../errors.ts";
import { formatOf, readDocument, writeDocument } from "../files.ts";
import { pairs } from "../output.ts";
import { valueOf } from "./discovery.ts";

interface FileOptions {
  file?: string;
  format?: string;
}

export const registerConfig: Register = (program, run) => {
  const config = program.command("config").description("The settings that the database keeps.");

  config.command("show", { isDefault: true })
    .argument("[section]", "Of this section alone.")
    .description("Show all settings; those with * were set.")
    .action(run(async (cli, _options: object, section?: string) => {
      const { items } = await (await cli.api()).get("/api/admin/settings");
      const chosen = items.filter((item: Json) =>
        section === undefined || item.section === section.toUpperCase()
      );
      if (chosen.length === 0) {
        throw new CliError(
          `There is no section ${section}. The sections are ${
            items.map(({ section }: Json) => section).join(", ")
          }.`,
        );
      }
      const values = Object.fromEntries(
        chosen.map(({ section, current }: Json) => [section, current]),
      );
      cli.out.result(values, () =>
        chosen.map(({ section, current, stored }: Json) => {
          const named = Object.entries(current).map(([name, value]) => [
            stored.includes(name) ? `${name} *` : name,
            value,
          ]);
          return cli.out.style("bold", section) +
            (named.length > 0 ? `\n${pairs(Object.fromEntries(named))}` : "\n(nothing is set)");
        }).join("\n\n"));
    }));

  config.command("set")
    .argument("<section>")
    .argument("<setting>")
    .argument("<value>", "JSON, or a text.")
    .description("Change one setting.")
    .action(
      run(async (cli, _options: object, section: string, setting: string, value: string) => {
        const saved = await (await cli.api()).patch(
          `/api/admin/settings/${encodeURIComponent(section.toUpperCase())}`,
          { [setting]: valueOf(value) },
        );
        for (const warning of saved.warnings) cli.out.note(warning);
        cli.out.result(saved.current, () => pairs({ [setting]: saved.current[setting] }));
      }),
    );

  config.command("export")
    .description("Write the settings that were set to a file, as JSON or YAML.")
    .option("--file <file>", "Where to. Absent: printed.")
    .option("--format <format>", "json or yaml. Default: by the file's name.")
    .option("--all", "With the defaults.")
    .action(run(async (cli, { file, format, all }: FileOptions & { all?: boolean }) => {
      const chosen = formatOf(format, file);
      const { settings } = await (await cli.api()).get("/api/admin/settings/export", {
        all: all ?? false,
      });
      await writeDocument(cli.host, settings, file, chosen);
      if (file && file !== "-") cli.out.wrote(file);
    }));

  config.command("import")
    .description("Set what a file says, all or nothing.")
    .option("--file <file>", "The file; - for standard input.")
    .option("--format <format>", "json or yaml. Default: by the file's name.")
    .option("--replace", "Also reset what the file does not name.")
    .action(run(async (cli, options: FileOptions & { replace?: boolean }) => {
      const settings = await documentOf(cli.host, options);
      const { replace = false } = options;
      const question = "Reset every setting that the file does not name?";
      if (replace) await cli.out.confirm(question);
      const answer = await (await cli.api()).post("/api/admin/settings/import", {
        settings,
        replace,
      });
      for (const warning of answer.warnings) cli.out.note(warning);
      cli.out.result(answer, ({ changes }) =>
        cli.out.table(changes as Json[], [
          ["SECTION", ({ section }) => section],
          ["SETTING", ({ key }) => key],
          ["BEFORE", ({ before }) => before === undefined ? "(default)" : JSON.stringify(before)],
          ["AFTER", ({ after }) => after === undefined ? "(default)" : JSON.stringify(after)],
        ], "All is set so already."));
    }));

  config.command("validate")
    .description("Check a file of settings, or those that are stored.")
    .option("--file <file>", "The file; - for standard input. Absent: what is stored.")
    .option("--format <format>", "json or yaml. Default: by the file's name.")
    .action(run(async (cli, options: FileOptions) => {
      const api = await cli.api();
      const settings = options.file
        ? await documentOf(cli.host, options)
        : (await api.get("/api/admin/settings/export", { all: false })).settings;
      const checked = await api.post("/api/admin/settings/validate", { settings });
      cli.out.result(
        checked,
        ({ valid, errors }) =>
          valid
            ? "All settings are valid."
            : errors.map(({ field, message }: Json) => `${field}: ${message}`).join("\n"),
      );
      if (!checked.valid) throw new CliError("The settings are not valid.");
    }));

  config.command("summary")
    .description("Count settings and models.")
    .action(run(async (cli) => {
      const summary = await (await cli.api()).get("/api/admin/settings/summary");
      cli.out.result(summary, () =>
        [
          cli.out.table(summary.sections, [
            ["SECTION", ({ section }: Json) => section],
            ["SETTINGS", ({ settings }: Json) => settings],
            ["SET", ({ stored }: Json) => stored.join(", ")],
          ], ""),
          "",
          pairs(summary.models),
          ...summary.warnings,
        ].join("\n"));
    }));

  config.command("reset")
    .description("Give every setting its default again.")
    .option("--force", "Do not ask.")
    .action(run(async (cli, { force }: { force?: boolean }) => {
      if (!force) await cli.out.confirm("Reset every setting to its default?");
      const answer = await (await cli.api()).post("/api/admin/settings/reset");
      cli.out.result(answer, ({ reset }) => `Reset ${reset} settings.`);
    }));
};

async function documentOf(
  host: Parameters<typeof readDocument>[0],
  { file, format }: FileOptions,
): Promise<unknown> {
  if (!file) throw usage("Name the file: --file config.json, or --file - for standard input.");
  return await readDocument(host, file, format);
}
