import type { Json } from "../api.ts";
import type { Cli, Register } from "../cli.ts";
import { pairs } from "../output.ts";

interface Options {
  appLabel?: string;
  verbose?: boolean;
}

const columns: [string, (model: Json) => unknown][] = [
  ["MODEL", ({ name }) => name],
  ["TABLE", ({ schema, table }) => `${schema}.${table}`],
  ["SYNCED", ({ enabled }) => enabled],
  ["WRITABLE", ({ writable }) => writable],
  ["TENANT", ({ tenant_column }) => tenant_column ?? "shared"],
  ["AUDIT", ({ audit }) => audit],
  ["WHY NOT", ({ reason }) => reason],
];

export const registerModels: Register = (program, run) => {
  const models = program.command("models").description("The tables, and how they are synced.");
  const view = (
    name: string,
    description: string,
    show: (cli: Cli, items: Json[], options: Options) => Promise<void> | void,
    isDefault = false,
  ) =>
    models.command(name, { isDefault })
      .description(description)
      .option("--app-label <app>", "Of this app (schema) alone.")
      .option("--verbose", "With columns and settings.")
      .action(run(async (cli, options: Options) => {
        const { items } = await (await cli.api()).get("/api/admin/models");
        const chosen = items.filter(({ app }: Json) =>
          options.appLabel === undefined || app.toLowerCase() === options.appLabel.toLowerCase()
        );
        await show(cli, chosen, options);
      }));
  const list = (wanted: (model: Json) => boolean) =>
  async (
    cli: Cli,
    items: Json[],
    { verbose }: Options,
  ) => {
    const chosen = items.filter(wanted);
    if (verbose) return await details(cli, chosen);
    cli.out.result(chosen, () => cli.out.table(chosen, columns, "There is no such model."));
  };

  view("summary", "Count models by app.", (cli, items) => {
    const apps = Object.entries(Object.groupBy(items, ({ app }) => app)).map(([app, all = []]) => ({
      app,
      models: all.length,
      enabled: all.filter(({ enabled }) => enabled).length,
      writable: all.filter(({ enabled, writable }) => enabled && writable).length,
      audited: all.filter(({ audit }) => audit).length,
    }));
    cli.out.result(apps, () =>
      cli.out.table(apps, [
        ["APP", ({ app }) => app],
        ["MODELS", ({ models }) => models],
        ["SYNCED", ({ enabled }) => enabled],
        ["WRITABLE", ({ writable }) => writable],
        ["AUDITED", ({ audited }) => audited],
      ], "There is no table."));
  }, true);
  view("all", "Show every model, with the reason why one takes no part.", list(() => true));
  view("enabled", "Show the models that take part.", list(({ enabled }) => enabled));
  view(
    "default",
    "Show what is pushed and pulled when a client names no model.",
    list(({ enabled }) => enabled),
  );
  view("details", "Show models with their columns.", async (cli, items) => {
    await details(cli, items);
  });
};

async function details(cli: Cli, items: Json[]): Promise<void> {
  const api = await cli.api();
  const full: Json[] = [];
  for (const { name } of items) {
    full.push(await api.get(`/api/admin/models/${encodeURIComponent(name)}`));
  }
  cli.out.result(full, () =>
    full.map((model) => {
      const { name, column_types: types, version: _version, ...rest } = model;
      const rows = Object.entries(types).map(([column, type]) => ({ column, ...type as object }));
      return [
        cli.out.style("bold", name),
        pairs(rest),
        cli.out.table(rows as Json[], [
          ["  COLUMN", ({ column }) => `  ${column}`],
          ["TYPE", ({ type }) => type],
          ["NULL", ({ nullable }) => nullable],
          ["REFERENCES", ({ references }) => references],
        ], "  no columns"),
      ].join("\n");
    }).join("\n\n"));
}
