import { expect } from "expect";
import { eachApi, expectProblem, gzip, type Json } from "./api_support.ts";
import { until } from "./support/until.ts";

const customer = (id: number, more: Json = {}) => ({
  _model: "app.Customer",
  id,
  name: `n${id}`,
  ...more,
});

eachApi(
  "push isolates bad records among 5,000 in few statements, whatever is wrong with them",
  async (world) => {
    const [ann, ben] = [await world.as("ann"), await world.as("ben")];
    await ann.push([customer(1, { code: "taken" })]);
    const kinds: Record<string, [code: string, bad: (id: number) => Json]> = {
      check: ["check_violation", (id) => customer(id, { age: -1 })],
      unique: ["duplicate", (id) => customer(id, { code: "taken" })],
      scope: ["out_of_scope", (id) => customer(id, { owner: "another" })],
      missing: ["missing_reference", (id) => ({ _model: "app.Visit", id, customer_id: id + 5e6 })],
      foreign: [
        "foreign_tenant_reference",
        (id) => ({ _model: "app.Visit", id, customer_id: 1001 }),
      ],
      type: ["invalid_value", (id) => customer(id, { age: "x" })],
    };
    for (const [kind, [code, bad]] of Object.entries(kinds)) {
      for (const share of kind === "check" ? [0.01, 0.5, 1] : [0.5]) {
        const size = kind === "check" ? 5000 : 1000;
        const start = 1e6;
        const records = Array.from(
          { length: size },
          (_, i) =>
            i % 100 < share * 100
              ? bad(start + i)
              : kind === "missing" || kind === "foreign"
              ? { _model: "app.Visit", id: start + i, customer_id: 1 }
              : customer(start + i, { owner: "ben" }),
        );
        const expected = records.filter((_, i) => i % 100 < share * 100).length;
        const { body } = await (kind === "scope" ? ben : ann).push(records);
        expect([kind, body.success_count, body.error_count])
          .toEqual([kind, size - expected, expected]);
        expect(new Set(body.errors.map((error: Json) => error.code))).toEqual(new Set([code]));
        expect(body.errors.every(({ index }: Json) => index % 100 < share * 100)).toBe(true);
        await world.app.recorded();
        const [{ queries }] = await world.db.query<{ queries: number }>(
          `SELECT query_count AS queries FROM lockstep.performance_metric ORDER BY id DESC LIMIT 1`,
        );
        expect([kind, queries < 40]).toEqual([kind, true]);
        await world.db.script(
          "DELETE FROM app.visit; DELETE FROM app.customer WHERE organization_id = 1 AND id > 1",
        );
      }
    }
  },
);

eachApi("an atomic push keeps everything or nothing, the change log included", async (world) => {
  const ann = await world.as("ann");
  await ann.pull({ "app.Customer": null, "app.Visit": null });
  const logged = async () => {
    const [{ id }] = await world.db.query<{ id: number }>(
      "SELECT id FROM lockstep.tracked_model WHERE table_name = 'customer'",
    );
    return await world.count(`lockstep.change_${id}`);
  };
  const [before, entries] = [await world.state(), await logged()];
  for (
    const bad of [
      customer(3, { age: -1 }),
      customer(3, { name: null }),
      customer(1001),
      { _model: "app.Nope" },
      { _model: "app.Visit", customer_id: 99 },
    ]
  ) {
    const answer = await ann.push([customer(1), bad, customer(2)], { atomic: true });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      status: "error",
      success_count: 0,
      error_count: 1,
      processed_models: {},
    });
    expect(answer.body.errors[0].index).toBe(1);
    expect(answer.body).not.toHaveProperty("results");
    expect(answer.body.errors[0]).not.toHaveProperty("quarantine_id");
  }
  expect([await world.state(), await logged()]).toEqual([before, entries]);
  const all = await ann.push([customer(1), customer(2)], { atomic: true });
  expect(all.body).toMatchObject({ status: "success", success_count: 2 });
  expect(await logged()).toBe(entries + 2);

  await world.set("MODELS", "app.Customer", { conflict_policy: "reject" });
  const conflict = await ann.push([customer(9), customer(1, { _version: "1", age: 4 })], {
    atomic: true,
  });
  expect(conflict.status).toBe(409);
  expect(conflict.body.errors).toMatchObject([{ code: "conflict", server: { id: 1, name: "n1" } }]);
  expect(await world.count("app.customer", "id = 9")).toBe(0);
});

