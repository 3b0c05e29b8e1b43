import { trimSpace } from "./number_check.ts";
import type { TextCheck } from "./value_problem.ts";

/** `MAXDATELEN` of PostgreSQL. */
const longest = 128;

const words: Record<string, RegExp> = {
  date: /^(?:-?infinity|epoch|now|today|tomorrow|yesterday)$/i,
  timestamp: /^(?:-?infinity|epoch|now|today|tomorrow|yesterday)/i,
  time: /^(?:now|allballs)$/i,
};

const examples = {
  date: "a date such as 2024-01-31",
  timestamp: "a time such as 2024-01-31T09:30:00",
  timestamptz: "a time such as 2024-01-31T09:30:00Z",
  time: "a time of day such as 09:30:00",
  timetz: "a time of day such as 09:30:00+01",
};

/** The greatest years of each type; the least one is 4714 BC. */
const lastYear = { date: 5_874_897, timestamp: 294_276, timestamptz: 294_276 };

const isoDate = /^(\d{4,7})-(\d\d?)-(\d\d?)(?:[Tt ]+(\d\d?):(\d\d)(?::(\d\d)(?:\.\d*)?)?)?(.*)$/s;
const isoTime = /^[Tt]?(\d\d?):(\d\d)(?::(\d\d)(?:\.\d*)?)?/;
const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Times are written in more ways than this knows: what has the shape of ISO 8601 must be in the
 * calendar, anything else must at least have a digit in it, and PostgreSQL decides.
 */
export function timeCheck(type: keyof typeof examples): TextCheck {
  const complaint = { code: "invalid_value", takes: examples[type] } as const;
  const ofDay = type === "time" || type === "timetz";
  const known = words[ofDay ? "time" : type === "date" ? "date" : "timestamp"];
  return (given) => {
    if (!ofDay && isCommon(given, type === "date")) return;
    const text = trimSpace(given);
    if (text.length > longest) return complaint;
    const iso = ofDay ? undefined : isoDate.exec(text);
    if (iso && !ofDay) {
      const [, year, month, day, hour, minute, second, rest] = iso;
      const before = /bc\s*$/i.test(rest);
      const fits = isDay(Number(year), Number(month), Number(day), before) &&
        Number(year) <= (before ? 4714 : lastYear[type]) &&
        (hour === undefined || isTime(Number(hour), Number(minute), Number(second ?? 0)));
      return fits ? undefined : complaint;
    }
    const clock = ofDay ? isoTime.exec(text) : undefined;
    if (clock) {
      const [hour, minute, second] = clock.slice(1).map((part) => Number(part ?? 0));
      return isTime(hour, minute, second) ? undefined : complaint;
    }
    return /\d/.test(text) || known.test(text) ? undefined : complaint;
  };
}

/**
 * The usual form, `YYYY-MM-DD` up to the 28th with or without `THH:MM:SS…`, without the cost of an
 * expression. What follows the seconds is left to PostgreSQL.
 */
function isCommon(text: string, dateOnly: boolean): boolean {
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return false;
  if (text[4] !== "-" || text[7] !== "-") return false;
  if (text.length === 10) return true;
  return !dateOnly && text.length >= 19 && text.length <= longest &&
    (text[10] === "T" || text[10] === " ") && text[13] === ":" && text[16] === ":" &&
    twoDigits(text, 11) <= 23 && twoDigits(text, 14) <= 59 && twoDigits(text, 17) <= 59;
}

/** The number that two digits make, NaN for anything else. */
function twoDigits(text: string, i: number): number {
  const tens = text.charCodeAt(i) - 0x30;
  const ones = text.charCodeAt(i + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : NaN;
}

function isDay(year: number, month: number, day: number, before: boolean): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOfMonth[month - 1]) return false;
  if (month !== 2 || day < 29) return true;
  const astronomical = before ? year - 1 : year;
  return astronomical % 4 === 0 && (astronomical % 100 !== 0 || astronomical % 400 === 0);
}

function isTime(hour: number, minute: number, second: number): boolean {
  if (hour === 24) return minute === 0 && second === 0;
  return hour < 24 && minute < 60 && second <= 60;
}

/** ISO 8601 durations, PostgreSQL's own words, and infinity where it is known. */
export const intervalCheck: TextCheck = (text) =>
  text.length <= 2 * longest && /\d|^\s*[+-]?infinity\s*$/i.test(text)
    ? undefined
    : { code: "invalid_value", takes: "an interval such as P1DT2H or 1 day 02:00" };
