import postgres from "postgres";
import { type City, createCities, readCities } from "./cities.ts";
import { writers } from "./reference_writer.ts";
import { elapsed, inTurns, type Line, median, rate, speedRatio } from "./table.ts";
import { signIn, World } from "./world.ts";

const goal = 0.75;

/** How many records are sent at once, and how often by each client in the quick mode. */
const batches = [
  { size: 100, turns: 20 },
  { size: 1000, turns: 12 },
  { size: 10_000, turns: 4 },
  { size: 20_000, turns: 2, streamed: true },
];

/** Push over HTTP beside the same rows sent straight to PostgreSQL. */
export async function benchPush({ quick }: { quick: boolean }): Promise<Line[]> {
  await using world = await World.open();
  await world.db.script(createCities("public.city"));
  await world.db.script(createCities("public.reference"));
  await world.grant("public.City");
  await using server = await world.startServer();
  const client = await signIn(server);
  const cities = await readCities();
  // Both serialize what they send: the client's work is measured on either side.
  let nextId = 1;
  const take = (count: number): City[] =>
    Array.from({ length: count }, (_, i) => ({ ...cities[i % cities.length], id: nextId++ }));
  const lines: Line[] = [];
  const sql = postgres(world.url, { max: 4, onnotice: () => {} });
  // The change log starts with the first pull.
  await client.pullPages("public.City", null, () => {});
  for (const { size, turns, streamed } of batches) {
    const count = size * turns * (quick ? 1 : 2);
    for (const clients of [1, 4]) {
      const work = (send: (rows: City[]) => Promise<unknown>) => {
        const due = Array.from({ length: count / size }, () => take(size));
        return async () => {
          await Promise.all(Array.from({ length: clients }, async () => {
            for (let next; (next = due.pop());) await send(next);
          }));
        };
      };
      const push = (rows: City[]) =>
        streamed ? client.pushStream("public.City", rows) : client.push("public.City", rows);
      const write = (name: string) => (rows: City[]) =>
        writers[name](sql, "public.reference", rows, world.organizationId);

      const times = new Map<string, number>();
      for (const name of Object.keys(writers)) {
        await elapsed(work(write(name)));
        const again = [work(write(name)), work(write(name))];
        times.set(name, Math.min(await elapsed(again[0]), await elapsed(again[1])));
      }
      const [[fastest]] = [...times].sort(([, a], [, b]) => a - b);
      await elapsed(work(push));
      const rounds = quick ? 5 : 7;
      const [ours, theirs] = [push, write(fastest)].map((send) =>
        Array.from({ length: rounds }, () => work(send))
      );
      const pair = await inTurns(rounds, () => ours.pop()!(), () => theirs.pop()!());
      const ratio = speedRatio(pair);
      lines.push({
        what: `${streamed ? "NDJSON of" : "batches of"} ${size}, ${clients} client${
          clients > 1 ? "s" : ""
        }`,
        measured: `${ratio.toFixed(2)}  (${rate(count, median(pair.ours))}, ${fastest} ${
          rate(count, median(pair.reference))
        })`,
        goal: `≥ ${goal}`,
        met: ratio >= goal,
      });
    }
  }
  await sql.end();
  return lines;
}