eachApi(
  "Idempotency-Key replays the stored answer, also to concurrent duplicates",
  async (world) => {
    const ann = await world.as("ann");
    const key = { "Idempotency-Key": "k-1" };
    const record = { _model: "app.Customer", name: "once" };
    const first = await ann.push([record], {}, key);
    const again = await ann.push([record], {}, key);
    expect(again.text).toBe(first.text);
    expect([first, again].map(({ headers }) => headers.get("Idempotency-Replayed")))
      .toEqual([null, "true"]);
    expectProblem(
      await ann.push([{ ...record, name: "other" }], {}, key),
      409,
      "idempotency_key_reused",
      "Idempotency-Key",
    );
    expectProblem(await ann.push([record], { atomic: true }, key), 409, "idempotency_key_reused");
    expect(await world.count("app.customer", "organization_id = 1")).toBe(1);

    // Another user's key of the same name is another key.
    const root = await world.as("root", { "X-Organization": "one" });
    expect((await root.push([record], {}, key)).headers.get("Idempotency-Replayed")).toBe(null);

    const many = await Promise.all(
      Array.from({ length: 8 }, () => ann.push([record], {}, { "Idempotency-Key": "k-2" })),
    );
    expect(new Set(many.map(({ text }) => text)).size).toBe(1);
    expect(many.filter(({ headers }) => headers.get("Idempotency-Replayed") === null).length).toBe(
      1,
    );
    expect(await world.count("app.customer", "organization_id = 1")).toBe(3);

    const refused = [{ _model: "app.Customer", name: null }];
    for (const atomic of [false, true]) {
      const headers = { "Idempotency-Key": `refused-${atomic}` };
      const [a, b] = [
        await ann.push(refused, { atomic }, headers),
        await ann.push(refused, { atomic }, headers),
      ];
      expect([a.status, b.status, b.text]).toEqual([422, 422, a.text]);
    }
    for (const bad of ["", "x".repeat(151), "a b", "é"]) {
      const answer = await ann.push([record], {}, { "Idempotency-Key": bad });
      // An empty header is not sent by every client as one.
      expectProblem(answer, 400, "invalid_value", "Idempotency-Key");
    }
  },
);

eachApi("an NDJSON push is written in parts and answers a line for each", async (world) => {
  const ann = await world.as("ann");
  const lines = (records: Json[]) => records.map((one) => JSON.stringify(one)).join("\n");
  const send = async (body: string | Uint8Array, path = "", headers = {}) => {
    const answer = await ann.post(`/api/sync/push/${path}`, body, {
      "Content-Type": "application/x-ndjson",
      ...headers,
    });
    const parts = answer.status === 200
      ? answer.text.trimEnd().split("\n").map((line) => JSON.parse(line))
      : [];
    return { answer, parts, last: parts.at(-1) };
  };
  const records = Array.from({ length: 4500 }, (_, i) => customer(10_000 + i));
  records[10].name = null as unknown as string;
  records[4400].age = -1;
  const { answer, parts, last } = await send(lines(records));
  expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson");
  expect(parts.length).toBe(4);
  expect(parts.slice(0, 3).map(({ success_count }) => success_count)).toEqual([1999, 2000, 499]);
  expect(parts.flatMap(({ errors }) => errors ?? []).map(({ index, code }) => [index, code]))
    .toEqual([[10, "required"], [4400, "check_violation"]]);
  expect(last).toMatchObject({
    status: "partial_success",
    success_count: 4498,
    error_count: 2,
    processed_models: { "app.Customer": { created: 4498, updated: 0 } },
  });
  expect(await world.count("app.customer", "organization_id = 1")).toBe(4498);

  const packed = await send(await gzip(`\n${lines(records.slice(0, 2))}\r\n\n`), "", {
    "Content-Encoding": "gzip",
  });
  expect(packed.last).toMatchObject({ status: "success", success_count: 2 });
  const ids = await send(lines([{ _model: "app.Customer", name: "x" }]), "?return=none");
  expect(ids.parts[0]).not.toHaveProperty("results");
  expect((await send("")).last).toMatchObject({ status: "success", success_count: 0 });

  const count = await world.count("app.customer");
  const first = await send(`\n{"_model": oops}\n${lines([customer(90_001)])}\n`);
  const problem = expectProblem(first.answer, 400, "malformed_json");
  expect(problem.detail).toContain("Line 1");
  expectProblem(
    (await send(lines([customer(1)]), "?return=all")).answer,
    400,
    "invalid_value",
    "return",
  );
  expectProblem(
    (await send(lines([customer(1)]), "?atomic=true")).answer,
    400,
    "invalid_value",
    "atomic",
  );
  expect(await world.count("app.customer")).toBe(count);

  // A bad line is a refused record; the others are written.
  const later = Array.from({ length: 2500 }, (_, i) => customer(100_000 + i));
  const cut = await send(`${lines(later)}\n{"_model`);
  expect(cut.parts.map(({ success_count }: Json) => success_count)).toEqual([2000, 500, 2500]);
  expect(cut.parts[1].errors).toMatchObject([{ index: 2500, code: "invalid_value" }]);
  expect(cut.last).toMatchObject({ status: "partial_success", success_count: 2500 });
  expect(await world.count("app.customer", "id >= 100000")).toBe(2500);

  // What was answered before the stream broke off stays, and the client learns where the rest failed.
  const broken = Array.from({ length: 2500 }, (_, i) => customer(200_000 + i));
  await world.set("SYNC", "MAX_STREAM_RECORDS", 2400);
  const stopped = await send(lines(broken));
  expect(stopped.parts.length).toBe(2);
  expect(stopped.last._error).toMatchObject({
    code: "too_many_records",
    request_id: stopped.answer.headers.get("X-Request-Id"),
  });
  expect(await world.count("app.customer", "id >= 200000")).toBe(2000);
  await world.set("SYNC", "MAX_STREAM_RECORDS", 10_000);

  // Sent again with its key, only what was not written is written.
  const key = { "Idempotency-Key": "stream" };
  const fresh = Array.from({ length: 2500 }, () => ({ _model: "app.Customer", name: "f" }));
  const whole = await send(lines(fresh), "", key);
  const repeated = await send(lines(fresh), "", key);
  expect(repeated.answer.text).toBe(whole.answer.text);
  expect(await world.count("app.customer", "name = 'f'")).toBe(2500);

  await world.set("SYNC", "MAX_STREAM_RECORDS", 3);
  expectProblem((await send(lines(later.slice(0, 4)))).answer, 413, "too_many_records");
});

