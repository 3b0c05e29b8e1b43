import { Cron } from "croner";

const minuteMs = 60_000;

/** When a cron expression of five fields (crontab(5)) is due, in UTC. */
export class CronSchedule {
  readonly #cron: Cron;

  /** @throws RangeError that says what is wrong, worded to follow the setting's name */
  constructor(expression: string) {
    try {
      this.#cron = new Cron(expression, {
        timezone: "UTC",
        mode: "5-part",
        sloppyRanges: true,
        paused: true,
      });
    } catch {
      throw new RangeError(
        "must have five fields: minute, hour, day of the month, month and day of the week, each *, " +
          "a number, a name, a range, or a list of them, such as 30 3 * * mon-fri",
      );
    }
    if (!this.#cron.nextRun()) throw new RangeError("names a day that no month has");
  }

  /** The first due minute after `time`. Always there: the constructor has looked. */
  next(time: Date): Date {
    return this.#cron.nextRun(time)!;
  }

  /** The last due minute that is not after `time`. */
  previous(time: Date): Date {
    const minute = Math.floor(time.getTime() / minuteMs) * minuteMs;
    return this.#cron.previousRuns(1, new Date(minute + minuteMs))[0];
  }
}
