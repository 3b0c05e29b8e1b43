import { expect } from "expect";
import { z } from "zod";
import { checkSchema } from "./check_schema.ts";

const few = z.union([z.literal(0), z.int().min(30)]);

/** A schema, what it refuses, and the sentence that says so. */
const refused: [schema: z.ZodType, value: unknown, message: string][] = [
  [z.string(), 1, "Must be a string."],
  [z.string(), undefined, "This member is required."],
  [z.string().min(1), "", "Must not be empty."],
  [z.string().min(4), "abc", "Must have at least 4 characters."],
  [z.string().max(2), "abc", "Must have at most 2 characters."],
  [z.string().nullable(), 1, "Must be a string."],
  [z.string().regex(/^a/), "b", "Is not of the right form."],
  [z.string().regex(/^a/, "Must begin with a."), "b", "Must begin with a."],
  [z.string().refine(() => false), "b", "Is not valid."],
  [z.boolean(), 1, "Must be true or false."],
  [z.number(), "1", "Must be a number."],
  [z.number().gt(3), 3, "Must be more than 3."],
  [z.number().lt(3), 3, "Must be less than 3."],
  [z.int(), 1.5, "Must be a whole number."],
  [z.int().min(1), 0, "Must be at least 1."],
  [z.int().max(9), 10, "Must be at most 9."],
  [z.array(z.int()), {}, "Must be an array."],
  [z.array(z.int()).min(1), [], "Must not be empty."],
  [z.array(z.int()).max(1), [1, 2], "Must have at most 1 item."],
  [z.object({}), [], "Must be an object."],
  [z.record(z.string(), z.int()), [], "Must be an object."],
  [z.record(z.string().max(2), z.int()), { abc: 1 }, "Must have at most 2 characters."],
  [z.enum(["a", "b", "c"]), "d", 'Must be "a", "b" or "c".'],
  [z.literal(3), 4, "Must be 3."],
  [few, 5, "Must be at least 30."],
  [few, "5", "Must be 0 or be a number."],
  [z.union([z.string(), z.array(z.string())]), 5, "Must be a string or be an array."],
  [z.uuid(), "5", "Must be a UUID."],
  [z.iso.date(), "5", "Must be a day like 2026-01-31."],
  [z.iso.datetime(), "5", "Must be a time like 2026-01-31T10:20:30Z."],
];

for (const [schema, value, message] of refused) {
  Deno.test(`checkSchema() refuses ${JSON.stringify(value)}: ${message}`, () => {
    const code = value === undefined ? "required" : "invalid_value";
    const field = value && typeof value === "object" && "abc" in value ? "A.abc" : "A";
    expect(checkSchema(schema, value, ["A"])).toEqual({
      ok: false,
      problems: [{ field, code, message }],
    });
  });
}

Deno.test("checkSchema() names every field that is wrong", () => {
  const schema = z.strictObject({ a: z.int(), b: z.array(z.strictObject({ c: z.string() })) });
  expect(checkSchema(schema, { b: [{ c: "" }, { c: 1, d: 2 }], e: 3 })).toEqual({
    ok: false,
    problems: [
      { field: "a", code: "required", message: "This member is required." },
      { field: "b.1.c", code: "invalid_value", message: "Must be a string." },
      { field: "b.1.d", code: "unknown_field", message: '"d" is not known here. Leave it out.' },
      { field: "e", code: "unknown_field", message: '"e" is not known here. Leave it out.' },
    ],
  });
  expect(checkSchema(schema, 1)).toMatchObject({ problems: [{ field: "body" }] });
  expect(checkSchema(schema, { a: 1, b: [] })).toEqual({ ok: true, data: { a: 1, b: [] } });
});
