import { migrate, migrationStatus, rollback, rollbackPlan } from "../../lib/db/mod.ts";
import type { Register } from "../cli.ts";
import { prepareDatabase } from "../../main.ts";
import { localEnvironment, openLocalDatabase } from "../local.ts";

interface Options {
  dryRun?: boolean;
  force?: boolean;
  verbose?: boolean;
  rollback?: boolean;
}

export const registerMigrate: Register = (program, run) => {
  program.command("migrate")
    .description("Bring Lockstep's own tables to this version.")
    .option("--dry-run", "Only print the SQL of what would be done.")
    .option("--force", "Also do what a server does after a migration, if nothing is missing.")
    .option("--verbose", "Print the SQL of each migration.")
    .option("--rollback", "Take back the newest migration instead, with what its tables hold.")
    .action(run(async (cli, options: Options) => {
      cli.refuseServer("migrate");
      const env = localEnvironment();
      const db = await openLocalDatabase(env);
      try {
        const { applied, pending } = await migrationStatus(db);
        const version = applied.at(-1) ?? "none: a new database";
        if (options.dryRun && options.rollback) {
          const plan = await rollbackPlan(db);
          return cli.out.result(
            { version, rolled_back: plan ?? null },
            () => plan ? script("take back", [plan]) : "There is no migration to take back.",
          );
        }
        if (options.dryRun) {
          return cli.out.result(
            { version, pending },
            () =>
              pending.length > 0
                ? script("apply", pending)
                : `Nothing to do: the database is at ${version}.`,
          );
        }
        if (options.verbose && !cli.options.json) {
          cli.out.note(`The database is at ${version}; migrations to apply: ${pending.length}.`);
          for (const { name, sql } of pending) cli.out.note(`-- ${name}\n${sql.trim()}\n`);
        }
        if (options.rollback) {
          const question = `Take back ${applied.at(-1)}, and lose what its tables hold?`;
          if (applied.length > 0) await cli.out.confirm(question);
          const name = await rollback(db, env.migrationTimeout);
          return cli.out.result(
            { rolled_back: name ?? null },
            () => name ? `Took back ${name}.` : "There is no migration to take back.",
          );
        }
        const done = await migrate(db, env.migrationTimeout);
        if (options.force) await prepareDatabase(db, env);
        cli.out.result(
          { applied: done },
          () =>
            done.length > 0
              ? `Applied ${done.join(", ")}.`
              : `Nothing to do: the database is at ${version}.`,
        );
      } finally {
        await db.close();
      }
    }));
};

/** What would be done, as SQL that says in comments what it is. */
function script(verb: string, plan: { name: string; sql: string }[]): string {
  const names = plan.map(({ name }) => name).join(", ");
  return [`-- Would ${verb} ${names}.`, ...plan.map(({ name, sql }) => `-- ${name}\n${sql.trim()}`)]
    .join("\n\n");
}
