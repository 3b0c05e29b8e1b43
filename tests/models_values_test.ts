import { expect } from "expect";
import fc from "fast-check";
import type { Database } from "../lib/db/mod.ts";
import { columnValidator, ModelCatalog } from "../lib/models/mod.ts";
import { kindOf } from "./support/column.ts";
import { eachDatabase } from "./support/databases.ts";

/** Tells for each JSON text whether `json_to_recordset` makes a value of the column's type of it. */
const verdicts = `
  CREATE FUNCTION verdicts(type text, raws json) RETURNS json LANGUAGE plpgsql AS $$
  DECLARE
    raw text;
    states text[] := '{}';
  BEGIN
    FOR raw IN SELECT value FROM json_array_elements_text(raws) LOOP
      BEGIN
        EXECUTE format('SELECT FROM json_to_recordset($1) AS t(v %s)', type)
          USING ('[{"v":' || raw || '}]')::json;
        states := states || '00000'::text;
      EXCEPTION WHEN OTHERS THEN
        states := states || SQLSTATE::text;
      END;
    END LOOP;
    RETURN to_json(states);
  END $$`;

const quoted = (texts: fc.Arbitrary<string>) => texts.map((text) => JSON.stringify(text));
const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const exponent = fc.oneof(
  fc.constant(""),
  fc.tuple(fc.constantFrom("e", "E", "e+", "e-"), fc.integer({ min: 0, max: 400 })).map((p) =>
    p.join("")
  ),
);
const edges = [32767n, 2147483647n, 9223372036854775807n]
  .flatMap((edge) => [edge, edge + 1n, -edge - 1n, -edge - 2n]).map(String);

/** Numbers as JSON writes them. */
const numbers = fc.oneof(
  fc.constantFrom(...edges, "0", "-0", "999.99", "999.994", "999.995", "99.999e1", "0.00999999"),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  fc.tuple(fc.constantFrom("", "-"), fc.nat(99999), fc.constantFrom("", "."), digits(8), exponent)
    .map(([sign, whole, point, fraction, e]) => sign + whole + (point && point + fraction) + e),
);
const looseNumbers = quoted(fc.oneof(
  numbers,
  fc.tuple(
    fc.constantFrom("", " ", "\t"),
    fc.constantFrom("", "+", "-"),
    digits(22),
    fc.constantFrom("", " ", "\u00a0"),
  )
    .map((parts) => parts.join("")),
  fc.constantFrom(
    "",
    " ",
    "-",
    ".",
    ".5",
    "5.",
    "+.5e1",
    "1e",
    "1e+",
    "e1",
    "nan",
    "NaN",
    "1 2",
    "--1",
    "١",
  ),
));
const words = quoted(fc.oneof(
  fc.constantFrom(
    "true",
    "T",
    "tr",
    "yes",
    "y",
    "on",
    "o",
    "of",
    "off",
    "OFF ",
    " no",
    "f",
    "falsee",
    "0",
    "1",
    "2",
    "01",
  ),
  // Some versions of PostgreSQL take 1_000, 0x1F or "1e 5" for a number, which we refuse on all.
  fc.string({ maxLength: 5 }).filter((text) => !/\d_\d|0[box]|e /i.test(text)),
));
const texts = fc.oneof(
  // Trailing spaces beyond the length are cut by PostgreSQL and refused by us.
  quoted(fc.string({ unit: "binary", maxLength: 8 })).filter((raw) => !raw.endsWith(' "')),
  quoted(fc.string({ unit: "grapheme", maxLength: 5 })).filter((raw) => !raw.endsWith(' "')),
  fc.constantFrom(
    '"\\u0000"',
    '"a\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\udc00"',
    '"\\\\u0000"',
    '"\\u0061\\n"',
  ),
);
const uuids = quoted(fc.oneof(
  fc.uuid(),
  fc.uuid().map((uuid) => `{${uuid.toUpperCase()}}`),
  fc.tuple(fc.uuid(), fc.nat(36), fc.constantFrom("", "-", "g", "}", " ")).map(([uuid, at, what]) =>
    uuid.slice(0, at) + what + uuid.slice(at + 1)
  ),
  fc.uuid().map((uuid) => uuid.replaceAll("-", "")),
));
const times = quoted(fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.tuple(
    fc.integer({ min: 0, max: 300_000 }),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.constantFrom(
      "",
      " 23:59:60",
      "T24:00",
      "T24:00:01",
      " 9:05:03.5",
      " 12:30Z",
      " 10:00+05:30",
      " BC",
    ),
  ).map(([y, m, d, rest]) =>
    `${String(y).padStart(4, "0")}-${String(m).padStart(2, "0")}-${
      String(d).padStart(2, "0")
    }${rest}`
  ),
  fc.constantFrom(
    "infinity",
    "-infinity",
    "epoch",
    "today",
    "now",
    "20240131",
    "Jan 5 2024",
    "soon",
    "",
  ),
  fc.constantFrom(
    "4714-11-24 BC",
    "4715-01-01 BC",
    "0001-02-29 BC",
    "5874897-12-31",
    "5874898-01-01",
  ),
));
const clocks = quoted(fc.oneof(
  fc.tuple(fc.nat(25), fc.nat(61), fc.constantFrom("", ":00", ":60", ":61", ":1", ":59.999999"))
    .map(([h, m, s]) => `${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}${s}`),
  fc.constantFrom("allballs", "T0930", "093000", "9:30 PM", "noon", "24:00:00.1"),
));
const bytes = quoted(fc.oneof(
  fc.uint8Array({ maxLength: 8 }).map((array) => "\\x" + array.toHex()),
  fc.stringMatching(/^(\\x)?[0-9a-f \\]{0,8}$/),
));
const others = fc.constantFrom("true", "false", "{}", "[]", "[1]", '{"a":1}');
const arrays = fc.oneof(
  fc.array(fc.oneof(numbers, looseNumbers, fc.constant("null")), { maxLength: 3 }).map((v) =>
    `[${v}]`
  ),
  fc.array(fc.array(fc.integer(), { maxLength: 2 }), { maxLength: 3 }).map((v) =>
    JSON.stringify(v)
  ),
  fc.constantFrom(
    "[[]]",
    "[1,[2]]",
    "[[1],2]",
    "[[[1]],[[2]]]",
    '"{1,2}"',
    '"x"',
    "5",
    "[[1],null]",
  ),
);

