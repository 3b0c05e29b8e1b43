import postgres from "postgres";
import type { Client } from "./client.ts";
import { inTurns, type Line, median, rate, speedRatio } from "./table.ts";
import { fillCities, signIn, World } from "./world.ts";

const goal = 0.8;

/** A first pull of a whole table beside `COPY (SELECT row_to_json(…)) TO STDOUT` of it. */
export async function benchPull({ quick }: { quick: boolean }): Promise<Line[]> {
  const count = quick ? 50_000 : 150_000;
  const rounds = quick ? 5 : 7;
  await using world = await World.open();
  await fillCities(world, "public.city", count);
  await world.grant("public.City");
  await using server = await world.startServer();
  const client = await signIn(server);
  const sql = postgres(world.url, { max: 4, onnotice: () => {} });
  const forms: [string, (client: Client) => Promise<unknown>][] = [
    ["JSON pages of 10,000", (client) => client.pullPages("public.City", null, () => {})],
    ["NDJSON", (client) => client.pullStream("public.City", null, () => {})],
  ];
  const lines: Line[] = [];
  for (const [form, pull] of forms) {
    for (const clients of [1, 4]) {
      const all = (work: () => Promise<unknown>) => () =>
        Promise.all(Array.from({ length: clients }, work));
      const ours = all(() => pull(client));
      const reference = all(() => copyAll(sql));
      await ours();
      await reference();
      const pair = await inTurns(rounds, ours, reference);
      const ratio = speedRatio(pair);
      lines.push({
        what: `${form}, ${clients} client${clients > 1 ? "s" : ""}`,
        measured: `${ratio.toFixed(2)}  (${rate(clients * count, median(pair.ours))}, COPY ${
          rate(clients * count, median(pair.reference))
        })`,
        goal: `≥ ${goal}`,
        met: ratio >= goal,
      });
    }
  }
  await sql.end();
  return lines;
}

async function copyAll(sql: postgres.Sql): Promise<number> {
  const stream = await sql`COPY (SELECT row_to_json(city) FROM city) TO STDOUT`.readable();
  let size = 0;
  // As events: read by an iterator, the driver's stream may leave its connection paused.
  await new Promise((resolve, reject) => {
    stream.on("data", (chunk: Uint8Array) => size += chunk.length)
      .on("end", resolve).on("error", reject);
  });
  return size;
}
