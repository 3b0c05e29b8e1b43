import { renewIdentity } from "../../lib/sync/mod.ts";
import type { Register } from "../cli.ts";
import { openPrepared } from "../local.ts";

export const registerRestored: Register = (program, run) => {
  program.command("restored")
    .description(
      "After restoring a copy of the database's files or volume: every client starts over. A " +
        "restored dump, a recovery from WAL and a failover are noticed without it.",
    )
    .action(run(async (cli) => {
      cli.refuseServer("restored");
      const question = "Make every client start over with its next pull?";
      await cli.out.confirm(question);
      const { db } = await openPrepared();
      try {
        // No database has this one, so that it is taken for the copy that nothing else tells it is.
        await db.query("UPDATE lockstep.installation SET fingerprint = 'restored'");
        await renewIdentity(db);
      } finally {
        await db.close();
      }
      cli.out.result(
        { restored: true },
        () => "Every client will start over with its next pull.",
      );
    }));
};
