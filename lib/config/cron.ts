/** The numbers that a field of a cron expression allows. */
interface Field {
  name: string;
  min: number;
  max: number;
  words?: string[];
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const weekdays = "sun mon tue wed thu fri sat".split(" ");

const fields: Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, words: ["", ...months] },
  { name: "day of the week", min: 0, max: 7, words: weekdays },
];

/** Longer than from one 29 February to the next across a century that has none. */
const longestWaitDays = 366 * 8 + 2;
const dayMs = 86_400_000;

/**
 * When a cron expression (crontab(5)) is due, in UTC: minute, hour, day of the month, month, day of
 * the week, each `*`, a number, a name, a range, a list, with `/step`. Sunday is 0 and 7. When both
 * days are restricted, either is enough.
 */
export class CronSchedule {
  readonly #minutes: Set<number>;
  readonly #hours: Set<number>;
  readonly #monthDays: Set<number>;
  readonly #months: Set<number>;
  readonly #weekdays: Set<number>;
  readonly #eitherDay: boolean;

  /** @throws RangeError that says what is wrong, worded to follow the setting's name */
  constructor(readonly expression: string) {
    const parts = expression.trim().split(/\s+/);
    if (parts.length !== fields.length) {
      throw new RangeError(
        `must have ${fields.length} fields: minute, hour, day of the month, month, day of the week`,
      );
    }
    const [minutes, hours, monthDays, monthNumbers, weekdays] = parts.map((part, i) =>
      numbersOf(part.toLowerCase(), fields[i])
    );
    this.#minutes = minutes;
    this.#hours = hours;
    this.#monthDays = monthDays;
    this.#months = monthNumbers;
    this.#weekdays = new Set([...weekdays].map((day) => day % 7));
    this.#eitherDay = !parts[2].startsWith("*") && !parts[4].startsWith("*");
    if (!this.next(new Date(0))) throw new RangeError("names a day that no month has");
  }

  /** The first due minute after `time`. Always there: the constructor has looked. */
  next(time: Date): Date {
    return this.#search(Math.floor(time.getTime() / 60_000) * 60_000 + 60_000, 1)!;
  }

  /** The last due minute that is not after `time`. */
  previous(time: Date): Date {
    return this.#search(Math.floor(time.getTime() / 60_000) * 60_000, -1)!;
  }

  #search(from: number, direction: 1 | -1): Date | undefined {
    let minuteOfDay = Math.floor(from % dayMs / 60_000);
    let day = from - from % dayMs;
    for (let i = 0; i < longestWaitDays; i++) {
      if (this.#isDue(new Date(day))) {
        for (let m = minuteOfDay; m >= 0 && m < 1440; m += direction) {
          if (this.#hours.has(Math.floor(m / 60)) && this.#minutes.has(m % 60)) {
            return new Date(day + m * 60_000);
          }
        }
      }
      day += direction * dayMs;
      minuteOfDay = direction > 0 ? 0 : 1439;
    }
  }

  #isDue(day: Date): boolean {
    if (!this.#months.has(day.getUTCMonth() + 1)) return false;
    const byMonth = this.#monthDays.has(day.getUTCDate());
    const byWeek = this.#weekdays.has(day.getUTCDay());
    return this.#eitherDay ? byMonth || byWeek : byMonth && byWeek;
  }
}

function numbersOf(text: string, field: Field): Set<number> {
  const numbers = new Set<number>();
  for (const item of text.split(",")) {
    const [, range, step] = /^([^/]+)(?:\/([1-9]\d?))?$/.exec(item) ?? [];
    if (range === undefined) throw wrong(item, field);
    const [first, last, ...more] = range === "*" ? [field.min, field.max] : range.split("-")
      .map((value) => numberOf(value, field));
    if (more.length > 0) throw wrong(item, field);
    // As in crontab(5): a single number with a step begins a range.
    const end = last ?? (step === undefined ? first : field.max);
    if (end < first) throw wrong(item, field);
    for (let n = first; n <= end; n += Number(step ?? 1)) numbers.add(n);
  }
  return numbers;
}

function numberOf(text: string, field: Field): number {
  const word = field.words?.indexOf(text) ?? -1;
  const number = word >= 0 ? word : /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  if (number >= field.min && number <= field.max) return number;
  throw wrong(text, field);
}

function wrong(text: string, { name, min, max }: Field): RangeError {
  return new RangeError(
    `has ${
      JSON.stringify(text.slice(0, 50))
    } as ${name}, which takes ${min} to ${max}, *, ranges, ` +
      "lists and steps",
  );
}
