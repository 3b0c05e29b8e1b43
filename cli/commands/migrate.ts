import { migrate, migrationStatus, rollback } from "../../lib/db/mod.ts";
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
    .option("--dry-run", "Only say what would be done, with --verbose the SQL too.")
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
        if (options.verbose && !cli.options.json) {
          cli.out.note(`The database is at ${version}; migrations to apply: ${pending.length}.`);
          for (const { name, sql } of pending) cli.out.note(`-- ${name}\n${sql.trim()}\n`);
        }
        if (options.dryRun) {
          const names = pending.map(({ name, sql }) => options.verbose ? { name, sql } : { name });
          return cli.out.result(
            { version, pending: names },
            () =>
              pending.length > 0
                ? `Would apply ${pending.map(({ name }) => name).join(", ")}.`
                : `Nothing to do: the database is at ${version}.`,
          );
        }
        if (options.rollback) {
          const question = `Take back ${applied.at(-1)}, and lose what its tables hold?`;
          if (applied.length > 0 && !await cli.out.confirm(question)) return;
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
