import type { TextCheck } from "./value_problem.ts";

const integerBounds: Record<string, [least: string, most: string]> = {
  int2: ["-32768", "32767"],
  int4: ["-2147483648", "2147483647"],
  int8: ["-9223372036854775808", "9223372036854775807"],
};

/** What `isspace` knows, which PostgreSQL's input functions skip around a value. */
export function trimSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function digitsEnd(text: string, i: number): number {
  for (;; i++) {
    const code = text.charCodeAt(i);
    // NaN past the end is not in the range either.
    if (!(code >= 0x30 && code <= 0x39)) return i;
  }
}

function zerosEnd(text: string, i: number): number {
  while (text.charCodeAt(i) === 0x30) i++;
  return i;
}

function afterSign(text: string): number {
  return text[0] === "-" || text[0] === "+" ? 1 : 0;
}

/** Compares digits, not doubles: an `int8` has more digits than a double can hold. */
export function integerCheck(type: string): TextCheck {
  const [least, most] = integerBounds[type];
  const complaint = {
    code: "invalid_value",
    takes: `a whole number from ${least} to ${most}`,
  } as const;
  return (given) => {
    const text = trimSpace(given);
    const start = afterSign(text);
    const end = digitsEnd(text, start);
    if (end === start || end !== text.length) return complaint;
    if (end - start < most.length) return;
    const first = zerosEnd(text, start);
    if (end - first !== most.length) return end - first < most.length ? undefined : complaint;
    const limit = text[0] === "-" ? least.slice(1) : most;
    return text.slice(first) <= limit ? undefined : complaint;
  };
}

/** Bounds of a `numeric` without precision: 131,072 digits before and 16,383 after the point. */
const mostWhole = 131_072;
const mostFraction = 16_383;
/** From here on PostgreSQL refuses an exponent whatever the digits are. */
const mostExponent = 1_073_741_823;

export function numericCheck(precision: number | null, scale: number | null): TextCheck {
  const takes = precision === null
    ? "a number"
    : `a number of at most ${precision} digits, ${scale} of them after the point`;
  const complaint = { code: "invalid_value", takes } as const;
  return (given) => {
    const text = trimSpace(given);
    const start = afterSign(text);
    const wholeEnd = digitsEnd(text, start);
    const point = text[wholeEnd] === ".";
    const end = point ? digitsEnd(text, wholeEnd + 1) : wholeEnd;
    const fraction = point ? end - wholeEnd - 1 : 0;
    if (wholeEnd - start + fraction === 0) {
      if (/^nan$/i.test(text)) return;
      // An infinity has no number of digits.
      return precision === null && /^[+-]?inf(?:inity)?$/i.test(text) ? undefined : complaint;
    }
    let exponent = 0;
    if (end !== text.length) {
      if (!/^[eE][+-]?\d{1,20}$/.test(text.slice(end, end + 23))) return complaint;
      exponent = Number(text.slice(end + 1));
      if (Math.abs(exponent) >= mostExponent) return complaint;
    }
    if (precision === null) {
      if (fraction - exponent > mostFraction) return complaint;
    } else if (exponent === 0 && wholeEnd - start < precision - scale!) {
      return;
    }
    const digits = text.slice(start, wholeEnd) + text.slice(wholeEnd + 1, wholeEnd + 1 + fraction);
    const zeros = zerosEnd(digits, 0);
    if (zeros === digits.length) return;
    /** Digits before the point, negative for zeros after it. */
    const whole = wholeEnd - start - zeros + exponent;
    const room = precision === null ? mostWhole : precision - scale!;
    if (whole !== room || precision === null) return whole <= room ? undefined : complaint;
    // Rounding to the scale carries over into one more digit: 999.995 is no numeric(5,2).
    const kept = digits.slice(zeros, zeros + precision);
    const carries = kept.length === precision && /^9*$/.test(kept) &&
      digits[zeros + precision] >= "5";
    return carries ? complaint : undefined;
  };
}

/** `float4` and `float8`: within range, and not so small that nothing is left of it. */
export function floatCheck(type: "float4" | "float8"): TextCheck {
  const complaint = {
    code: "invalid_value",
    takes: type === "float4" ? "a single precision number" : "a double precision number",
  } as const;
  const round = type === "float4" ? Math.fround : Number;
  return (given) => {
    const text = trimSpace(given);
    // The expression needs stack for each digit: so many are left to PostgreSQL.
    if (text.length > 10_000) return;
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
      return /^(?:nan|[+-]?inf(?:inity)?)$/i.test(text) ? undefined : complaint;
    }
    const value = round(Number(text));
    if (value === 0) return /[1-9].*[eE]|^[^eE]*[1-9]/.test(text) ? complaint : undefined;
    return Number.isFinite(value) ? undefined : complaint;
  };
}