const scalars = fc.oneof(numbers, looseNumbers, words, texts, uuids, others);

/** Types whose values the validator decides as PostgreSQL does. */
const exact = [
  "smallint",
  "integer",
  "bigint",
  "numeric",
  "numeric(5,2)",
  "numeric(3)",
  "uuid",
  "boolean",
];
/** Types where PostgreSQL may refuse what the validator accepts, but not the other way round. */
const lenient: Record<string, fc.Arbitrary<string>> = {
  "real": numbers,
  "double precision": fc.oneof(numbers, looseNumbers),
  "date": times,
  "timestamp": times,
  "timestamptz": times,
  "time": clocks,
  "timetz": clocks,
  "bytea": bytes,
  "bit(3)": quoted(fc.stringMatching(/^[xb]?[01a]{0,4}$/)),
  "varbit(3)": quoted(fc.stringMatching(/^[01a]{0,4}$/)),
  "integer[]": arrays,
  "varchar(3)[]": fc.array(texts, { maxLength: 3 }).map((v) => `[${v}]`),
  "mood": quoted(fc.constantFrom("good", "bad", "Good", "")),
  "jsonb": fc.oneof(texts, numbers, fc.json().filter((raw) => !raw.includes("\\u0000"))),
  "int4range": quoted(fc.constantFrom("[1,2)", "empty", "(,)", "1,2", "")),
  "interval": quoted(fc.constantFrom("1 day", "P1DT2H", "00:05", "soon", "", "1 fortnight")),
};

async function validators(db: Database, types: string[]) {
  await db.script(verdicts);
  await db.script("CREATE TYPE mood AS ENUM ('good', 'bad')");
  const columns = types.map((type, i) => `c${i} ${type}`);
  await db.script(`CREATE TABLE value (id integer PRIMARY KEY, ${columns.join(", ")})`);
  const { columns: [, ...found] } = (await new ModelCatalog(db).current()).find("public.Value")!;
  return types.map((type, i) => ({ type, validate: columnValidator(found[i]) }));
}

/** Both opinions on each value: the validator's, and PostgreSQL's SQLSTATE. */
async function compare(
  db: Database,
  type: string,
  validate: ReturnType<typeof columnValidator>,
  raws: string[],
) {
  const [{ states }] = await db.query<{ states: string[] }>(
    "SELECT verdicts($1, $2::text::json) AS states",
    [type, JSON.stringify(raws)],
  );
  return raws.map((raw, i) => ({
    type,
    raw,
    refusal: validate(kindOf(raw), raw)?.message,
    state: states[i],
  }));
}

eachDatabase(
  "columnValidator() decides numbers, UUIDs and booleans as PostgreSQL does",
  async ({ db }) => {
    for (const { type, validate } of await validators(db, exact)) {
      await fc.assert(
        fc.asyncProperty(fc.array(scalars, { minLength: 50, maxLength: 100 }), async (raws) => {
          for (const found of await compare(db, type, validate, raws)) {
            expect({ ...found, refused: found.state !== "00000" })
              .toEqual({ ...found, refused: found.refusal !== undefined });
          }
        }),
        { numRuns: 15 },
      );
    }
  },
);

eachDatabase(
  "columnValidator() decides texts and their lengths as PostgreSQL does",
  async ({ db }) => {
    const values = fc.oneof(texts, texts, numbers, words.filter((raw) => !raw.endsWith(' "')));
    for (
      const { type, validate } of await validators(db, ["varchar(3)", "char(4)", "text", "varchar"])
    ) {
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 50, maxLength: 100 }), async (raws) => {
          for (const found of await compare(db, type, validate, raws)) {
            expect({ ...found, refused: found.state !== "00000" })
              .toEqual({ ...found, refused: found.refusal !== undefined });
          }
        }),
        { numRuns: 15 },
      );
    }
  },
);

eachDatabase("columnValidator() refuses nothing that PostgreSQL accepts", async ({ db }) => {
  for (const { type, validate } of await validators(db, Object.keys(lenient))) {
    await fc.assert(
      fc.asyncProperty(fc.array(lenient[type], { minLength: 30, maxLength: 60 }), async (raws) => {
        for (const found of await compare(db, type, validate, raws)) {
          if (found.state === "00000") expect(found).toEqual({ ...found, refusal: undefined });
        }
      }),
      { numRuns: 15 },
    );
  }
});
