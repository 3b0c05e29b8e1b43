import { expect } from "expect";
import fc from "fast-check";
import { JsonScanner } from "./json_scanner.ts";

Deno.test("JsonScanner.document() accepts exactly what JSON.parse accepts as an object", () => {
  const mutated = fc.tuple(
    fc.json({ depthSize: "small" }),
    fc.nat(),
    fc.constantFrom("", ",", '"', "\\", "}", "0", " ", "\u0001"),
  )
    .map(([json, at, insert]) => {
      const text = `{"a":${json}}`;
      const i = at % (text.length + 1);
      return text.slice(0, i) + insert + text.slice(i + (insert === "" ? 1 : 0));
    });
  fc.assert(
    fc.property(mutated, (text) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch { /* stays undefined */ }
      const valid = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
      if (valid) {
        const { members, raw } = new JsonScanner(text, 512).document();
        expect(raw).toBe(text.trim());
        for (const { name, raw } of members) {
          if (!members.some((other) => other.name === name && other.raw !== raw)) {
            expect(JSON.parse(raw)).toEqual((parsed as Record<string, unknown>)[name]);
          }
        }
      } else expect(() => new JsonScanner(text, 512).document()).toThrow();
    }),
    { numRuns: 2000 },
  );
});

Deno.test("JsonScanner keeps every digit and every escape of a value", () => {
  const [record] = new JsonScanner(
    `[{"n": 12345678901234567890.10, "s": "a\\u0041\\n", "__proto__": 1}]`,
    8,
  ).objects();
  expect(record.members).toEqual([
    { name: "n", kind: "number", raw: "12345678901234567890.10" },
    { name: "s", kind: "string", raw: `"a\\u0041\\n"` },
    { name: "__proto__", kind: "number", raw: "1" },
  ]);
});

Deno.test("JsonScanner names a repeated member, also when it is written with an escape", () => {
  expect(new JsonScanner(`{"id":1,"\\u0069d":2}`, 8).document().repeated).toBe("id");
});

Deno.test("JsonScanner refuses nesting beyond its limit", () => {
  const deep = `{"a":${"[".repeat(40)}${"]".repeat(40)}}`;
  expect(() => new JsonScanner(deep, 32).document()).toThrow(/deeper than 32 levels/);
  expect(() => new JsonScanner(`{"x":${deep},"data":[]}`, 32).envelope("data"))
    .toThrow(/deeper than 32 levels/);
  expect(() => new JsonScanner("[".repeat(100_000), 512).objects())
    .toThrow(/deeper than 1000 levels/);
});

Deno.test("JsonScanner says which of the records is none, and reads the others", () => {
  const deep = `{"a":${"[".repeat(40)}${"]".repeat(40)}}`;
  const records = new JsonScanner(`[{"id":1}, 5 ,[{}],${deep},"x",{"id":2}]`, 32).objects();
  expect(records.map(({ raw, problem }) => [raw, problem])).toEqual([
    [`{"id":1}`, undefined],
    ["5", "The record is not a JSON object."],
    ["[{}]", "The record is not a JSON object."],
    [deep, "The JSON is nested deeper than 32 levels."],
    [`"x"`, "The record is not a JSON object."],
    [`{"id":2}`, undefined],
  ]);
  expect(new JsonScanner(" null ", 8).record().problem).toBe("The record is not a JSON object.");
});

Deno.test("JsonScanner.objects() reads each record by itself, however alike the last one was", () => {
  const name = fc.constantFrom("a", "b", "ab", "\\u0061", "c ");
  const record = fc.array(fc.tuple(name, fc.integer(), fc.constantFrom("", " ", "\n")), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const texts = records.map((members) =>
        `{${
          members.map(([name, value, space]) => `"${name}"${space}:${space}${value}${space}`).join()
        }}`
      );
      const read = new JsonScanner(`[${texts.join()}]`, 8).objects();
      expect(read.map(({ raw }) => raw)).toEqual(texts);
      records.forEach((members, i) => {
        const names = members.map(([name]) => JSON.parse(`"${name}"`));
        expect(read[i].members.map(({ name }) => name)).toEqual(names);
        expect(read[i].members.map(({ raw }) => Number(raw))).toEqual(
          members.map(([, value]) => value),
        );
        const repeats = names.some((name, j) => names.indexOf(name) < j);
        expect(read[i].repeated !== undefined).toBe(repeats);
      });
    }),
    { numRuns: 1000 },
  );
});

Deno.test("JsonScanner.envelope() reads the list inside of the document", () => {
  const envelope = (text: string) => new JsonScanner(text, 8).envelope("data");
  const { members, objects } = envelope(`{"atomic": true, "data": [{"id": 1}, {"id": 2}]} `);
  expect(members.map(({ name, kind }) => [name, kind])).toEqual([["atomic", "true"], [
    "data",
    "array",
  ]]);
  expect(objects!.map(({ raw }) => raw)).toEqual([`{"id": 1}`, `{"id": 2}`]);
  expect(envelope(`{"data": {}}`).objects).toBeUndefined();
  expect(envelope(`{"data": [], "data": []}`).repeated).toBe("data");
  for (const text of [`{"data": [{}], }`, `{"data": [nul]}`, `{"data": [{}]`, `{"data": [{}]} x`]) {
    expect(() => envelope(text)).toThrow();
  }
});
