import { ServerProcess } from "./server_process.ts";
import { elapsed, type Line, median } from "./table.ts";
import { World } from "./world.ts";

/** Time from the start of the process to its first answer. */
export async function benchStart({ quick }: { quick: boolean }): Promise<Line[]> {
  const rounds = quick ? 5 : 7;
  await using world = await World.open();
  const dataDir = await Deno.makeTempDir({ prefix: "lockstep-data-" });
  try {
    const environments = { DATABASE_URL: world.url, LOCKSTEP_DATA_DIR: dataDir };
    const lines: Line[] = [];
    for (
      const [name, what, goal] of [
        ["DATABASE_URL", "on PostgreSQL", 1],
        ["LOCKSTEP_DATA_DIR", "on an embedded database that exists", 3],
      ] as const
    ) {
      const samples: number[] = [];
      for (let round = 0; round <= rounds; round++) {
        let server: ServerProcess;
        const time = await elapsed(async () => {
          server = await ServerProcess.start({ [name]: environments[name] });
        });
        await server!.stop();
        // The first start makes the database.
        if (round > 0) samples.push(time);
      }
      const seconds = median(samples) / 1000;
      lines.push({
        what,
        measured: `${seconds.toFixed(2)} s`,
        goal: `< ${goal} s`,
        met: seconds < goal,
      });
    }
    return lines;
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}
