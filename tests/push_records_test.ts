import { expect } from "expect";
import { type Answer, eachApi, expectRefusal, type Json } from "./api_support.ts";

/** Ids of the accepted records, in the order of the push. */
eachApi("push refuses a record that the catalog rules out, by code and field", async (world) => {
  const ann = await world.as("ann");
  const before = await world.state();
  const cases: [record: Json, code: string, field?: string][] = [
    [{ name: "x" }, "required", "_model"],
    [{ _model: 7, name: "x" }, "invalid_value", "_model"],
    [{ _model: "app.Nothing", name: "x" }, "unknown_model", "_model"],
    [{ _model: "a\u0000b", name: "x" }, "unknown_model", "_model"],
    [{ _model: "\ud800", name: "x" }, "unknown_model", "_model"],
    [{ _model: "__proto__", name: "x" }, "unknown_model", "_model"],
    [{ _model: "constructor" }, "unknown_model", "_model"],
    [{ _model: "lockstep.AppUser", username: "x" }, "unknown_model", "_model"],
    [{ _model: "lockstep.app_user", username: "x" }, "unknown_model", "_model"],
    [{ _model: "pg_catalog.pg_authid" }, "unknown_model", "_model"],
    [{ _model: "app.NoKey", a: 1 }, "no_primary_key", "_model"],
    [{ _model: "app.CustomerView", name: "x" }, "no_primary_key", "_model"],
    [{ _model: "app.Country", code: "DK", name: "x" }, "permission_denied"],
    [{ _model: "app.Customer", name: "x", nme: 1 }, "unknown_field", "nme"],
    [{ _model: "app.Customer", name: "x", toString: 1 }, "unknown_field", "toString"],
    [{ _model: "app.Customer", name: "x", "a\u0000b": 1 }, "unknown_field", "a\u0000b"],
    [{ _model: "app.Customer", name: "x", _xmin: 1 }, "unknown_field", "_xmin"],
    [{ _model: "app.Customer", name: "x", xmin: "1" }, "unknown_field", "xmin"],
    [{ _model: "app.Customer", name: "x", _op: "truncate" }, "invalid_value", "_op"],
    [{ _model: "app.Customer", name: "x", _op: null }, "invalid_value", "_op"],
    [{ _model: "app.Customer", _op: "delete" }, "required", "id"],
    [{ _model: "app.Customer", id: 77, _op: "delete" }, "not_found"],
    [{ _model: "app.Customer", id: null, name: "x" }, "required", "id"],
    [{ _model: "app.Customer", name: null }, "required", "name"],
    [{ _model: "app.Customer", id: 77, age: 3 }, "required", "name"],
    [{ _model: "app.Customer", department: "x" }, "required", "name"],
    [{ _model: "app.Customer", name: "x".repeat(41) }, "too_long", "name"],
    [{ _model: "app.Customer", name: ["x"] }, "invalid_value", "name"],
    [{ _model: "app.Customer", name: { a: 1 } }, "invalid_value", "name"],
    [{ _model: "app.Customer", name: "a\u0000b" }, "invalid_value", "name"],
    [{ _model: "app.Customer", name: "a\ud800b" }, "invalid_value", "name"],
    [{ _model: "app.Customer", name: "x", data: { a: "\u0000" } }, "invalid_value", "data"],
    [{ _model: "app.Customer", name: "x", data: { "\udfff": 1 } }, "invalid_value", "data"],
    [{ _model: "app.Customer", name: "x", age: 1.5 }, "invalid_value", "age"],
    [{ _model: "app.Customer", name: "x", age: "old" }, "invalid_value", "age"],
    [{ _model: "app.Customer", name: "x", age: 2147483648 }, "invalid_value", "age"],
    [{ _model: "app.Customer", name: "x", age: true }, "invalid_value", "age"],
    [{ _model: "app.Customer", name: "x", age: -1 }, "check_violation"],
    [{ _model: "app.Customer", id: "abc", name: "x" }, "invalid_value", "id"],
    [{ _model: "app.Customer", id: "9223372036854775808", name: "x" }, "invalid_value", "id"],
    [
      { _model: "app.Customer", name: "x", organization_id: 2 },
      "tenant_mismatch",
      "organization_id",
    ],
    [
      { _model: "app.Customer", name: "x", organization_id: "2" },
      "tenant_mismatch",
      "organization_id",
    ],
    [
      { _model: "app.Customer", name: "x", organization_id: 1.5 },
      "tenant_mismatch",
      "organization_id",
    ],
    [
      { _model: "app.Customer", name: "x", organization_id: { $ref: "c" } },
      "tenant_mismatch",
      "organization_id",
    ],
    [{ _model: "app.Customer", id: 1001, name: "mine now" }, "out_of_scope"],
    [{ _model: "app.Customer", id: 1001, _op: "delete" }, "not_found"],
    [{ _model: "app.Customer", name: "x", code: "taken-3" }, "duplicate", "code"],
    [{ _model: "app.Visit", customer_id: 1001 }, "foreign_tenant_reference", "customer_id"],
    [{ _model: "app.Visit", customer_id: 99 }, "missing_reference", "customer_id"],
    [{ _model: "app.Visit", customer_id: null }, "required", "customer_id"],
    [{ _model: "app.Visit", customer_id: { $ref: "zz" } }, "missing_reference", "customer_id"],
    [{ _model: "app.Visit", customer_id: { $ref: 1 } }, "invalid_value", "customer_id"],
    [{ _model: "app.Visit", customer_id: { $ref: "a", b: 1 } }, "invalid_value", "customer_id"],
    [
      { _model: "app.Node", label: "x", parent_id: "00000000-0000-4000-8000-000000000011" },
      "foreign_tenant_reference",
      "parent_id",
    ],
    [{ _model: "app.Node", id: "not a uuid", label: "x" }, "invalid_value", "id"],
    [{ _model: "app.Pair", a: 1 }, "required", "b"],
    [{ _model: "app.Meter", x: 1, twice: 2 }, "read_only_column", "twice"],
    [{ _model: "app.Meter", x: 1, serial: 2 }, "read_only_column", "serial"],
    [{ _model: "app.RegionSale", id: 1, region: "nowhere", amount: 1 }, "check_violation"],
    [{ _model: "app.Customer", name: "x", _client_id: "" }, "invalid_value", "_client_id"],
    [{ _model: "app.Customer", name: "x", _client_id: 3 }, "invalid_value", "_client_id"],
    [{ _model: "app.Customer", name: "x", _client_id: "\u0000" }, "invalid_value", "_client_id"],
    [{ _model: "app.Customer", name: "x", _version: 3 }, "invalid_value", "_version"],
    [{ _model: "app.Customer", name: "x", _version: "'; DROP" }, "invalid_value", "_version"],
    [{ _model: "app.Customer", name: "x", _base: [] }, "invalid_value", "_base"],
    [{ _model: "app.Guarded", id: 1, word: "skip" }, "check_violation"],
    [{ _model: "app.Guarded", id: 1, word: "raise" }, "check_violation"],
    [{ _model: "app.Guarded", id: 1, word: "raise odd" }, "check_violation"],
    [{ _model: "app.Guarded", id: 1, word: "broken" }, "check_violation"],
  ];
  for (const [record, code, field] of cases) {
    const answer = await ann.push([record]);
    const shown = JSON.stringify(record).slice(0, 80);
    expect([shown, answer.status, answer.body.errors?.[0]?.code, answer.body.errors?.[0]?.field])
      .toEqual([shown, 422, code, field]);
    const error = expectRefusal(answer, code, field);
    expect(answer.body.status).toBe("error");
    expect(error.index).toBe(0);
    expect(answer.text).not.toContain("PRIVATE");
    expect(answer.text).not.toContain("no_such_table");
    const kept = !error.retry && code !== "not_found";
    expect([shown, error.quarantine_id !== undefined]).toEqual([shown, kept]);
  }
  expect(await world.state()).toBe(before);
});

