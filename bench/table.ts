/** One line of the table: what was measured, and what it should be. */
export interface Line {
  what: string;
  measured: string;
  /** Absent where nothing was aimed at. */
  goal?: string;
  met?: boolean;
}

/** Milliseconds of each of the rounds that were taken in turns. */
export interface Pair {
  ours: number[];
  reference: number[];
}

/** Prints measurements in columns under a title. */
export function printTable(title: string, lines: Line[]): void {
  const width = (column: (line: Line) => string) =>
    Math.max(...lines.map((line) => column(line).length));
  const [first, second, third] = [
    width(({ what }) => what),
    width(({ measured }) => measured),
    width(({ goal }) => goal ?? ""),
  ];
  console.log(`\n${title}`);
  for (const { what, measured, goal = "", met } of lines) {
    const verdict = met === undefined ? "" : met ? "met" : "NOT met";
    console.log(
      `  ${what.padEnd(first)}  ${measured.padEnd(second)}  ${goal.padEnd(third)}  ${verdict}`
        .trimEnd(),
    );
  }
}

/** The middle sample, or the mean of the two in the middle. */
export function median(samples: number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The sample that `share` (0 to 1) of all do not exceed. */
export function percentile(samples: number[], share: number): number {
  return samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(samples.length * share) - 1)];
}

/** Measures both by turns, which one goes first by turns too, so that both meet the same noise. */
export async function inTurns(
  rounds: number,
  ours: () => Promise<unknown>,
  reference: () => Promise<unknown>,
): Promise<Pair> {
  const pair: Pair = { ours: [], reference: [] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? ["ours", "reference"] as const : ["reference", "ours"] as const;
    for (const which of order) {
      pair[which].push(await elapsed(which === "ours" ? ours : reference));
    }
  }
  return pair;
}

/** Milliseconds that the work takes. */
export async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** How fast ours is, measured by the reference: 1 is as fast. */
export function speedRatio({ ours, reference }: Pair): number {
  return median(reference) / median(ours);
}

/** So many things in so many milliseconds, as a text per second. */
export function rate(count: number, milliseconds: number): string {
  return `${Math.round(count / milliseconds * 1000).toLocaleString("en")}/s`;
}
