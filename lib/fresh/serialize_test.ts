import { computed, signal } from "@preact/signals";
import { expect } from "expect";
import fc from "fast-check";
import { h } from "preact";
import { deserialize } from "./deserialize.ts";
import { serialize } from "./serialize.ts";

// deno-lint-ignore no-explicit-any
function roundtrip(value: unknown): any {
  const json = serialize(value, () => null);
  return deserialize(json, {
    signal,
    computed: (value) => computed(() => value),
    slot: (id) => ({ slot: id }),
  });
}

Deno.test("serialize() keeps what JSON loses", () => {
  const date = new Date("2024-02-29T23:59:59.999Z");
  const value = {
    date,
    url: new URL("https://example.org/ä?x=1#y"),
    regExp: /a"\/b/gi,
    big: 2n ** 70n,
    numbers: [NaN, Infinity, -Infinity, -0, 0, 1e300],
    missing: undefined,
    nothing: null,
    bytes: new Uint8Array([0, 128, 255]),
    window: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
    map: new Map<unknown, unknown>([["a", date], [{ key: 1 }, new Set([1, "1"])]]),
    text: "</script><!--\u2028\u2029\ud800",
  };
  const result = roundtrip(value);
  for (const [key, item] of Object.entries(value)) expect([key, result[key]]).toEqual([key, item]);
  expect(Object.keys(result)).toEqual(Object.keys(value));
  expect(Object.is(result.numbers[3], -0)).toBe(true);
  expect(roundtrip(new Date(NaN)).getTime()).toBe(NaN);
  expect(result.map.get("a")).toBe(result.date);
});

Deno.test("serialize() keeps holes of arrays apart from undefined", () => {
  // deno-lint-ignore no-sparse-arrays
  const result = roundtrip([1, , undefined]);
  expect(result.length).toBe(3);
  expect(1 in result).toBe(false);
  expect(2 in result).toBe(true);
});

Deno.test("serialize() keeps shared references and cycles", () => {
  const shared = { name: "shared" };
  const list: unknown[] = [shared, shared];
  const root: Record<string, unknown> = { list };
  root.self = root;
  list.push(new Map([[list, new Set([root])]]));
  const result = roundtrip(root);
  expect(result.self).toBe(result);
  expect(result.list[0]).toBe(result.list[1]);
  expect([...result.list[2].get(result.list)]).toEqual([result]);
});

Deno.test("serialize() keeps one signal in several places one signal", () => {
  const count = signal<unknown>(1);
  const inner = signal<unknown>(count);
  const result = roundtrip({ a: count, b: [count], inner, double: computed(() => 2) });
  expect(result.b[0]).toBe(result.a);
  expect(result.inner.value).toBe(result.a);
  result.a.value = 5;
  expect(result.b[0].value).toBe(5);
  expect(result.double.value).toBe(2);
  expect(() => result.double.value = 3).toThrow();
});

Deno.test("serialize() survives a signal that contains itself", () => {
  const loop = signal<unknown>(null);
  loop.value = { loop };
  const result = roundtrip(loop);
  expect(result.value.loop).toBe(result);
});

Deno.test("deserialize() makes __proto__ a plain key", () => {
  const result = roundtrip(JSON.parse('{"__proto__":{"polluted":true}}'));
  expect(Object.hasOwn(result, "__proto__")).toBe(true);
  expect(result.polluted).toBeUndefined();
});

Deno.test("serialize() names the place of what it cannot send", () => {
  class Account {}
  expect(() => serialize({ a: [() => {}] }, () => null)).toThrow(
    "Cannot send a value of type function to an island, at props.a[0]",
  );
  expect(() => serialize({ a: new Account() }, () => null)).toThrow("type Account");
  expect(() => serialize({ a: Symbol("x") }, () => null)).toThrow("type symbol");
  expect(() => serialize({ a: { b: h("b", null) } }, () => null)).toThrow("props.a.b");
});

Deno.test("deserialize() gives back any value that serialize() took", () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.constantFrom(undefined, null, -0),
      fc.webUrl().map((url) => new URL(url)),
      fc.array(tie("value")),
      fc.dictionary(fc.string(), tie("value"), { noNullPrototype: true }),
      fc.array(tie("value")).map((items) => new Set(items)),
      fc.array(fc.tuple(tie("value"), tie("value"))).map((entries) => new Map(entries)),
    ),
  }));
  fc.assert(fc.property(value, (input) => {
    expect(roundtrip([input])).toEqual([input]);
  }));
});
