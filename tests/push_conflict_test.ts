import { expect } from "expect";
import { type ApiWorld, eachApi, expectRefusal, type Json } from "./api_support.ts";

/** One pulled record of a customer that was just made. */
async function pulledCustomer(world: ApiWorld, policy: string): Promise<Json> {
  await world.set("MODELS", "app.Customer", { conflict_policy: policy });
  const ann = await world.as("ann");
  await ann.push([{
    _model: "app.Customer",
    id: 1,
    name: "a",
    department: "d",
    age: 1,
    credit: 1.10,
  }]);
  return (await ann.pull({ "app.Customer": null })).body.data[0];
}

const row = async (world: ApiWorld) =>
  (await world.db.query<Json>("SELECT name, department, age FROM app.customer WHERE id = 1"))[0];

eachApi("last_write_wins ignores versions", async (world) => {
  const record = await pulledCustomer(world, "last_write_wins");
  const ann = await world.as("ann");
  await ann.push([{ _model: "app.Customer", id: 1, age: 2 }]);
  const answer = await ann.push([{ ...record, name: "b" }]);
  expect(answer.body.status).toBe("success");
  expect(await row(world)).toEqual({ name: "b", department: "d", age: 1 });
});

eachApi("reject refuses a stale version and carries the server's row", async (world) => {
  const record = await pulledCustomer(world, "reject");
  const ann = await world.as("ann");
  const first = await ann.push([{ ...record, name: "b" }], { return: "ids" });
  expect(first.body.results).toMatchObject([{ action: "updated" }]);
  expect(first.body.results[0].version).not.toBe(record._version);
  const stale = await ann.push([{ ...record, name: "c" }]);
  const { server } = expectRefusal(stale, "conflict");
  expect(stale.status).toBe(422);
  expect(server).toMatchObject({ id: 1, name: "b", _version: first.body.results[0].version });
  expect((await row(world)).name).toBe("b");
  // The version that came with the conflict is the one to go on from.
  const next = await ann.push([{ ...record, ...server, name: "d" }]);
  expect(next.body.status).toBe("success");

  const old = { ...record, name: "d" };
  expect((await ann.push([old], { return: "ids" })).body.results).toMatchObject([
    { action: "unchanged", id: 1 },
  ]);
  expectRefusal(await ann.push([{ ...old, _op: "delete" }]), "conflict");
  const [{ version }] = await world.db.query<Json>(
    "SELECT xmin::text AS version FROM app.customer WHERE id = 1",
  );
  const gone = await ann.push([{
    _model: "app.Customer",
    id: 1,
    _version: version,
    _op: "delete",
  }]);
  expect(gone.body.processed_models["app.Customer"].deleted).toBe(1);
  expectRefusal(await ann.push([{ ...record, name: "x" }]), "conflict");
  expect(await world.count("app.customer", "id = 1")).toBe(0);
  // Without a version the write is unconditional.
  expect((await ann.push([{ ...record, _version: null, name: "x" }])).body.status).toBe("success");
});

eachApi("a conflict shows the server's row only to who may read it", async (world) => {
  const record = await pulledCustomer(world, "reject");
  await world.grant("Readers", "app.Customer", { push: true });
  const dan = await world.as("dan");
  const error = expectRefusal(
    await dan.push([{ ...record, _version: "1", name: "z" }]),
    "conflict",
  );
  expect(error.server ?? null).toBe(null);
  // Out of the pusher's scope, the row does not even conflict.
  const ben = await world.as("ben");
  const hidden = expectRefusal(
    await ben.push([{ ...record, _version: "1", name: "z", owner: "ben" }]),
    "out_of_scope",
  );
  expect(hidden).not.toHaveProperty("server");
});

eachApi("merge takes disjoint changes and refuses the others", async (world) => {
  const record = await pulledCustomer(world, "merge");
  const ann = await world.as("ann");
  await ann.push([{ _model: "app.Customer", id: 1, department: "elsewhere" }]);
  const disjoint = await ann.push([{ ...record, name: "b", _base: { name: "a" } }]);
  expect(disjoint.body.status).toBe("success");
  expect(await row(world)).toEqual({ name: "b", department: "elsewhere", age: 1 });
  const misspelled = await ann.push([{ ...record, name: "lost", _base: { NAME: "a" } }]);
  expectRefusal(misspelled, "unknown_field", "_base");
  const clash = await ann.push([{ ...record, name: "c", age: 7, _base: { name: "a", age: 1 } }]);
  expect(expectRefusal(clash, "conflict").server).toMatchObject({ name: "b" });
  expect(await row(world)).toEqual({ name: "b", department: "elsewhere", age: 1 });
  const same = await ann.push([{ ...record, name: "b", _base: { name: "a" } }], { return: "ids" });
  expect(same.body.results).toMatchObject([{ action: "unchanged" }]);
  // The old value may be NULL, and numbers count digit for digit.
  const nulls = await ann.push([{ ...record, code: "k", _base: { code: null } }]);
  expect(nulls.body.status).toBe("success");
  const digits = await ann.push([
    { _model: "app.Customer", id: 1, credit: 2, _version: "1", _base: { credit: "1.10" } },
  ]);
  expectRefusal(digits, "conflict");
  for (const _base of [{ age: "x" }, { age: [] }]) {
    expectRefusal(await ann.push([{ ...record, age: 9, _version: "1", _base }]), "invalid_value");
  }
  for (const text of ['"\\u0000"', '{"x":"\\ud800"}']) {
    const body =
      `{"data":[{"_model":"app.Customer","id":1,"age":5,"_version":"1","_base":{"age":${text}}}]}`;
    expectRefusal(await ann.post("/api/sync/push/", body), "invalid_value", "_base");
  }
  expect((await row(world)).age).toBe(1);
});

eachApi("two pushes of the same version at once leave one of them", async (world) => {
  await pulledCustomer(world, "reject");
  const ann = await world.as("ann");
  for (let round = 0; round < 5; round++) {
    const [{ version }] = await world.db.query<Json>(
      "SELECT xmin::text AS version FROM app.customer WHERE id = 1",
    );
    const answers = await Promise.all(["x", "y", "z"].map((name) =>
      ann.push([{
        _model: "app.Customer",
        id: 1,
        name: `${name}${round}`,
        _version: version,
      }])
    ));
    const codes = answers.map(({ body }) => body.errors?.[0].code ?? body.status).sort();
    expect(codes).toEqual(["conflict", "conflict", "success"]);
  }
});

eachApi("concurrent pushes of crossing rows all end, and none is lost", async (world) => {
  const ann = await world.as("ann");
  const ids = [1, 2, 3, 4, 5, 6];
  const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => {
    const order = i % 2 === 0 ? ids : ids.toReversed();
    return ann.push(order.map((id) => ({ _model: "app.Customer", id, name: `w${i}`, age: i })));
  }));
  expect(answers.map(({ body }) => [body.status, body.success_count]))
    .toEqual(answers.map(() => ["success", 6]));
  const rows = await world.db.query<Json>(
    "SELECT name, age FROM app.customer WHERE organization_id = 1",
  );
  expect(rows.every(({ name, age }) => name === `w${age}`)).toBe(true);
  expect(rows.length).toBe(6);
});
