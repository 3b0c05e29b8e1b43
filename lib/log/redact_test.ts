import { expect } from "expect";
import { redact, redactText } from "./redact.ts";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

Deno.test("redact() hides secret fields by name at any depth, whatever their case and form", () => {
  expect(redact({
    user: "ann",
    Password: "hunter2",
    nested: [{ refresh_token: "hunter2", "X-Api-Key": ["hunter2"], apiKey: { a: "hunter2" } }],
    headers: new Headers({ authorization: "hunter2", cookie: "hunter2", accept: "*/*" }),
    form: new URLSearchParams("username=ann&password=hunter2"),
    map: new Map([["clientSecret", "hunter2"]]),
    new_password: 12345,
    password_changed: true,
    token_id: "4711",
    token_count: 3,
  })).toEqual({
    user: "ann",
    Password: "[redacted]",
    nested: [{ refresh_token: "[redacted]", "X-Api-Key": "[redacted]", apiKey: "[redacted]" }],
    headers: { authorization: "[redacted]", cookie: "[redacted]", accept: "*/*" },
    form: { username: "ann", password: "[redacted]" },
    map: { clientSecret: "[redacted]" },
    new_password: "[redacted]",
    password_changed: true,
    token_id: "4711",
    token_count: 3,
  });
});

for (
  const [what, text] of [
    ["the password of a database URL", "connect postgres://ann:hunter2@db:5432/x failed"],
    ["a URL password with an at sign", "postgres://ann:hunt@hunter2@db/x"],
    ["the password of a Redis URL without user", "redis://:hunter2@r:6379/0"],
    ["a bearer token", "Authorization was Bearer hunter2hunter2"],
    ["an Authorization header line", "Authorization: Token hunter2\r\nAccept: */*"],
    ["a Cookie header line", "Cookie: a=1; session=hunter2"],
    ["a Set-Cookie header line", "set-cookie: session=hunter2; HttpOnly"],
    ["basic credentials", "sent Basic aHVudGVyMjpodW50ZXIy hunter".replace(" hunter", "")],
    ["a JSON web token", `got ${jwt}`],
    ["a password in JSON", '{"username": "ann", "password": "hunter2"}'],
    ["a password with quotes in JSON", '{"password":"a\\",\\"hunter2","b":1}'],
    ["a numeric password in JSON", '{"password": 777222, "b": 1}'],
    ["a password in JSON that was cut off", '{"password": "hunter2'],
    ["a password in JSON inside JSON", '"{\\"password\\":\\"hunter2\\",\\"b\\":1}"'],
    ["a password in a form", "grant=x&password=hunter2&b=1"],
    ["a password of a connection string", "host=db password='hunter2 hunter2' user=ann"],
    ["a secret assigned in a shell", "LOCKSTEP_SECRET=hunter2 deno task start"],
    ["Django's password hash", "pbkdf2_sha256$600000$hunter2$hunter2="],
    ["an argon2 hash", "$argon2id$v=19$m=19456,t=2,p=1$hunter2$hunter2"],
  ]
) {
  Deno.test(`redactText() hides ${what}`, () => {
    const shown = redactText(text);
    expect(shown).not.toMatch(/hunter2|777222|aHVudGVy|c2lnbmF0/);
    expect(shown).toContain("[redacted]");
  });
}

Deno.test("redactText() leaves the rest of the text", () => {
  expect(redactText('{"password":"x","b":1}')).toBe('{"password":"[redacted]","b":1}');
  expect(redactText("a=1&password=x&b=2")).toBe("a=1&password=[redacted]&b=2");
  for (
    const text of ["PUSH request from user john", "http://localhost:8000/a?b=c", "3 tokens: ok"]
  ) {
    expect(redactText(text)).toBe(text);
  }
});

Deno.test("redact() keeps errors with their cause and code, redacted", () => {
  const cause = Object.assign(new Error("password=hunter2"), { code: "28P01" });
  const shown = redact(new Error("No connection", { cause })) as Record<string, unknown>;
  expect(shown).toMatchObject({
    name: "Error",
    message: "No connection",
    cause: { message: "password=[redacted]", code: "28P01" },
  });
  expect(JSON.stringify(shown)).not.toContain("hunter2");
});

Deno.test("redact() cuts what is long, deep, circular or binary, and stays JSON for PostgreSQL", () => {
  const circular: Record<string, unknown> = { big: 2n ** 70n, bytes: new Uint8Array(9), no: NaN };
  circular.self = circular;
  expect(redact(circular)).toEqual({
    big: "1180591620717411303424",
    bytes: "[9 bytes]",
    no: "NaN",
    self: "[left out]",
  });
  expect(redact(Array(60).fill(0))).toHaveLength(51);
  expect(redactText("é".repeat(5000))).toMatch(/^é{4000}… \[1000 more characters\]$/);
  expect(redact({ a: "x\0y\ud800" })).toEqual({ a: "x\ufffdy\ufffd" });
  const deep = JSON.parse('{"a":'.repeat(100) + "1" + "}".repeat(100));
  expect(JSON.stringify(redact(deep))).toContain("left out");
});

Deno.test("redact() looks at a bounded part of a push of 100,000 records", () => {
  let looks = 0;
  const data = Array.from({ length: 100_000 }, (_, id) => ({
    id,
    get list() {
      looks++;
      return Array(40).fill("x");
    },
  }));
  const text = JSON.stringify(redact({ data, more: data, again: data }));
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(1_000);
  expect(text.length).toBeLessThan(100_000);
});
