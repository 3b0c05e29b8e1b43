import { trimSpace } from "./number_check.ts";
import type { TextCheck } from "./value_problem.ts";

/** Counts characters as PostgreSQL does: code points, not UTF-16 units. */
export function lengthCheck(most: number): TextCheck {
  return (text) => {
    if (text.length <= most) return;
    let length = text.length;
    for (let i = 0; i < text.length; i++) {
      if ((text.charCodeAt(i) & 0xfc00) === 0xd800) length--;
    }
    if (length <= most) return;
    return { code: "too_long", takes: `at most ${most} characters` };
  };
}

const notBoolean = { code: "invalid_value", takes: "true or false" } as const;

/** True, false, and the abbreviations that `parse_bool` of PostgreSQL takes. */
export const booleanCheck: TextCheck = (text) => {
  if (text === "true" || text === "false") return;
  const word = trimSpace(text).toLowerCase();
  const known = word !== "" &&
    (["true", "false", "yes", "no"].some((full) => full.startsWith(word)) ||
      ["on", "of", "off", "0", "1"].includes(word));
  return known ? undefined : notBoolean;
};

const notUuid = {
  code: "invalid_value",
  takes: "a UUID such as a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
} as const;

const usualUuid = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;

/** 32 hexadecimal digits, with a hyphen after any group of four, and braces around if one likes. */
export const uuidCheck: TextCheck = (text) => {
  if (usualUuid.test(text)) return;
  const braces = text.charCodeAt(0) === 0x7b;
  let i = braces ? 1 : 0;
  for (let digit = 0; digit < 32; digit++) {
    if (digit > 0 && digit % 4 === 0 && text.charCodeAt(i) === 0x2d) i++;
    if (!isHex(text.charCodeAt(i++))) return notUuid;
  }
  if (braces && text.charCodeAt(i++) !== 0x7d) return notUuid;
  return i === text.length ? undefined : notUuid;
};

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code |= 0x20) >= 0x61 && code <= 0x66);
}

const notBytes = {
  code: "invalid_value",
  takes: "bytes in hexadecimal such as \\x48656c6c6f",
} as const;

/** The hex format, white space between bytes allowed, or the older escape format. */
export const byteaCheck: TextCheck = (text) => {
  const fits = text.startsWith("\\x") ? isHexFormat(text) : isEscapeFormat(text);
  return fits ? undefined : notBytes;
};

// Loops, since a regular expression needs stack for each of what may be millions of characters.
function isHexFormat(text: string): boolean {
  for (let i = 2; i < text.length;) {
    if (" \t\r\n".includes(text[i])) i++;
    else if (isHex(text.charCodeAt(i)) && isHex(text.charCodeAt(i + 1))) i += 2;
    else return false;
  }
  return true;
}

function isEscapeFormat(text: string): boolean {
  for (let i = text.indexOf("\\"); i >= 0;) {
    const escape = /^\\(?:\\|[0-3][0-7]{2})/.exec(text.slice(i, i + 4));
    if (!escape) return false;
    i = text.indexOf("\\", i + escape[0].length);
  }
  return true;
}

/** `bit(n)` takes exactly, `bit varying(n)` at most n bits. */
export function bitCheck(type: "bit" | "varbit", bits: number | null): TextCheck {
  const count = bits === null ? "" : type === "bit" ? `exactly ${bits} ` : `at most ${bits} `;
  return (text) => {
    // b'…' and x'…' without their quotes.
    const [, base, digits] = /^([bBxX]?)(.*)$/s.exec(text)!;
    const hexadecimal = base === "x" || base === "X";
    const odd = hexadecimal ? /[^0-9a-f]/i : /[^01]/;
    const length = odd.test(digits) ? NaN : digits.length * (hexadecimal ? 4 : 1);
    const fits = !Number.isNaN(length) &&
      (bits === null || (type === "bit" ? length === bits : length <= bits));
    return fits ? undefined : { code: "invalid_value", takes: `${count}bits such as 0101` };
  };
}

export function enumCheck(values: readonly string[]): TextCheck {
  const known = new Set(values);
  const list = values.slice(0, 20).map((value) => JSON.stringify(value)).join(", ");
  const complaint = {
    code: "invalid_value",
    takes: `one of ${list}${values.length > 20 ? ", …" : ""}`,
  } as const;
  return (text) => known.has(text) ? undefined : complaint;
}

export const rangeCheck: TextCheck = (text) =>
  /^\s*(?:[[({]|empty\s*$)/i.test(text)
    ? undefined
    : { code: "invalid_value", takes: "a range such as [1,10)" };

/** Types whose input is never empty; what else they take is left to PostgreSQL. */
export function filledCheck(takes: string): TextCheck {
  return (text) => trimSpace(text) === "" ? { code: "invalid_value", takes } : undefined;
}
