import { expect } from "expect";
import { CronSchedule } from "./cron.ts";

const at = (text: string) => new Date(`${text}Z`);

const due: [expression: string, after: string, next: string, previous: string][] = [
  ["* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01", "2026-01-01T00:00"],
  ["0 3 * * *", "2026-01-01T03:00", "2026-01-02T03:00", "2026-01-01T03:00"],
  ["0 3 * * *", "2026-01-01T02:59:59", "2026-01-01T03:00", "2025-12-31T03:00"],
  ["*/15 * * * *", "2026-12-31T23:46", "2027-01-01T00:00", "2026-12-31T23:45"],
  ["5/20 1-2 * * *", "2026-01-01T01:46", "2026-01-01T02:05", "2026-01-01T01:45"],
  ["0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00", "2096-02-29T00:00"],
  ["0 0 31 * *", "2026-02-01T00:00", "2026-03-31T00:00", "2026-01-31T00:00"],
  ["30 4 * JAN,jul mon", "2026-01-06T00:00", "2026-01-12T04:30", "2026-01-05T04:30"],
  ["0 0 * * 7", "2026-01-02T00:00", "2026-01-04T00:00", "2025-12-28T00:00"],
  ["0 0 13 * fri", "2026-01-14T00:00", "2026-01-16T00:00", "2026-01-13T00:00"],
];
for (const [expression, after, next, previous] of due) {
  Deno.test(`CronSchedule "${expression}" finds the due minutes around ${after}`, () => {
    const schedule = new CronSchedule(expression);
    expect(schedule.next(at(after))).toEqual(at(next));
    expect(schedule.previous(at(after))).toEqual(at(previous));
  });
}

const wrong = [
  ...["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"],
  ...["* * * * 8", "5-1 * * * *", "*/0 * * * *", "1--2 * * * *", "1-2-3 * * * *", "a * * * *"],
  ...["1, * * * *", "0 0 30 2 *", "-1 * * * *", "1.5 * * * *", "* * * x *"],
];
for (const expression of wrong) {
  Deno.test(`CronSchedule refuses "${expression}"`, () => {
    expect(() => new CronSchedule(expression)).toThrow(RangeError);
  });
}
