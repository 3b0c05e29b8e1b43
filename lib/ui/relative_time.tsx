const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export interface RelativeTimeProps {
  value: Date;
  now?: Date;
}

/** How long ago, or in how long, `value` is; the exact time in UTC on hover. */
export function RelativeTime({ value, now = new Date() }: RelativeTimeProps) {
  const iso = value.toISOString();
  return (
    <time dateTime={iso} title={`${iso.slice(0, 19).replace("T", " ")} UTC`}>
      {relativeTime((value.getTime() - now.getTime()) / 1000)}
    </time>
  );
}

/** Words for a distance in seconds, negative in the past: "3 minutes ago", "tomorrow". */
export function relativeTime(seconds: number): string {
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (unit === undefined) {
    return Math.abs(seconds) < 10 ? "now" : format.format(Math.trunc(seconds), "second");
  }
  return format.format(Math.trunc(seconds / unit[1]), unit[0]);
}
