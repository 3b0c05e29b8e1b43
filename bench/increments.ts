import { elapsed, type Line, median } from "./table.ts";
import { fillCities, signIn, World } from "./world.ts";

const goal = 1.5;
const changed = 100;

/** What it costs to pull 100 changed rows, in a small table and in a large one. */
export async function benchIncrements({ quick }: { quick: boolean }): Promise<Line[]> {
  const sizes = quick ? [10_000, 200_000] : [10_000, 1_000_000];
  await using world = await World.open();
  await using server = await world.startServer();
  const client = await signIn(server);
  const tables = [];
  for (const size of sizes) {
    const table = `city_${size}`;
    await fillCities(world, `public.${table}`, size);
    await world.grant(`public.City${size}`);
    const model = `public.City${size}`;
    const cursor = await client.pullStream(model, null, () => {});
    tables.push({ size, table, model, cursor, times: [] as number[] });
  }
  for (let round = 0; round < (quick ? 20 : 40); round++) {
    for (const one of round % 2 === 0 ? tables : tables.toReversed()) {
      await world.db.query(
        `UPDATE ${one.table} SET population = population + 1
         WHERE id IN (SELECT 1 + (i::bigint * 7919 + $2) % $3 FROM generate_series(1, $1::int) i)`,
        [changed, round * 104_729, one.size],
      );
      let size = 0;
      const time = await elapsed(async () => {
        one.cursor = await client.pullPages(one.model, one.cursor, (page) => size += page.length);
      });
      if (size < changed * 100) throw new Error(`The increment has ${size} bytes`);
      // The first rounds compile and cache.
      if (round >= 5) one.times.push(time);
    }
  }
  const [small, large] = tables;
  const ratio = median(large.times) / median(small.times);
  return [
    ...tables.map(({ size, times }) => ({
      what: `in ${size.toLocaleString("en")} rows`,
      measured: `${median(times).toFixed(1)} ms`,
    })),
    {
      what: "cost in the large table by that in the small one",
      measured: ratio.toFixed(2),
      goal: `≤ ${goal}`,
      met: ratio <= goal,
    },
  ];
}
