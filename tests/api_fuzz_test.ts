import { expect } from "expect";
import fc from "fast-check";
import { eachApi, type Json, models, secret } from "./api_support.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "\u0000", "\ud800", "'; DROP TABLE app.customer; --", '"', "\\", "$1", "𝄞"),
  fc.constantFrom("__proto__", "constructor", "toString", "NaN", "infinity", "null", "{}", "[]"),
);

/** JSON of any kind as text, numbers that no double holds and repeated members included. */
const anything: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: text.map((value) => JSON.stringify(value)) },
  { weight: 3, arbitrary: fc.integer().map(String) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "null",
      "true",
      "1e400",
      "-0",
      `${"9".repeat(120)}.5`,
      "9007199254740993",
      "9223372036854775808",
      "[[[[[[[]]]]]]]",
      '{"$ref":"c1"}',
      '{"$ref":null}',
      '{"a":1,"a":2}',
      '"\\ud800"',
      '{"\\u0000":0}',
    ),
  },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }) },
);

/** Values that exist, here and in the other organization, or mean something to the server. */
const existing = fc.constantFrom(
  "1",
  '"3"',
  "1001",
  '"1002"',
  "101",
  '"00000000-0000-4000-8000-000000000011"',
  '"taken-1"',
  '{"$ref":"c1"}',
  '{"$ref":"c2"}',
);

const words = ["a", "ben", "north", "south", "SE", "skip", "raise", "raise odd", "broken", "move"];

/** What a column of this type may take. */
function plausible(type: string): fc.Arbitrary<string> {
  const small = fc.integer({ min: 1, max: 12 }).map(String);
  if (/^(?:integer|bigint)$/.test(type)) return fc.oneof(small, small.map((n) => `"${n}"`));
  if (type === "numeric") return fc.oneof(small, fc.double({ noNaN: true }).map(String));
  if (type === "boolean") return fc.constantFrom("true", "false", '"yes"');
  if (type === "uuid") {
    return fc.integer({ min: 20, max: 29 }).map((n) => `"00000000-0000-4000-8000-0000000000${n}"`);
  }
  if (/^json/.test(type)) return fc.json({ maxDepth: 2 });
  return fc.constantFrom(...words).map((word) => JSON.stringify(word));
}

const controls = fc.constantFrom(
  ...["", "", "", ',"_op":"delete"', ',"_client_id":"c1"', ',"_client_id":"c2"'],
  ...[',"_version":"1"', ',"_version":"1","_base":{"note":null}'],
  ',"_version":"1","_base":{"word":"A","n":null}',
);

/** Records of the models that `me` tells of, as plausible as a hostile client makes them. */
function recordsOf(described: Json): fc.Arbitrary<string> {
  const ofModel = Object.entries<Json>(described).map(([name, { key, columns }]) => {
    const members = Object.entries<Json>(columns)
      .filter(([column, { read_only }]) => !read_only && column !== "organization_id")
      .map(([column, { type, nullable }]) => {
        const value = fc.oneof(
          { weight: 60, arbitrary: plausible(type) },
          { weight: 4, arbitrary: existing },
          { weight: 1, arbitrary: anything },
        );
        const freq = nullable || key.includes(column) ? 2 : 20;
        return fc.option(value.map((value) => `,"${column}":${value}`), { nil: "", freq });
      });
    const odd = fc.tuple(
      fc.oneof(fc.constant("organization_id"), text),
      fc.oneof(anything, existing),
    )
      .map(([column, value]) => `,${JSON.stringify(column)}:${value}`);
    return fc.tuple(
      controls,
      fc.tuple(...members),
      fc.oneof({ weight: 15, arbitrary: fc.constant("") }, { weight: 1, arbitrary: odd }),
    ).map(([control, members, odd]) => `{"_model":"${name}"${control}${members.join("")}${odd}}`);
  });
  const unknown = fc.oneof(
    fc.constantFrom('"app.NoKey"', '"app.CustomerView"', '"lockstep.AppUser"', '"app.Country"'),
    anything,
  ).map((model) => `{"_model":${model},"name":"x"}`);
  return fc.oneof(
    { weight: 20, arbitrary: fc.oneof(...ofModel) },
    { weight: 1, arbitrary: unknown },
  );
}

/** Mostly whole, some with a piece missing or doubled. */
const damaged = (bodies: fc.Arbitrary<string>) =>
  fc.tuple(bodies, fc.nat({ max: 400 }), fc.nat({ max: 40 })).map(([body, at, kind]) => {
    if (kind === 0) return body.slice(0, at);
    if (kind === 1) return body.slice(0, at) + body.slice(at + 1);
    if (kind === 2) return body.slice(0, at) + body.slice(Math.max(0, at - 3));
    return body;
  });

