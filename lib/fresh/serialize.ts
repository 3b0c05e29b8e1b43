import { isValidElement } from "preact";

/** Values that JSON cannot say, as negative references. */
export const CONSTANTS = [undefined, NaN, Infinity, -Infinity, -0] as const;

/** Reference to a hole of a sparse array. */
export const HOLE = -CONSTANTS.length - 1;

/** Whether `value` is a signal of `@preact/signals`, whichever copy of the package made it. */
export function isSignal(value: unknown): value is { peek(): unknown } {
  return typeof value === "object" && value !== null &&
    (value as { brand?: unknown }).brand === Symbol.for("preact-signals");
}

function isComputed(signal: object): boolean {
  const prototype = Object.getPrototypeOf(signal);
  return Object.getOwnPropertyDescriptor(prototype, "value")?.set === undefined;
}

/**
 * Writes island props as JSON: an array of all values, in which values refer to each other by index,
 * so that shared references, cycles and shared signals survive. A composite of a special type is an
 * array that begins with the type's name. Handles plain objects, arrays (also sparse), `Date`, `URL`,
 * `RegExp`, `Map`, `Set`, `Uint8Array`, bigint, signals, and the numbers JSON lacks.
 *
 * @param slotId the number of the slot that `value` is, or null.
 * @throws TypeError naming the path of a value that cannot be sent, such as a function.
 */
export function serialize(root: unknown, slotId: (value: unknown) => number | null): string {
  const out: string[] = [];
  const seen = new Map<unknown, number>();

  function ref(value: unknown, path: string): number {
    const constant = CONSTANTS.findIndex((candidate) => Object.is(candidate, value));
    if (constant !== -1) return -constant - 1;
    const known = seen.get(value);
    if (known !== undefined) return known;
    const index = out.push("") - 1;
    seen.set(value, index);
    out[index] = write(value, path);
    return index;
  }

  function write(value: unknown, path: string): string {
    if (typeof value === "bigint") return tagged("BigInt", String(value));
    if (typeof value === "function" || typeof value === "symbol") throw unsupported(value, path);
    if (typeof value !== "object" || value === null) return JSON.stringify(value);

    const slot = slotId(value);
    if (slot !== null) return tagged("Slot", slot);
    if (isSignal(value)) {
      return `[${isComputed(value) ? '"Computed"' : '"Signal"'},${
        ref(value.peek(), `${path}.value`)
      }]`;
    }
    if (Array.isArray(value)) {
      const items = Array.from(
        value,
        (item, i) => i in value ? ref(item, `${path}[${i}]`) : HOLE,
      );
      return `[${items.join(",")}]`;
    }
    if (value instanceof Date) return tagged("Date", value.getTime());
    if (value instanceof URL) return tagged("URL", value.href);
    if (value instanceof RegExp) return tagged("RegExp", value.source, value.flags);
    if (value instanceof Uint8Array) return tagged("Uint8Array", value.toBase64());
    if (value instanceof Set) {
      return `["Set"${[...value].map((item) => `,${ref(item, `${path}.item`)}`).join("")}]`;
    }
    if (value instanceof Map) {
      const entries = [...value].map(([k, v]) =>
        `,${ref(k, `${path}.key`)},${ref(v, `${path}.value`)}`
      );
      return `["Map"${entries.join("")}]`;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null || isValidElement(value)) {
      throw unsupported(value, path);
    }
    const fields = Object.entries(value).map(([key, field]) =>
      `${JSON.stringify(key)}:${ref(field, `${path}.${key}`)}`
    );
    return `{${fields.join(",")}}`;
  }

  const index = ref(root, "props");
  return index < 0 ? String(index) : `[${out.join(",")}]`;
}

function tagged(tag: string, ...values: unknown[]): string {
  return JSON.stringify([tag, ...values]);
}

function unsupported(value: unknown, path: string): TypeError {
  const what = typeof value === "object" ? value?.constructor?.name ?? "object" : typeof value;
  return new TypeError(`Cannot send a value of type ${what} to an island, at ${path}`);
}