eachApi(
  "push keeps the good records around bad ones and reports each by its index",
  async (world) => {
    const ann = await world.as("ann");
    const answer = await ann.push([
      { _model: "app.Customer", id: 1, name: "a" },
      { _model: "app.Customer", id: 2, name: null, _client_id: "two" },
      { _model: "app.Customer", id: 1001, name: "stolen" },
      { _model: "app.Nope" },
      { _model: "app.Customer", id: 3, name: "c", age: -1 },
      { _model: "app.customer", id: 4, name: "d" },
      { _model: "APP.CUSTOMER", id: "5", name: "e" },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: "partial_success",
      success_count: 3,
      error_count: 4,
      processed_models: { "app.Customer": { created: 3, updated: 0 } },
    });
    expect(answer.body.errors.map(({ index, model, id, client_id, code }: Json) => [
      index,
      model,
      id,
      client_id,
      code,
    ])).toEqual([
      [1, "app.Customer", 2, "two", "required"],
      [2, "app.Customer", 1001, undefined, "out_of_scope"],
      [3, "app.Nope", undefined, undefined, "unknown_model"],
      [4, "app.Customer", 3, undefined, "check_violation"],
    ]);
    expect(answer.body.processed_models["app.Customer"]).not.toHaveProperty("deleted");
    expect(await world.count("app.customer", "organization_id = 1")).toBe(3);
  },
);

