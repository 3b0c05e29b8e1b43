import { inTurns, type Line, median } from "./table.ts";
import { fillCities, signIn, World } from "./world.ts";

const model = "public.City";
const changed = 100;

/** Pulls with row level security as the second wall, beside the same without it. */
export async function benchRowSecurity({ quick }: { quick: boolean }): Promise<Line[]> {
  const count = quick ? 50_000 : 150_000;
  const rounds = quick ? 7 : 15;
  await using open = await Side.open("false", count);
  await using walled = await Side.open("true", count);
  const works: [string, (side: Side) => Promise<unknown>][] = [
    ["a first pull in JSON pages of 10,000", (side) => side.first()],
    ["a first pull as NDJSON", (side) => side.stream()],
    [`an increment of ${changed} rows`, (side) => side.increment()],
  ];
  const lines: Line[] = [];
  for (const [what, work] of works) {
    for (const side of [open, walled]) await work(side);
    const { ours, reference } = await inTurns(rounds, () => work(walled), () => work(open));
    lines.push({
      what,
      measured: `${(median(ours) / median(reference)).toFixed(2)} times  (${
        median(ours).toFixed(1)
      } ms, without it ${median(reference).toFixed(1)} ms)`,
    });
  }
  return lines;
}

/** A database and its server. */
class Side implements AsyncDisposable {
  #cursor = "";
  #round = 0;
  private constructor(
    readonly world: World,
    readonly server: Awaited<ReturnType<World["startServer"]>>,
    readonly client: Awaited<ReturnType<typeof signIn>>,
    readonly count: number,
  ) {}

  static async open(rowSecurity: "true" | "false", count: number): Promise<Side> {
    const world = await World.open();
    await fillCities(world, "public.city", count);
    await world.grant(model);
    const server = await world.startServer([], { LOCKSTEP_ROW_SECURITY: rowSecurity });
    const side = new Side(world, server, await signIn(server), count);
    side.#cursor = await side.stream();
    return side;
  }

  first() {
    return this.client.pullPages(model, null, () => {});
  }

  stream() {
    return this.client.pullStream(model, null, () => {});
  }

  /** The pull alone counts little in it: the UPDATE is the same on both sides. */
  async increment() {
    await this.world.db.query(
      `UPDATE public.city SET population = population + 1
       WHERE id IN (SELECT 1 + (i::bigint * 7919 + $2) % $3 FROM generate_series(1, $1::int) i)`,
      [changed, this.#round++ * 104_729, this.count],
    );
    this.#cursor = await this.client.pullPages(model, this.#cursor, () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await this.world.dispose();
  }
}
