import { expect } from "expect";
import { eachApi, expectProblem, gzip, type Json } from "./api_support.ts";

const encode = (text: string) => new TextEncoder().encode(text);

eachApi(
  "push refuses a broken envelope with a code and field, and writes nothing",
  async (world) => {
    const ann = await world.as("ann");
    const before = await world.state();
    const good = { _model: "app.Customer", name: "x" };
    const one = JSON.stringify(good);
    const deep = (n: number) => `${"[".repeat(n)}${"]".repeat(n)}`;
    const cases: [body: string | Uint8Array, status: number, code: string, field?: string][] = [
      ["", 400, "malformed_json"],
      ["{", 400, "malformed_json"],
      ["null", 400, "malformed_json"],
      ["[]", 400, "malformed_json"],
      [`{"data":[${one}],}`, 400, "malformed_json"],
      [`{"data":[${one}]} x`, 400, "malformed_json"],
      [`{'data':[]}`, 400, "malformed_json"],
      [`{"data":[${one},]}`, 400, "malformed_json"],
      [`{"data":[${one} ${one}]}`, 400, "malformed_json"],
      [`{"data":[{"_model":"app.Customer","age":01}]}`, 400, "malformed_json"],
      [`{"data":[{"_model":"app.Customer","age":NaN}]}`, 400, "malformed_json"],
      [`{"data":[{"_model":"app.Customer","age":Infinity}]}`, 400, "malformed_json"],
      [`{"data":[{"_model":"app.Customer","name":"a\nb"}]}`, 400, "malformed_json"],
      [`{"data":[{"_model":"app.Customer","name":"\\x"}]}`, 400, "malformed_json"],
      [`{"data":${deep(100_000)}}`, 400, "malformed_json"],
      [`{"a":${"[".repeat(200_000)}`, 400, "malformed_json"],
      ["{}", 400, "required", "data"],
      [`{"data":null}`, 400, "invalid_value", "data"],
      [`{"data":${one}}`, 400, "invalid_value", "data"],
      [`{"data":"x"}`, 400, "invalid_value", "data"],
      [`{"data":[],"data":[${one}]}`, 400, "invalid_value", "data"],
      [`{"data":[],"\\u0064ata":[${one}]}`, 400, "invalid_value", "data"],
      [`{"data":[${one}],"organization":1}`, 400, "invalid_value", "organization"],
      [`{"data":[${one}],"atomic":"true"}`, 400, "invalid_value", "atomic"],
      [`{"data":[${one}],"atomic":null}`, 400, "invalid_value", "atomic"],
      [`{"data":[${one}],"return":"all"}`, 400, "invalid_value", "return"],
      [`{"data":[${one}],"return":null}`, 400, "invalid_value", "return"],
      [`{"data":[${one}],"modles":1}`, 400, "unknown_field", "modles"],
      [`{"data":[${one}],"__proto__":{}}`, 400, "unknown_field", "__proto__"],
      [`{"data":[${one}],"constructor":{}}`, 400, "unknown_field", "constructor"],
      [`{"data":[${one}],"organization":"two"}`, 403, "permission_denied"],
      [`{"data":[${one}],"organization":"\\u0000"}`, 403, "permission_denied"],
      [encode(`{"data":[${one}]}`).with(3, 0xff), 400, "invalid_encoding"],
      [
        encode(`{"data":[{"_model":"app.Customer","name":"é"}]}`).slice(0, -5),
        400,
        "invalid_encoding",
      ],
      [new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), 400, "invalid_encoding"],
    ];
    cases.splice(-2, 1);
    for (const [body, status, code, field] of cases) {
      const answer = await ann.post("/api/sync/push/", body);
      const shown = typeof body === "string" ? body.slice(0, 60) : "bytes";
      expect([shown, answer.status, answer.body.code]).toEqual([shown, status, code]);
      expectProblem(answer, status, code, field);
    }
    expect(await world.state()).toBe(before);
    for (const type of ["text/plain", "application/xml", "application/x-www-form-urlencoded"]) {
      const answer = await ann.post("/api/sync/push/", `{"data":[${one}]}`, {
        "Content-Type": type,
      });
      expectProblem(answer, 415, "unsupported_media_type");
    }
    expect(await world.state()).toBe(before);
    // A BOM, a charset and white space all around are all right.
    for (const body of [`\ufeff{"data":[]}`, ` \r\n\t{"data":[ ]} \n`]) {
      const answer = await ann.post("/api/sync/push", body, {
        "Content-Type": "application/json; charset=utf-8",
      });
      expect(answer.body).toMatchObject({ status: "success", success_count: 0, error_count: 0 });
    }
  },
);