/** Seldom there, and then mostly right. */
const optional = (name: string, ...values: string[]) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constant("") },
    { weight: 9, arbitrary: fc.constantFrom(...values).map((value) => `,"${name}":${value}`) },
    { weight: 1, arbitrary: anything.map((value) => `,"${name}":${value}`) },
  );

const organization = optional("organization", '"one"', '"one"', '"one"', '"two"');

const pushBody = (record: fc.Arbitrary<string>) =>
  fc.tuple(
    fc.array(record, { maxLength: 12 }),
    optional("atomic", "true", "false"),
    optional("return", '"ids"', '"records"', '"none"'),
    organization,
  ).map(([records, ...rest]) => `{"data":[${records.join(",")}]${rest.join("")}}`);

const pullBody = fc.tuple(
  fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 15, arbitrary: fc.constantFrom(...models) },
        { weight: 1, arbitrary: fc.oneof(fc.constant("app.NoKey"), text) },
      ).map((name) => JSON.stringify(name)),
      fc.oneof(
        { weight: 15, arbitrary: fc.constantFrom("null", '"2024-01-14T10:00:00Z"') },
        { weight: 1, arbitrary: fc.oneof(anything, fc.constantFrom('"lc1.W10.x"', '"lc1.."')) },
      ),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  optional("batch_size", "1", "3", "10000"),
  optional("fields", '{"app.Customer":["name"]}', '{"x":[]}', '{"app.Visit":["x"]}'),
  optional("checksum", "true"),
  organization,
).map(([asked, ...rest]) =>
  `{"models":{${asked.map((pair) => pair.join(":")).join(",")}}${rest.join("")}}`
);

const tokenBody = fc.tuple(fc.oneof(fc.constant('"ann"'), anything), anything, organization)
  .map(([username, password, rest]) => `{"username":${username},"password":${password}${rest}}`);

interface Request {
  path: string;
  body: string;
  type: string;
}

function requests(record: fc.Arbitrary<string>): fc.Arbitrary<Request> {
  const to = (path: string, bodies: fc.Arbitrary<string>, type = "application/json") =>
    damaged(bodies).map((body) => ({ path, body, type }));
  const lines = fc.array(record, { maxLength: 5 }).map((records) => records.join("\n"));
  return fc.oneof(
    { weight: 10, arbitrary: to("push/", pushBody(record)) },
    { weight: 2, arbitrary: to("push/", lines, "application/x-ndjson") },
    { weight: 5, arbitrary: to("pull/", pullBody) },
    { weight: 1, arbitrary: to("pull/?numbers=strings", pullBody) },
    { weight: 1, arbitrary: to("auth/token/", tokenBody) },
    { weight: 1, arbitrary: to("auth/refresh/", anything.map((v) => `{"refresh_token":${v}}`)) },
  );
}

/** What PostgreSQL and its drivers say, which is nobody's business. */
const internals =
  /\b(?:INSERT INTO|ON CONFLICT|RETURNING|SQLSTATE|PL\/pgSQL|pg_[a-z]+|json_to_recordset|violates|syntax error|at character|PRIVATE-TEXT|no_such_table|node_modules)\b|\.ts:\d+/;

eachApi(
  "no request to push, pull or token fails inside, tells internals or touches another organization",
  async (world) => {
    const users = {
      ann: await world.as("ann"),
      ben: await world.as("ben"),
      dan: await world.as("dan"),
    };
    await world.set("SECURITY", "LOGIN_ATTEMPTS_PER_ACCOUNT", 10_000);
    await world.set("SECURITY", "LOGIN_ATTEMPTS_PER_ADDRESS", 100_000);
    await world.set("MODELS", "app.Guarded", { conflict_policy: "merge" });
    await world.set("MODELS", "app.Visit", { conflict_policy: "reject" });
    const theirs = await world.state("organization_id = 2");
    const me = await users.ann.get("/api/sync/me/");
    const record = recordsOf(me.body.organizations[0].models);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        requests(record),
        fc.constantFrom(
          "ann" as const,
          "ann" as const,
          "ann" as const,
          "ben" as const,
          "dan" as const,
        ),
        async ({ path, body, type }, user) => {
          const answer = await users[user].post(`/api/sync/${path}`, body, {
            "Content-Type": type,
          });
          expect(answer.status).toBeLessThan(500);
          expect(answer.text).not.toContain(secret);
          if (path === "push/") expect(answer.text).not.toMatch(internals);
          if (answer.body.success_count === undefined) return;
          const { success_count, error_count, errors = [] } = answer.body;
          expect(errors.length).toBe(error_count);
          accepted += success_count;
        },
      ),
      { numRuns: 400, seed: 20261121, endOnFailure: true },
    );
    expect(await world.state("organization_id = 2")).toBe(theirs);
    expect(accepted).toBeGreaterThan(50);
  },
);
