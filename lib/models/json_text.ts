const backslash = 0x5c;
const lowerU = 0x75;

/**
 * What in a JSON text PostgreSQL cannot store: the NUL character, or half of a surrogate pair. Both
 * can only be there as escapes, since the text came as UTF-8. Worded to follow "must not contain".
 */
export function unstorable(raw: string): string | undefined {
  let i = raw.indexOf("\\");
  while (i >= 0) {
    if (raw.charCodeAt(i + 1) !== lowerU) {
      i = raw.indexOf("\\", i + 2);
      continue;
    }
    const unit = parseInt(raw.slice(i + 2, i + 6), 16);
    if (unit === 0) return "the NUL character, which PostgreSQL cannot store";
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const low = raw.charCodeAt(i + 6) === backslash && raw.charCodeAt(i + 7) === lowerU
        ? parseInt(raw.slice(i + 8, i + 12), 16)
        : 0;
      if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
        return `half of a surrogate pair (${raw.slice(i, i + 6)}), which is no character`;
      }
      i += 6;
    }
    i = raw.indexOf("\\", i + 6);
  }
}

/** The index after the JSON value that begins at `i`. */
export function valueEnd(raw: string, i: number): number {
  const first = raw[i];
  if (first === '"') return stringEnd(raw, i);
  if (first !== "[" && first !== "{") {
    while (i < raw.length && !",]} \t\n\r".includes(raw[i])) i++;
    return i;
  }
  for (let depth = 0; i < raw.length; i++) {
    const char = raw[i];
    if (char === '"') i = stringEnd(raw, i) - 1;
    else if (char === "[" || char === "{") depth++;
    else if ((char === "]" || char === "}") && --depth === 0) return i + 1;
  }
  return i;
}

/** The index of the next character that is no white space. */
export function skipSpace(raw: string, i: number): number {
  while (raw.charCodeAt(i) <= 0x20) i++;
  return i;
}

function stringEnd(raw: string, i: number): number {
  for (i++; i < raw.length && raw[i] !== '"'; i++) if (raw[i] === "\\") i++;
  return i + 1;
}
