import { expect } from "expect";
import { eachApi, type Json } from "./api_support.ts";

eachApi(
  "push gives new records keys and maps client ids to them, references included",
  async (world) => {
    const ann = await world.as("ann");
    const answer = await ann.push([
      { _model: "app.Visit", customer_id: { $ref: "c1" }, note: "first" },
      { _model: "app.Customer", name: "new", _client_id: "c1", data: { a: { $ref: "c1" } } },
      { _model: "app.Node", label: "leaf", parent_id: { $ref: "mid" }, _client_id: "leaf" },
      { _model: "app.Node", label: "mid", parent_id: { $ref: "top" }, _client_id: "mid" },
      { _model: "app.Node", label: "top", parent_id: null, _client_id: "top" },
      {
        _model: "app.Node",
        label: "tricky",
        data: { $ref: "top" },
        parent_id: { $ref: "top" },
        _client_id: "t",
      },
      { _model: "app.Customer", name: '{"$ref":"c1"}', code: "k", _client_id: "__proto__" },
      { _model: "app.Visit", customer_id: { $ref: "__proto__" } },
    ]);
    expect(answer.body.errors).toBe(undefined);
    expect(answer.body.results.length).toBe(8);
    const [visit, customer, leaf, mid, top, tricky, proto, protoVisit] = answer.body.results.map((
      { id }: Json,
    ) => id);
    expect(answer.body.results.map(({ client_id }: Json) => client_id)).toEqual(
      [undefined, "c1", "leaf", "mid", "top", "t", "__proto__", undefined],
    );
    expect(answer.body.results.every(({ version }: Json) => /^\d+$/.test(version))).toBe(true);
    expect(
      await world.db.query("SELECT customer_id FROM app.visit WHERE id IN ($1, $2) ORDER BY id", [
        visit,
        protoVisit,
      ]),
    ).toEqual([{ customer_id: customer }, { customer_id: proto }]);
    const nodes = await world.db.query<Json>(
      "SELECT id, parent_id, data FROM app.node WHERE organization_id = 1",
    );
    const parent = Object.fromEntries(nodes.map(({ id, parent_id }) => [id, parent_id]));
    expect([parent[leaf], parent[mid], parent[top], parent[tricky]]).toEqual([mid, top, null, top]);
    expect(nodes.find(({ id }) => id === tricky).data).toEqual({ $ref: "top" });
    expect(
      (await world.db.query<Json>("SELECT data FROM app.customer WHERE id = $1", [customer]))[0],
    )
      .toEqual({ data: { a: { $ref: "c1" } } });

    const before = await world.state();
    const cycle = await ann.push([
      { _model: "app.Node", label: "a", parent_id: { $ref: "b" }, _client_id: "a" },
      { _model: "app.Node", label: "b", parent_id: { $ref: "a" }, _client_id: "b" },
    ]);
    // Two new rows that refer to each other satisfy the constraint in one statement.
    expect(cycle.body.status).toBe("success");
    const twice = await ann.push([
      { _model: "app.Customer", name: "a", _client_id: "x" },
      { _model: "app.Customer", name: "b", _client_id: "x" },
      { _model: "app.Visit", customer_id: { $ref: "gone" } },
      { _model: "app.Customer", name: null, _client_id: "refused" },
      { _model: "app.Visit", customer_id: { $ref: "refused" } },
      // A reference to a record of another model would take that one's key for this one's.
      { _model: "app.Visit", customer_id: { $ref: "n" } },
      { _model: "app.Meter", x: 1, _client_id: "n" },
    ]);
    expect(
      twice.body.errors.map(({ index, code, field, retry }: Json) => [index, code, field, retry]),
    )
      .toEqual([
        [1, "invalid_value", "_client_id", false],
        [2, "missing_reference", "customer_id", true],
        [3, "required", "name", false],
        [4, "missing_reference", "customer_id", true],
        [5, "invalid_value", "customer_id", false],
      ]);
    expect(twice.body.success_count).toBe(2);
    expect(await world.state("organization_id = 2")).not.toBe(before);
  },
);

eachApi(
  "push draws keys of identities that are always generated, and accepts them for updates",
  async (world) => {
    const ann = await world.as("ann");
    const created = await ann.push([{ _model: "app.Meter", x: 4 }, { _model: "app.Meter", x: 5 }]);
    expect(created.body.results).toMatchObject([{ id: 1, action: "created" }, { id: 2 }]);
    const updated = await ann.push([{ _model: "app.Meter", id: 1, x: 40 }]);
    expect(updated.body.processed_models).toEqual({ "app.Meter": { created: 0, updated: 1 } });
    expect(await world.db.query("SELECT id, x, twice FROM app.meter ORDER BY id"))
      .toEqual([{ id: 1, x: 40, twice: 80 }, { id: 2, x: 5, twice: 10 }]);
    // A key that a client chose may be the sequence's next: the next record takes another.
    await ann.push([{ _model: "app.Meter", id: 3, x: 1 }, { _model: "app.Meter", id: 4, x: 1 }]);
    const after = await ann.push([{ _model: "app.Meter", x: 6 }]);
    expect(after.body.results).toMatchObject([{ id: 5, action: "created" }]);
  },
);

eachApi(
  "a row filter holds for new records whose key the server draws, alone and together",
  async (world) => {
    const ben = await world.as("ben");
    const own = (name: string) => ({ _model: "app.Customer", name, owner: "ben" });
    const foreign = { _model: "app.Customer", name: "foreign", owner: "ann" };
    const versioned = { ...own("new"), _version: null };
    for (const returns of ["auto", "none", "ids", "records"]) {
      const pushed = (data: Json[]) => ben.push(data, { return: returns });
      for (const data of [[own("one")], [own("one"), own("two")], [versioned]]) {
        const { status, body } = await pushed(data);
        expect([returns, status, body.success_count, body.errors])
          .toEqual([returns, 200, data.length, undefined]);
      }
      const alone = await pushed([foreign]);
      expect([alone.status, alone.body.errors[0].code]).toEqual([422, "out_of_scope"]);
      const mixed = await pushed([own("one"), foreign]);
      expect([mixed.body.success_count, mixed.body.errors]).toEqual([
        1,
        [expect.objectContaining({ index: 1, code: "out_of_scope" })],
      ]);
    }
    expect(await world.count("app.customer", "name = 'foreign'")).toBe(0);
  },
);
