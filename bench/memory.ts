import { setTimeout as delay } from "node:timers/promises";
import { elapsed, type Line, median, rate } from "./table.ts";
import { fillCities, signIn, World } from "./world.ts";

const mebibyte = 1024 * 1024;
const goal = 64;
/** Between two looks at the memory, in milliseconds. */
const spacing = 20;

/** Memory of the server while it streams a large table, and how soon the first byte comes. */
export async function benchMemory({ quick }: { quick: boolean }): Promise<Line[]> {
  const count = quick ? 200_000 : 1_000_000;
  const model = "public.City";
  await using world = await World.open();
  await fillCities(world, "public.city", count);
  await fillCities(world, "public.small", 1_000);
  for (const name of [model, "public.Small"]) await world.grant(name);
  await using server = await world.startServer();
  const client = await signIn(server);
  for (let i = 0; i < 5; i++) await client.pullStream("public.Small", null, () => {});

  const before = await server.memory();
  let most = before;
  let running = true;
  const watch = (async () => {
    while (running) {
      most = Math.max(most, await server.memory());
      await delay(spacing);
    }
  })();
  let bytes = 0;
  const time = await elapsed(() =>
    client.pullStream(model, null, (chunk) => bytes += chunk.length)
  );
  running = false;
  await watch;

  const firstByte = async (headers: Record<string, string>) => {
    const samples: number[] = [];
    for (let i = 0; i < 7; i++) {
      const body = { models: { [model]: null }, batch_size: 10_000 };
      const started = performance.now();
      const response = await client.post("pull/", body, headers);
      const reader = response.body!.getReader();
      await reader.read();
      samples.push(performance.now() - started);
      await reader.cancel();
    }
    return median(samples);
  };
  const grown = (most - before) / mebibyte;
  return [
    {
      what: `memory growth over ${count.toLocaleString("en")} rows, ${
        Math.round(bytes / mebibyte)
      } MiB`,
      measured: `${grown.toFixed(0)} MiB  (from ${Math.round(before / mebibyte)} MiB, ${
        rate(count, time)
      })`,
      goal: `< ${goal} MiB`,
      met: grown < goal,
    },
    {
      what: "time to first byte, NDJSON",
      measured: `${(await firstByte({ Accept: "application/x-ndjson" })).toFixed(0)} ms`,
    },
    {
      what: "time to first byte, a JSON page of 10,000",
      measured: `${(await firstByte({})).toFixed(0)} ms`,
    },
  ];
}
