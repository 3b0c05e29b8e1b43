import { type PermissionTemplate, permissionTemplates } from "../../lib/access/mod.ts";
import type { Api, Json } from "../api.ts";
import type { Cli, Register } from "../cli.ts";
import { CliError, usage } from "../errors.ts";
import { formatOf, readDocument, writeDocument } from "../files.ts";
import { groupByName, organizationBySlug } from "../lookups.ts";

interface Options {
  orgSlug?: string;
  permissionTemplate?: string;
  groupName?: string;
  configFile?: string;
  outputFile?: string;
  format?: string;
}

/** Rights in a file: by group, then by model. */
interface PermissionFile {
  organization?: string;
  permissions: Record<string, Record<string, { push: boolean; pull: boolean; filters?: unknown }>>;
}

export const registerPermissions: Register = (program, run) => {
  const permissions = program.command("permissions")
    .description("What groups may push and pull.");

  permissions.command("discover")
    .description("Show the models that permissions can be given for.")
    .action(run(async (cli) => {
      const { items } = await (await cli.api()).get("/api/admin/models", { enabled: true });
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["MODEL", ({ name }: Json) => name],
          ["CAN BE PUSHED", ({ writable }: Json) => writable],
          ["COLUMNS", ({ columns }: Json) => columns],
        ], "No model takes part. See: lockstep discovery test"));
    }));

  permissions.command("templates")
    .alias("template")
    .description("Show the templates.")
    .action(run((cli) => {
      const rows = Object.entries(permissionTemplates).map(([name, rights]) => ({
        name,
        ...rights,
      }));
      cli.out.result(permissionTemplates, () =>
        cli.out.table(rows, [
          ["TEMPLATE", ({ name }) => name],
          ["PUSH", ({ push }) => push],
          ["PULL", ({ pull }) => pull],
        ], ""));
      return Promise.resolve();
    }));

  const formatOption = "--format <format>";
  const formats = "json or yaml. Default: by the file's name.";
  const writing = (name: string) =>
    permissions.command(name)
      .option("--org-slug <slug>", "The organization.")
      .option("--output-file <file>", "Where to. Absent: printed.")
      .option(formatOption, formats);
  const reading = (name: string) =>
    permissions.command(name)
      .option("--config-file <file>", "The file; - for standard input.")
      .option("--org-slug <slug>", "The organization. Default: the one that the file names.")
      .option(formatOption, formats);

  writing("generate")
    .description("Write a file of permissions by a template, to look at and apply.")
    .option("--permission-template <template>", "Its name. See: lockstep permissions templates")
    .option("--group-name <name>", "For this group alone. Default: for all.")
    .action(run(async (cli, options: Options) => {
      const { orgSlug, permissionTemplate: template = "read_write", groupName } = options;
      const rights = permissionTemplates[template as PermissionTemplate];
      if (!rights) {
        throw usage(
          `There is no template ${JSON.stringify(template)}. The templates are ${
            Object.keys(permissionTemplates).join(", ")
          }.`,
        );
      }
      const api = await cli.api();
      const organization = await organizationBySlug(api, required(orgSlug));
      const groups = groupName
        ? [await groupByName(api, groupName)]
        : await api.all("/api/admin/groups");
      const { items } = await api.get("/api/admin/models", { enabled: true });
      const models = Object.fromEntries(
        items.map(({ name, writable }: Json) => [name, {
          push: rights.push && writable,
          pull: rights.pull,
        }]),
      );
      const file: PermissionFile = {
        organization: organization.slug,
        permissions: Object.fromEntries(groups.map(({ name }) => [name, models])),
      };
      await write(cli, file, options);
    }));

  writing("export")
    .description("Write an organization's permissions to a file.")
    .action(run(async (cli, options: Options) => {
      const api = await cli.api();
      const { id, slug } = await organizationBySlug(api, required(options.orgSlug));
      const items = await api.all("/api/admin/permissions", { organization_id: id });
      const file: PermissionFile = { organization: slug, permissions: {} };
      for (const { group_name: group, model, push, pull, filters } of items) {
        (file.permissions[group] ??= {})[model] = {
          push,
          pull,
          ...(filters === null ? {} : { filters }),
        };
      }
      await write(cli, file, options);
    }));

  reading("validate")
    .description("Check a file of permissions, and say what applying it would change.")
    .action(run(async (cli, options: Options) => {
      const api = await cli.api();
      const { items, organization } = await cellsOf(api, cli.host, options);
      const preview = await api.json("PUT", "/api/admin/permissions", {
        body: { items },
        query: { preview: true },
      });
      cli.out.result(
        { valid: true, permissions: items.length, preview },
        () =>
          [
            `${items.length} permissions for ${organization.name} are valid.`,
            cli.out.table(preview.changes as Json[], [
              ["MODEL", ({ model }) => model],
              ["GROUPS", ({ groups }) => groups.join(", ")],
              ["USERS", ({ users }) => users],
              ["DEVICES", ({ devices }) => devices],
              ["PULL", ({ pull }) => `${pull.before} -> ${pull.after}`],
              ["PUSH", ({ push }) => `${push.before} -> ${push.after}`],
            ], "Nobody's rights would change."),
          ].join("\n"),
      );
    }));

  reading("apply")
    .description("Set the permissions that a file says, all or none; others stay.")
    .action(run(async (cli, options: Options) => {
      const api = await cli.api();
      const { items, organization } = await cellsOf(api, cli.host, options);
      const lost = await withdrawn(api, organization.id, items);
      if (lost.length > 0) {
        await cli.out.confirm(
          `Take rights away in ${organization.name}: ${lost.slice(0, 10).join("; ")}${
            lost.length > 10 ? ` and ${lost.length - 10} more` : ""
          }?`,
        );
      }
      const answer = await api.json("PUT", "/api/admin/permissions", { body: { items } });
      cli.out.result(
        answer,
        ({ written }) =>
          `Set ${items.length} permissions of ${organization.name}; ${written} were different before.`,
      );
    }));
};