eachApi("push refuses bodies that are too large or not what they say they are", async (world) => {
  const ann = await world.as("ann");
  const before = await world.state();
  const body = JSON.stringify({ data: [{ _model: "app.Customer", name: "x" }] });
  const packed = await gzip(body);
  const send = (bytes: string | Uint8Array, encoding: string, more = {}) =>
    ann.post("/api/sync/push/", bytes, { "Content-Encoding": encoding, ...more });
  for (const encoding of ["br", "deflate", "gzip, gzip", "zstd"]) {
    const answer = await send(packed, encoding);
    expectProblem(answer, 415, "unsupported_media_type");
    expect(answer.headers.get("Accept-Encoding")).toBe("gzip");
  }
  for (
    const bytes of [
      packed.slice(0, -4),
      packed.slice(0, 12),
      packed.with(14, packed[14] ^ 0xff),
      encode(body),
      new Uint8Array(),
      new Uint8Array([...packed, 1, 2, 3]),
      await gzip(packed),
    ]
  ) {
    expectProblem(await send(bytes, "gzip"), 400, "invalid_encoding");
  }
  expect(await world.state()).toBe(before);

  await world.set("SYNC", "MAX_BODY_BYTES", 100_000);
  const bomb = await gzip(new Uint8Array(50_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  expectProblem(await send(bomb, "gzip"), 413, "too_large");
  const large = `{"data":[{"_model":"app.Node","label":"${"x".repeat(100_000)}"}]}`;
  expectProblem(await ann.post("/api/sync/push/", large), 413, "too_large");
  const line = { "Content-Type": "application/x-ndjson" };
  expectProblem(await ann.post("/api/sync/push/", "x".repeat(300_000), line), 413, "too_large");
  expectProblem(await send(await gzip("x".repeat(300_000)), "gzip", line), 413, "too_large");
  for (const path of ["pull", "auth/token", "auth/refresh", "auth/revoke"]) {
    const answer = await ann.post(`/api/sync/${path}/`, new Uint8Array(5_000_000));
    expectProblem(answer, 413, "too_large");
  }
  await world.set("SYNC", "MAX_RECORDS", 3);
  const four = await ann.push(Array.from({ length: 4 }, () => ({ _model: "app.Customer" })));
  expectProblem(four, 413, "too_many_records", "data");
  expect(await world.state()).toBe(before);

  const accepted = await send(packed, " GZIP ");
  expect(accepted.body.status).toBe("success");
});

eachApi(
  "push reads records with very many members or very long names in linear time",
  async (world) => {
    const ann = await world.as("ann");
    const members = Array.from({ length: 200_000 }, (_, i) => `"c${i}":1`).join(",");
    const since = performance.now();
    const record = await ann.post(
      "/api/sync/push/",
      `{"data":[{"_model":"app.Customer",${members}}]}`,
    );
    expect(record.body.errors).toMatchObject([{ code: "unknown_field", field: "c0" }]);
    const envelope = await ann.post("/api/sync/push/", `{"data":[],${members}}`);
    expectProblem(envelope, 400, "unknown_field", "c0");
    const long = "n".repeat(1_000_000);
    const named = await ann.push([{ _model: long }, { _model: "app.Customer", [long]: 1 }]);
    expect(named.body.errors).toMatchObject([{ code: "unknown_model" }, { code: "unknown_field" }]);
    expect(named.text.length).toBeLessThan(10_000);
    // A look at all others for each of them would take minutes.
    expect(performance.now() - since).toBeLessThan(20_000);
  },
);

eachApi("pull refuses a broken envelope with a code and field", async (world) => {
  const ann = await world.as("ann");
  const model = "app.Customer";
  const cases: [body: Json, status: number, code: string, field?: string][] = [
    ["", 400, "malformed_json"],
    ["{", 400, "malformed_json"],
    [`{"models":${"[".repeat(100_000)}`, 400, "malformed_json"],
    [`{"models":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 400, "invalid_value", "models"],
    ["null", 400, "invalid_value", "body"],
    ["[]", 400, "invalid_value", "body"],
    ["7", 400, "invalid_value", "body"],
    [{}, 400, "required", "models"],
    [{ models: null }, 400, "invalid_value", "models"],
    [{ models: [model] }, 400, "invalid_value", "models"],
    [{ models: {} }, 400, "invalid_value", "models"],
    [{ models: { [model]: 7 } }, 400, "invalid_value", `models.${model}`],
    [{ models: { [model]: {} } }, 400, "invalid_value", `models.${model}`],
    [{ models: { [model]: false } }, 400, "invalid_value", `models.${model}`],
    [
      { models: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`m${i}`, null])) },
      400,
      "invalid_value",
      "models",
    ],
    ...[0, -1, 10_001, 1e9, 1.5, "100", null, true, [], 1e300].map((
      batch_size,
    ): [Json, number, string, string] => [
      { models: { [model]: null }, batch_size },
      400,
      "invalid_value",
      "batch_size",
    ]),
    [{ models: { [model]: null }, batchsize: 3 }, 400, "unknown_field", "batchsize"],
    [{ models: { [model]: null }, checksum: "yes" }, 400, "invalid_value", "checksum"],
    [{ models: { [model]: null }, fields: [] }, 400, "invalid_value", "fields"],
    [{ models: { [model]: null }, fields: { [model]: "name" } }, 400, "invalid_value"],
    [{ models: { [model]: null }, fields: { [model]: ["nme"] } }, 400, "unknown_field"],
    [{ models: { [model]: null }, organization: 3 }, 400, "invalid_value", "organization"],
    [{ models: { [model]: null }, organization: "two" }, 403, "permission_denied"],
    [{ models: { [model]: null }, organization: "none" }, 403, "permission_denied"],
    [{ models: { "app.Nope": null } }, 404, "unknown_model", "models.app.Nope"],
    [{ models: { "a\u0000b": null } }, 404, "unknown_model"],
    [`{"models":{"__proto__":null}}`, 400, "invalid_value", "models"],
    [{ models: { constructor: null } }, 404, "unknown_model"],
    [{ models: { "lockstep.AppUser": null } }, 404, "unknown_model"],
    [{ models: { "app.NoKey": null } }, 422, "not_syncable"],
  ];
  for (const [body, status, code, field] of cases) {
    const answer = await ann.post("/api/sync/pull/", body);
    const shown = JSON.stringify(body).slice(0, 80);
    expect([shown, answer.status, answer.body.code]).toEqual([shown, status, code]);
    expectProblem(answer, status, code, field);
    expect(answer.text.length).toBeLessThan(200_000);
  }
  // One model that cannot be pulled does not keep the others back.
  const mixed = await ann.pull({ "app.Nope": null, [model]: null, "app.NoKey": null });
  expect(mixed.status).toBe(200);
  expect(mixed.body.metadata["app.Nope"].error.code).toBe("unknown_model");
  expect(mixed.body.metadata["app.NoKey"].error.code).toBe("not_syncable");
  expect(mixed.body.metadata[model].count).toBe(0);
  const dan = await world.as("ben");
  expectProblem(await dan.pull({ "app.Visit": null }), 403, "permission_denied");
});

eachApi("pull refuses cursors that were cut, altered or belong elsewhere", async (world) => {
  const [ann, cat] = [await world.as("ann"), await world.as("cat")];
  await ann.push(
    Array.from({ length: 20 }, (_, i) => ({ _model: "app.Customer", id: i, name: "x" })),
  );
  const model = "app.Customer";
  const page = await ann.pull({ [model]: null }, { batch_size: 3 });
  const { cursor } = page.body.metadata[model];
  const [prefix, body, mac] = cursor.split(".");
  const decoded = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
  const forge = (change: (parts: Json[]) => void) => {
    const parts = structuredClone(decoded);
    change(parts);
    return `${prefix}.${btoa(JSON.stringify(parts))}.${mac}`;
  };
  const broken = [
    cursor.slice(0, -1),
    cursor.slice(0, 30),
    `${cursor}x`,
    `${cursor}.x`,
    `${prefix}.${body}`,
    `${prefix}..${mac}`,
    `${prefix}.${body}.`,
    "lc1.",
    "lc1.!!!.x",
    `lc2.${body}.${mac}`,
    `${prefix}.${btoa("[]")}.${mac}`,
    `${prefix}.${btoa("{}")}.${mac}`,
    `${prefix}.${"A".repeat(90_000)}.${mac}`,
    forge((parts) => parts[1] = 2),
    forge((parts) => parts[5] = parts[4][0]),
    forge((parts) => parts[6] = "1:1:"),
    forge((parts) => parts[8] = ["'; DROP TABLE app.customer"]),
    "yesterday",
    "2024-13-01T00:00:00Z",
    "24-01-01",
    "2024-01-14T10:00:00ZZ",
    "2024-01-14T25:00:00Z",
    "2024-02-31",
    "2023-02-29T00:00:00Z",
    "2024-01-14T10:00:00+99:00",
    "",
    "'; SELECT 1",
    "\u0000",
    "NaN",
    "infinity",
    "now",
  ];
  for (const given of broken) {
    const answer = await ann.pull({ [model]: given });
    expect([given.slice(0, 60), answer.status]).toEqual([given.slice(0, 60), 400]);
    expectProblem(answer, 400, "invalid_cursor", `models.${model}`);
  }
  expectProblem(
    await ann.pull({ "app.Visit": cursor }),
    400,
    "cursor_mismatch",
    "models.app.Visit",
  );
  expectProblem(await cat.pull({ [model]: cursor }), 400, "cursor_mismatch", `models.${model}`);
  // A cursor of a database that is not this one starts over.
  const foreign = await ann.pull({ [model]: forge((parts) => parts[0] = crypto.randomUUID()) });
  expect(foreign.body.metadata[model]).toMatchObject({ reset: true, count: 20 });

  for (
    const time of [
      "2024-01-14T10:00:00Z",
      "2024-01-14T10:00:00.123456Z",
      "2024-01-14t10:00:00+05:30",
      "2024-01-14 10:00:00",
      "2024-01-14",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59Z",
    ]
  ) {
    const answer = await ann.pull({ [model]: time });
    expect([time, answer.status]).toEqual([time, 200]);
    expect(answer.body.complete).toBe(true);
  }
  // Somebody else's cursor in the same organization works through the difference of the scopes.
  const whole = await ann.pull({ [model]: null });
  const ben = await world.as("ben");
  const other = await ben.pull({ [model]: whole.body.metadata[model].cursor });
  expect([other.status, other.body.data, other.body.deleted[model]?.length])
    .toEqual([200, [], 20]);
});
