/**
 * Writes to the database that its first argument names, a postgres: URL or a data directory, until
 * it is killed: two rows a transaction. Prints the number of each transaction that was committed.
 * @module
 */
import { openPglite, openPostgres } from "../../lib/db/mod.ts";

const [place] = Deno.args;
const db = place.startsWith("postgres:") ? openPostgres(place) : await openPglite(place);
await db.script(`
  CREATE TABLE IF NOT EXISTS written (number bigint, half int, PRIMARY KEY (number, half))`);
const [{ start }] = await db.query<{ start: number }>(
  "SELECT coalesce(max(number), 0) + 1 AS start FROM written",
);
const encoder = new TextEncoder();
for (let number = start;; number++) {
  await db.transaction({}, async (tx) => {
    for (const half of [1, 2]) {
      await tx.query("INSERT INTO written VALUES ($1, $2)", [number, half]);
    }
  });
  Deno.stdout.writeSync(encoder.encode(`${number}\n`));
}
