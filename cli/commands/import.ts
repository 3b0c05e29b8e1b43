import { type Database, openPostgres } from "../../lib/db/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";
import type { Cli, Register } from "../cli.ts";
import { CliError, exitCode, usage } from "../errors.ts";
import {
  countImported,
  importInstallation,
  type ImportReport,
  type Installation,
  readInstallation,
  undoImport,
} from "../import_django/mod.ts";
import { openPrepared } from "../local.ts";

interface Options {
  from?: string;
  schema: string;
  dryRun?: boolean;
  undo?: boolean;
}

export const registerImport: Register = (program, run) => {
  const importing = program.command("import").description("Take over from other programs.");
  importing.command("django")
    .description(
      "Take an installation of sb-sync (1.x or 2.x) over: users, groups, organizations, permissions, " +
        "filters, sync metadata and configuration. What is here already stays as it is.",
    )
    .option("--from <url>", "PostgreSQL database of the Django project. Default: our own.")
    .option("--schema <name>", "Schema of Django's tables.", "public")
    .option("--dry-run", "Only say what would be made.")
    .option("--undo", "Take back what imports have made.")
    .action(run(async (cli, options: Options) => {
      cli.refuseServer("import");
      const { db } = await openPrepared();
      try {
        if (options.undo) await undo(cli, db, options);
        else await importFrom(cli, db, options);
      } finally {
        await db.close();
      }
    }));
};

async function importFrom(cli: Cli, db: Database, options: Options): Promise<void> {
  const installation = await readFrom(db, options);
  const report = await importInstallation(db, installation, { dryRun: options.dryRun ?? false });
  cli.out.result(report, () => show(cli, report));
}

async function readFrom(db: Database, { from, schema }: Options): Promise<Installation> {
  if (from === undefined) return await readInstallation(db, schema);
  if (!/^postgres(ql)?:\/\/./.test(from)) {
    throw usage("--from must be like postgres://user:password@host:5432/database.");
  }
  const source = openPostgres(from, { max: 1 });
  try {
    // One snapshot: a Django that still runs must not change between two tables.
    return await source.transaction(
      { isolation: "repeatable read", readOnly: true },
      (tx) => readInstallation(tx, schema),
    );
  } catch (cause) {
    if (!(cause instanceof LockstepError && cause.code === "unavailable")) throw cause;
    throw new CliError(
      "The database of --from cannot be reached. Check host, port, name, user and password.",
      exitCode.unreachable,
      cause,
    );
  } finally {
    await source.close();
  }
}

async function undo(cli: Cli, db: Database, { dryRun }: Options): Promise<void> {
  const count = await countImported(db);
  if (count === 0 || dryRun) {
    return cli.out.result(
      { imported: count },
      () =>
        count > 0
          ? `Would delete ${count} imported rows, and what depends on them.`
          : "There is nothing that was imported.",
    );
  }
  const question = `Delete ${count} imported rows, with the devices, tokens and memberships that ` +
    "depend on them?";
  await cli.out.confirm(question);
  const removed = await undoImport(db);
  cli.out.result({ removed }, () =>
    cli.out.table(Object.entries(removed), [
      ["TABLE", ([table]) => table],
      ["DELETED", ([, count]) => count],
    ], "All of it was deleted before."));
}

function show(cli: Cli, { version, dry_run, created, kept, notes }: ImportReport): string {
  return [
    `sb-sync ${version}${dry_run ? ", as it would be imported" : ""}`,
    cli.out.table(Object.keys(created), [
      ["WHAT", (what) => what],
      [dry_run ? "WOULD CREATE" : "CREATED", (what) => created[what]],
      ["KEPT AS IT IS", (what) => kept[what]],
    ], ""),
    ...notes,
  ].join("\n");
}