eachApi(
  "a quarantined record is listed, repaired, replayed and discarded by who may",
  async (world) => {
    const [ann, dan, eva, root, cat] = [
      await world.as("ann"),
      await world.as("dan"),
      await world.as("eva"),
      await world.as("root", { "X-Organization": "one" }),
      await world.as("cat"),
    ];
    await world.grant("Administrators", "app.Customer", { push: true, pull: true });
    const path = "/api/sync/quarantine/";
    const raw =
      `{"data":[{"_model":"app.Customer","id":7,"name":null,"credit":1.2300000000000000000001}]}`;
    const pushed = await ann.post("/api/sync/push/", raw, { "X-Device": "till 4" });
    const id = pushed.body.errors[0].quarantine_id;
    expect(typeof id).toBe("number");
    await cat.push([{ _model: "app.Customer", name: null }]);

    const list = await ann.get(path);
    expect(list.body).toMatchObject({
      next: null,
      records: [{
        id,
        model: "app.Customer",
        code: "required",
        field: "name",
        state: "open",
        device: "till 4",
        user: { username: "ann" },
        resolved_at: null,
        resolved_by: null,
      }],
    });
    expect(list.body.records[0].request_id).toBe(pushed.headers.get("X-Request-Id"));
    expect(list.body.records[0]).not.toHaveProperty("record");
    const one = await ann.get(`${path}${id}/`);
    expect(one.text).toContain(`"record":{"_model":"app.Customer","id":7,"name":null,`);
    expect(one.text).toContain("1.2300000000000000000001");

    // Members see what they pushed, administrators of the organization all of it, others nothing.
    expect((await dan.get(path)).body.records).toEqual([]);
    expect((await eva.get(path)).body.records.map(({ id }: Json) => id)).toEqual([id]);
    expect((await root.get(path)).body.records.map(({ id }: Json) => id)).toEqual([id]);
    for (const other of [dan, cat]) {
      expectProblem(await other.get(`${path}${id}`), 404, "not_found");
      expectProblem(await other.post(`${path}${id}/replay`, ""), 404, "not_found");
      expectProblem(await other.post(`${path}${id}/discard/`, ""), 404, "not_found");
    }
    expectProblem(await world.request(path), 401, "unauthorized");
    for (const bad of ["abc", "0", "99999999", "-1", "1.5", "9".repeat(30)]) {
      expectProblem(await ann.get(`${path}${bad}/`), 404, "not_found");
    }
    for (
      const [query, field] of [["state=x", "state"], ["limit=0", "limit"], ["before=x", "before"]]
    ) {
      expectProblem(await ann.get(`${path}?${query}`), 400, "invalid_value", field);
    }
    expectProblem(await ann.get(`${path}?colour=red`), 400, "unknown_field", "colour");

    // Refused again it stays open, and is not kept a second time.
    const refused = await ann.post(`${path}${id}/replay/`, "");
    expect([refused.status, refused.body.errors[0].code]).toEqual([422, "required"]);
    expect((await ann.get(path)).body.records.length).toBe(1);
    expectProblem(await ann.post(`${path}${id}/replay/`, { rec: 1 }), 400, "unknown_field", "rec");
    expectProblem(
      await ann.post(`${path}${id}/replay/`, { record: 1 }),
      400,
      "invalid_value",
      "record",
    );
    expectProblem(await ann.post(`${path}${id}/replay/`, "{"), 400, "malformed_json");
    const repaired =
      `{"record":{"_model":"app.Customer","id":7,"name":"x","credit":1.2300000000000000000001}}`;
    const both = await Promise.all([1, 2].map(() => eva.post(`${path}${id}/replay/`, repaired)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(both.find(({ status }) => status === 200)!.body).toMatchObject({
      status: "success",
      results: [{ index: 0, id: 7, action: "created" }],
    });
    expectProblem(await ann.post(`${path}${id}/replay/`, repaired), 409, "conflict");
    expectProblem(await ann.post(`${path}${id}/discard/`, ""), 409, "conflict");
    expect((await ann.get(`${path}${id}`)).body).toMatchObject({
      state: "replayed",
      resolved_by: { username: "eva" },
    });
    expect((await world.db.query<Json>("SELECT credit FROM app.customer WHERE id = 7"))[0].credit)
      .toBe("1.2300000000000000000001");

    // A replay has the rights of who replays.
    const theirs = (await ann.push([{ _model: "app.Meter", x: "x" }])).body.errors[0].quarantine_id;
    const without = await eva.post(`${path}${theirs}/replay`, {
      record: { _model: "app.Meter", x: 1 },
    });
    expect([without.status, without.body.errors[0].code]).toEqual([422, "permission_denied"]);
    expect((await ann.post(`${path}${theirs}/discard`, "")).body).toMatchObject({
      id: theirs,
      state: "discarded",
      resolved_by: { username: "ann" },
    });
    expect((await ann.get(path)).body.records).toEqual([]);
    expect((await ann.get(`${path}?state=all`)).body.records.length).toBe(2);

    await ann.push(Array.from({ length: 25 }, () => ({ _model: "app.Customer", name: null })));
    const seen: number[] = [];
    let next: number | null = null;
    do {
      const page: Json = (await ann.get(`${path}?limit=10${next ? `&before=${next}` : ""}`)).body;
      seen.push(...page.records.map(({ id }: Json) => id));
      next = page.next;
    } while (next !== null);
    expect(seen.length).toBe(25);
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a));

    await world.set("SYNC", "QUARANTINE_LIMIT", 26);
    const over = await ann.push([1, 2, 3].map(() => ({ _model: "app.Customer", name: null })));
    expect(over.body.errors.map(({ quarantine_id }: Json) => quarantine_id !== undefined))
      .toEqual([true, false, false]);
  },
);