eachApi(
  "push applies records of the same key in the client's order, however it is written",
  async (world) => {
    const ann = await world.as("ann");
    const last = async (records: Json[]) => {
      const answer = await ann.push(records);
      expect(answer.body.errors).toBe(undefined);
      expect(answer.body.success_count).toBe(records.length);
      const rows = await world.db.query<Json>(
        "SELECT id, name, department FROM app.customer WHERE organization_id = 1 ORDER BY id",
      );
      await world.db.query("DELETE FROM app.customer WHERE organization_id = 1");
      return rows;
    };
    const customer = (id: Json, name: string, more = {}) => ({
      _model: "app.Customer",
      id,
      name,
      ...more,
    });
    expect(await last([customer(1, "a"), customer(1, "b"), customer(1, "c")]))
      .toEqual([{ id: 1, name: "c", department: null }]);
    expect(
      await last([customer(1, "a"), customer("1", "b"), customer(1, "c"), customer("01", "d")]),
    )
      .toEqual([{ id: 1, name: "d", department: null }]);
    expect(
      await last([
        customer("1", "a", { department: "x" }),
        customer(1, "b"),
        customer(" 1", "c", { department: "y" }),
        customer("+1", "d"),
      ]),
    ).toEqual([{ id: 1, name: "d", department: "y" }]);
    expect(
      await last([
        customer(1, "a"),
        { _model: "app.Customer", id: 1, department: "x" },
        { _model: "app.Customer", id: "1", department: "y" },
      ]),
    ).toEqual([{ id: 1, name: "a", department: "y" }]);
    const remove = { _model: "app.Customer", id: 1, _op: "delete" };
    expect(await last([customer(1, "a"), remove])).toEqual([]);
    expect(await last([customer(1, "a"), { ...remove, id: "1" }, customer(1, "b")]))
      .toEqual([{ id: 1, name: "b", department: null }]);
    expect(await last([customer(1, "a"), remove, customer(1, "b"), remove])).toEqual([]);

    const node = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11";
    const answer = await ann.push([
      { _model: "app.Node", id: node, label: "a" },
      { _model: "app.Node", id: node.toLowerCase(), label: "b" },
      { _model: "app.Node", id: `{${node.replaceAll("-", "")}}`, label: "c" },
    ]);
    expect(answer.body).toMatchObject({ status: "success", success_count: 3 });
    expect(await world.db.query("SELECT label FROM app.node WHERE organization_id = 1"))
      .toEqual([{ label: "c" }]);
  },
);

eachApi(
  "push updates with some columns only, and a key alone is a new row or unchanged",
  async (world) => {
    const ann = await world.as("ann");
    await ann.push([{ _model: "app.Customer", id: 1, name: "a", department: "x", age: 4 }]);
    const update = await ann.push([{ _model: "app.Customer", id: 1, age: 5 }]);
    expect(update.body.processed_models).toEqual({ "app.Customer": { created: 0, updated: 1 } });
    const keyOnly = await ann.push([{ _model: "app.Customer", id: 1 }], { return: "ids" });
    expect(keyOnly.body.results[0]).toMatchObject({ id: 1, action: "unchanged" });
    expect(keyOnly.body.processed_models).toEqual({ "app.Customer": { created: 0, updated: 0 } });
    const pair = await ann.push([
      { _model: "app.Pair", a: 1, b: "x" },
      { _model: "app.Pair", a: 1, b: "x" },
      { _model: "app.Pair", organization_id: 1, a: 1, b: "y" },
    ], { return: "ids" });
    expect(pair.body.results.map(({ action, id }: Json) => [action, id])).toEqual([
      ["created", { organization_id: 1, a: 1, b: "x" }],
      ["unchanged", { organization_id: 1, a: 1, b: "x" }],
      ["created", { organization_id: 1, a: 1, b: "y" }],
    ]);
    const again = await ann.push([{ _model: "app.Customer", id: 1, age: 5 }], {
      return: "records",
    });
    expect(again.body.results[0]).toMatchObject({
      action: "unchanged",
      record: { _model: "app.Customer", id: 1, name: "a", department: "x", age: 5 },
    });
    expect(await world.db.query("SELECT name, department, age FROM app.customer WHERE id = 1"))
      .toEqual([{ name: "a", department: "x", age: 5 }]);
  },
);

