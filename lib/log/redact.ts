const hidden = "[redacted]";

/** Names, without case and separators, of fields whose value is never shown. */
const secretName =
  /passw(or)?d|passphrase|secret|tokens?$|authorization|cookie|credential|apikey|privatekey|csrf|sessionid$/;

/** At most so many values of one entry are looked at; the rest is left out. */
const maxValues = 2000;
const maxItems = 50;
const maxText = 4000;
const maxDepth = 10;

/**
 * A copy that is safe to log and to store: passwords, tokens, cookies and credentials are replaced
 * wherever they occur in fields or texts, and what is too long, too deep or circular is cut, so
 * that the cost does not grow with the value. Errors become objects; the copy is plain JSON that
 * PostgreSQL stores.
 */
export function redact(value: unknown): unknown {
  const seen = new Set<object>();
  let left = maxValues;

  const copy = (value: unknown, depth: number): unknown => {
    if (left-- <= 0) return "[left out]";
    switch (typeof value) {
      case "string":
        return redactText(value);
      case "bigint":
      case "symbol":
        return String(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "function":
        return "[function]";
      case "object":
        return value === null ? null : object(value, depth);
      default:
        return value;
    }
  };

  const object = (value: object, depth: number): unknown => {
    if (value instanceof Date) return isNaN(+value) ? "Invalid Date" : value.toISOString();
    if (value instanceof URL) return redactText(value.href);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (depth >= maxDepth || seen.has(value)) return "[left out]";
    seen.add(value);
    const plain = Array.isArray(value) || value instanceof Set
      ? list(value, depth)
      : fields(hasEntries(value) ? Object.fromEntries(value) : value, depth);
    seen.delete(value);
    return plain;
  };

  const list = (value: Iterable<unknown>, depth: number): unknown => {
    const items = [...value];
    const shown = items.slice(0, maxItems).map((item) => copy(item, depth + 1));
    return items.length > maxItems ? [...shown, `[${items.length - maxItems} more]`] : shown;
  };

  const fields = (value: object, depth: number): unknown => {
    const error = value instanceof Error
      ? { name: value.name, message: value.message, stack: value.stack, cause: value.cause }
      : {};
    const plain: [string, unknown][] = [];
    for (const [key, part] of Object.entries({ ...error, ...value })) {
      if (left <= 0) break;
      if (part === undefined) continue;
      const secret = isSecretName(key) && part !== null && typeof part !== "boolean";
      plain.push([clean(key.slice(0, 200)), secret ? hidden : copy(part, depth + 1)]);
    }
    return Object.fromEntries(plain);
  };

  return copy(value, 0);
}

function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replace(/[^a-z]/g, ""));
}

function hasEntries(value: object): value is Iterable<[string, unknown]> {
  return value instanceof Map || value instanceof Headers || value instanceof URLSearchParams ||
    value instanceof FormData;
}

const name =
  "[\\w-]*(?:passw(?:or)?d|passphrase|secret|token|authorization|cookie|credential|api[_-]?key|csrf)[\\w-]*";

const patterns: [RegExp, string][] = [
  // The password of a URL: postgres://user:password@host.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"']*:)[^\s"']+(?=@)/gi, `$1${hidden}`],
  [/\b(bearer\s+)[\w~+/.=-]{6,}/gi, `$1${hidden}`],
  [/\b([Bb]asic\s+)(?=\S*[A-Z0-9=])[\w+/=-]{8,}/g, `$1${hidden}`],
  // A JSON web token, wherever it stands.
  [/\beyJ[\w-]{5,}\.[\w-]*(\.[\w-]*)?/g, hidden],
  // Django's and PHC's password hashes.
  [/\bpbkdf2_\w+\$[^\s"']+|\$argon2\w*\$[^\s"']+|\$2[aby]\$[^\s"']{20,}/g, hidden],
  // "password": "…", maybe cut off before its closing quote; then the same as JSON inside JSON.
  [
    new RegExp(String.raw`("${name}"\s*:\s*)(?:"(?:[^"\\]|\\[^])*"?|-?\d[\d.]*)`, "gi"),
    `$1"${hidden}"`,
  ],
  [new RegExp(String.raw`(\\"${name}\\"\s*:\s*\\")(?:\\\\\\"|(?!\\")[^])*`, "gi"), `$1${hidden}`],
  // Cookie: a=b; c=d and Authorization: x of a header dump: the rest of the line.
  [/\b((?:set-)?cookie|authorization)(:\s*)[^\r\n]+/gi, `$1$2${hidden}`],
  // password=… of a form, a query or a connection string.
  [
    new RegExp(String.raw`\b(${name}\s*=\s*)(?!\[redacted)('[^']*'?|"[^"]*"?|[^\s&;,"']+)`, "gi"),
    `$1${hidden}`,
  ],
];

/** The same for a text: cut at 4,000 characters, and every secret in it that can be recognized. */
export function redactText(text: string): string {
  const cut = text.length > maxText;
  let shown = clean(cut ? text.slice(0, maxText) : text);
  for (const [pattern, replacement] of patterns) shown = shown.replace(pattern, replacement);
  return cut ? `${shown}… [${text.length - maxText} more characters]` : shown;
}

/** Without what PostgreSQL's text and json cannot hold: NUL and lone surrogates. */
function clean(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