eachApi(
  "a client that goes away in the middle of an NDJSON push stops nothing but it",
  async (world) => {
    const { token } = await world.as("ann");
    await using site = world.app.serve();
    const { hostname, port } = new URL(site.origin);
    const encoder = new TextEncoder();
    const lines = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => `${JSON.stringify(customer(from + i))}\n`).join("");
    for (let round = 0; round < 3; round++) {
      const from = 100_000 + round * 10_000;
      const connection = await Deno.connect({ hostname, port: Number(port) });
      const send = async (text: string) => {
        for (let rest = encoder.encode(text); rest.length > 0;) {
          rest = rest.subarray(await connection.write(rest));
        }
      };
      await send(
        "POST /api/sync/push/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" +
          `Authorization: Bearer ${token}\r\nContent-Type: application/x-ndjson\r\n\r\n`,
      );
      // More than two parts: one is written, one is ready, and one is being read.
      const body = lines(from, 9500);
      await send(`${encoder.encode(body).length.toString(16)}\r\n${body}\r\n`);
      await until(async () => await world.count("app.customer", `id = ${from}`) === 1);
      connection.close();
    }
    const answer = await fetch(`${site.origin}/api/sync/push/`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/x-ndjson" },
      body: lines(1_000_000, 1),
    });
    expect(await answer.text()).toContain('"success_count":1');
  },
);
