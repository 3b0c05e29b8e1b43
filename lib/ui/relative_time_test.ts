import { expect } from "expect";
import { relativeTime } from "./relative_time.tsx";

Deno.test("relativeTime() uses the largest whole unit", () => {
  const table: [number, string][] = [
    [0, "now"],
    [-9, "now"],
    [-59, "59 seconds ago"],
    [-60, "1 minute ago"],
    [-3_599, "59 minutes ago"],
    [-86_400, "yesterday"],
    [7_200, "in 2 hours"],
    [-366 * 86_400, "last year"],
  ];
  for (const [seconds, words] of table) expect(relativeTime(seconds)).toBe(words);
});