eachApi("push orders parents, children and deletions itself", async (world) => {
  const ann = await world.as("ann");
  const customer = (id: number, more = {}) => ({ _model: "app.Customer", id, name: "n", ...more });
  const visit = (id: number, customer_id: number) => ({ _model: "app.Visit", id, customer_id });
  const gone = (model: string, id: Json) => ({ _model: model, id, _op: "delete" });
  const up = await ann.push([visit(1, 1), visit(2, 2), customer(2), visit(3, 1), customer(1)]);
  expect(up.body).toMatchObject({ status: "success", success_count: 5 });
  const down = await ann.push([
    gone("app.Customer", 1),
    gone("app.Visit", 3),
    gone("app.Visit", 1),
    visit(4, 2),
  ]);
  expect(down.body).toMatchObject({ status: "success", success_count: 4 });
  expect(down.body.processed_models).toEqual({
    "app.Customer": { created: 0, updated: 0, deleted: 1 },
    "app.Visit": { created: 1, updated: 0, deleted: 2 },
  });
  const kept = await ann.push([gone("app.Customer", 2), gone("app.Visit", 2)]);
  expect(kept.body.errors).toMatchObject([{ index: 0, code: "conflict", retry: true, id: 2 }]);
  expect(await world.count("app.visit")).toBe(1);

  // A chain in one model, leaf first, one record of it bad: what does not depend on it is kept.
  const node = (n: number) => `10000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const chain = Array.from({ length: 30 }, (_, i) => ({
    _model: "app.Node",
    id: node(i),
    label: "n",
    parent_id: i === 0 ? null : node(i - 1),
  })).reverse();
  const orphan = { _model: "app.Node", id: node(99), label: "n", parent_id: node(98) };
  const nodes = await ann.push([...chain.slice(0, 15), orphan, ...chain.slice(15)]);
  expect(nodes.body.errors).toMatchObject([{ index: 15, code: "missing_reference" }]);
  expect(nodes.body.success_count).toBe(30);
  const leaves = await ann.push(chain.toReversed().map(({ id }) => gone("app.Node", id)));
  expect(leaves.body).toMatchObject({ status: "success", success_count: 30 });

  // Values that two rows exchange are free again only when both are written.
  await ann.push([customer(11, { code: "a" }), customer(12, { code: "b" })]);
  const swap = await ann.push([customer(12, { code: "a" }), customer(11, { code: "c" })]);
  expect(swap.body).toMatchObject({ status: "success", success_count: 2 });
});

eachApi("push leaves another organization's rows and what they hold alone", async (world) => {
  const ann = await world.as("ann");
  const before = await world.state("organization_id = 2");
  const tries: Json[] = [
    ...[1001, "1001", 1002].flatMap((id) => [
      { _model: "app.Customer", id, name: "stolen" },
      { _model: "app.Customer", id, age: 1 },
      { _model: "app.Customer", id },
      { _model: "app.Customer", id, _op: "delete" },
      { _model: "app.Customer", id, _op: "delete", _version: "1" },
      { _model: "app.Customer", id, name: "stolen", _version: "1", _base: { name: "x" } },
    ]),
    { _model: "app.Guarded", id: 101, word: "x" },
    { _model: "app.Pair", organization_id: 2, a: 1, b: "x" },
    { _model: "app.Visit", customer_id: 1001 },
    { _model: "app.Node", label: "x", parent_id: "00000000-0000-4000-8000-000000000011" },
  ];
  for (const policy of ["last_write_wins", "reject", "merge"]) {
    await world.set("MODELS", "app.Customer", { conflict_policy: policy });
    for (const returns of ["none", "ids", "records"]) {
      for (const record of tries) {
        const answer = await ann.push([record], { return: returns });
        expect([JSON.stringify(record), answer.status]).toEqual([JSON.stringify(record), 422]);
        expect(answer.text).not.toContain("PRIVATE");
        expect(answer.body.errors[0]).not.toHaveProperty("server");
      }
      const all = await ann.push(tries, { return: returns });
      expect([all.body.success_count, all.body.error_count]).toEqual([0, tries.length]);
      expect(all.text).not.toContain("PRIVATE");
    }
  }
  expect(await world.state("organization_id = 2")).toBe(before);
  // Nothing tells whether a key of another organization is taken, or not by anybody.
  const [theirs, nobodys] = await Promise.all(
    [1001, 555].map((id) => ann.push([{ _model: "app.Customer", id, _op: "delete" }])),
  );
  expect(theirs.body.errors[0].message).toBe(nobodys.body.errors[0].message);
});

eachApi("push answers results as `return` asks", async (world) => {
  const ann = await world.as("ann");
  const keyed = [{ _model: "app.Customer", id: 1, name: "a" }];
  const counts = (answer: Answer) => answer.body.results?.length;
  expect(counts(await ann.push(keyed))).toBe(undefined);
  expect(counts(await ann.push(keyed, { return: "auto" }))).toBe(undefined);
  expect(counts(await ann.push([{ ...keyed[0], _client_id: "x" }]))).toBe(1);
  expect(counts(await ann.push([{ _model: "app.Customer", name: "b" }], { return: "none" })))
    .toBe(undefined);
  const records = await ann.push(
    [...keyed, { _model: "app.Customer", name: "c", credit: 1.50 }, {
      _model: "app.Customer",
      id: 1,
      _op: "delete",
    }],
    { return: "records" },
  );
  expect(records.body.results).toMatchObject([
    { index: 0, action: "unchanged", record: { name: "a" } },
    { index: 1, action: "created", record: { name: "c", organization_id: 1 } },
    { index: 2, action: "deleted", id: 1, version: null },
  ]);
  // A caller who may not pull gets no rows back.
  await world.grant("Readers", "app.Customer", { push: true });
  const dan = await world.as("dan");
  const blind = await dan.push([{ _model: "app.Customer", id: 500, name: "a" }], {
    return: "records",
  });
  expect(blind.body.results).toMatchObject([{ id: 500, action: "created" }]);
  expect(blind.body.results[0].record ?? null).toBe(null);
});

eachApi("what is no record at all does not keep the others from being written", async (world) => {
  const ann = await world.as("ann");
  const deep = `{"_model":"app.Customer","name":"deep","data":${"[".repeat(40)}${"]".repeat(40)}}`;
  const good = (id: number) => JSON.stringify({ _model: "app.Customer", id, name: "good" });
  const bad = ["5", "null", "[{}]", '"x"', deep];
  const refused = bad.map((_, i) => ({
    index: i + 1,
    code: "invalid_value",
    retry: false,
    message: i < 4
      ? "The record is not a JSON object."
      : "The JSON is nested deeper than 32 levels.",
  }));
  const json = await ann.post(
    "/api/sync/push/",
    `{"data":[${[good(1), ...bad, good(2)].join(",")}]}`,
  );
  expect([json.status, json.body.success_count]).toEqual([200, 2]);
  expect(json.body.errors).toMatchObject(refused);

  const lines = [good(3), "", ...bad, "{nonsense", good(4)].join("\n");
  const type = { "Content-Type": "application/x-ndjson" };
  const stream = await ann.post("/api/sync/push/", lines, type);
  const [part, totals] = stream.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  expect(totals).toMatchObject({ status: "partial_success", success_count: 2, error_count: 6 });
  expect(part.errors).toMatchObject([...refused, { index: 6, code: "invalid_value" }]);
  expect(await world.count("app.customer", "name = 'good'")).toBe(4);
  // A body that is no stream of records is refused as a whole.
  const document = await ann.post("/api/sync/push/", '{\n"data": []\n}', type);
  expect([document.status, document.body.code]).toEqual([400, "malformed_json"]);
});

eachApi("a push answers with the client's spelling of models", async (world) => {
  const ann = await world.as("ann");
  const { body } = await ann.push([
    { _model: "APP.customer", name: "a" },
    { _model: "APP.customer", name: "a", age: "x" },
    { _model: "app.visit", customer_id: null },
  ], { return: "ids" });
  expect(Object.keys(body.processed_models)).toContain("APP.customer");
  expect(body.results[0].model).toBe("APP.customer");
  expect(body.errors.map(({ index, model }: Json) => [index, model]))
    .toContainEqual([1, "APP.customer"]);
  // A key that was drawn for a refused record is no row's.
  const refused = await ann.push([{ _model: "app.Customer", name: "x".repeat(41) }, {
    _model: "app.Customer",
    name: "taken",
    code: "taken-1",
  }]);
  expect(refused.body.errors.map(({ id }: Json) => id)).toEqual(
    refused.body.errors.map(() => undefined),
  );
});
