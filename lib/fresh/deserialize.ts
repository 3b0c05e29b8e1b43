import { CONSTANTS, HOLE } from "./serialize.ts";

/** Makes the values that need the client's libraries. */
export interface Revivers {
  signal(value: unknown): unknown;
  computed(value: unknown): unknown;
  slot(id: number): unknown;
}

/** Reads what `serialize()` wrote. */
export function deserialize(json: string, revivers: Revivers): unknown {
  const table = JSON.parse(json) as unknown[] | number;
  if (typeof table === "number") return CONSTANTS[-table - 1];
  const values = new Array<unknown>(table.length);
  const done = new Set<number>();

  function value(index: number): unknown {
    if (index < 0) return CONSTANTS[-index - 1];
    if (!done.has(index)) {
      done.add(index);
      read(index, (table as unknown[])[index]);
    }
    return values[index];
  }

  // Composites are stored before their parts are read, so that a cycle finds them.
  function read(index: number, raw: unknown): void {
    if (typeof raw !== "object" || raw === null) {
      values[index] = raw;
    } else if (!Array.isArray(raw)) {
      const object: Record<string, unknown> = values[index] = {};
      for (const [key, ref] of Object.entries(raw as Record<string, number>)) {
        Object.defineProperty(object, key, {
          value: value(ref),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    } else if (typeof raw[0] === "string") {
      readTagged(index, raw[0], raw.slice(1));
    } else {
      const array: unknown[] = values[index] = new Array(raw.length);
      raw.forEach((ref, i) => {
        if (ref !== HOLE) array[i] = value(ref);
      });
    }
  }

  // deno-lint-ignore no-explicit-any
  function readTagged(index: number, tag: string, parts: any[]): void {
    switch (tag) {
      case "BigInt":
        values[index] = BigInt(parts[0]);
        break;
      case "Date":
        values[index] = new Date(parts[0] ?? NaN);
        break;
      case "URL":
        values[index] = new URL(parts[0]);
        break;
      case "RegExp":
        values[index] = new RegExp(parts[0], parts[1]);
        break;
      case "Uint8Array":
        values[index] = Uint8Array.from(atob(parts[0]), (char) => char.charCodeAt(0));
        break;
      case "Slot":
        values[index] = revivers.slot(parts[0]);
        break;
      case "Computed":
        values[index] = revivers.computed(value(parts[0]));
        break;
      case "Signal": {
        const signal = revivers.signal(undefined) as { value: unknown };
        values[index] = signal;
        signal.value = value(parts[0]);
        break;
      }
      case "Set": {
        const set = values[index] = new Set();
        for (const part of parts) set.add(value(part));
        break;
      }
      case "Map": {
        const map = values[index] = new Map();
        for (let i = 0; i < parts.length; i += 2) map.set(value(parts[i]), value(parts[i + 1]));
      }
    }
  }

  return value(0);
}