function required(slug: string | undefined): string {
  if (slug) return slug;
  throw usage("Name the organization: --org-slug acme-corp.");
}

async function write(
  { host, out }: Cli,
  file: PermissionFile,
  { outputFile, format }: Options,
): Promise<void> {
  await writeDocument(host, file, outputFile, formatOf(format, outputFile));
  if (outputFile && outputFile !== "-") out.wrote(outputFile);
}

/** The cells of the matrix that a file sets; it names groups and models, the API wants ids. */
async function cellsOf(
  api: Api,
  host: Parameters<typeof readDocument>[0],
  { configFile, orgSlug, format }: Options,
): Promise<{ items: Json[]; organization: Json }> {
  if (!configFile) throw usage("Name the file: --config-file permissions.json.");
  const file = await readDocument(host, configFile, format) as Json;
  const groups = file?.permissions;
  if (!isObject(groups) || Object.keys(groups).length === 0) {
    throw new CliError(
      `${configFile} must have "permissions": {group: {model: {"push": true, "pull": true}}}.`,
    );
  }
  if (orgSlug && file.organization && orgSlug !== file.organization) {
    throw new CliError(
      `${configFile} is of ${file.organization}, but --org-slug is ${orgSlug}. Change one of them.`,
    );
  }
  const organization = await organizationBySlug(api, required(orgSlug ?? file.organization));
  const items: Json[] = [];
  const problems: string[] = [];
  for (const [groupName, models] of Object.entries<Json>(groups)) {
    const group = await groupByName(api, groupName);
    if (!isObject(models)) problems.push(`${groupName} must have models.`);
    else {for (const [model, rights] of Object.entries<Json>(models)) {
        const read = readRights(rights);
        if (typeof read === "string") problems.push(`${groupName}, ${model}: ${read}`);
        else items.push({ organization_id: organization.id, group_id: group.id, model, ...read });
      }}
  }
  if (problems.length > 0) {
    throw new CliError([`${configFile} is not valid.`, ...problems].join("\n"));
  }
  if (items.length === 0) throw new CliError(`${configFile} has no permission.`);
  return { items, organization };
}

/** What `items` take away, as `Managers: push of myapp.Customer`. */
async function withdrawn(api: Api, organizationId: number, items: Json[]): Promise<string[]> {
  const present = await api.all("/api/admin/permissions", { organization_id: organizationId });
  return items.flatMap((item) => {
    const before = present.find(({ group_id, model }) =>
      group_id === item.group_id && model.toLowerCase() === item.model.toLowerCase()
    );
    if (!before) return [];
    const lost = ["push", "pull"].filter((right) => before[right] && !item[right]);
    const narrowed = item.filters &&
      JSON.stringify(item.filters) !== JSON.stringify(before.filters);
    if (narrowed) lost.push("rows by filters");
    return lost.map((right) => `${before.group_name}: ${right} of ${before.model}`);
  });
}

/** Rights as we write them, or as sb-sync's columns are named. A sentence where they are not right. */
function readRights(given: Json): Json | string {
  if (!isObject(given)) return 'must be like {"push": true, "pull": true}.';
  const { push, pull, can_push, can_pull, filters, ...unknown } = given;
  const [other] = Object.keys(unknown);
  if (other !== undefined) return `${other} is not known; there are push, pull and filters.`;
  const rights = { push: push ?? can_push ?? false, pull: pull ?? can_pull ?? false };
  for (const [name, value] of Object.entries(rights)) {
    if (typeof value !== "boolean") return `${name} must be true or false.`;
  }
  return filters === undefined ? rights : { ...rights, filters };
}

function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
