import { expect } from "expect";
import { eachApi, expectRefusal, type Json } from "./api_support.ts";

eachApi("push writes shared models only where they are marked writable", async (world) => {
  const ann = await world.as("ann");
  const answer = await ann.push([
    { _model: "app.Currency", code: "EUR", name: "Euro" },
    { _model: "app.Country", code: "SE", name: "Sverige" },
    { _model: "app.Country", code: "SE", _op: "delete" },
  ]);
  expect(answer.body.errors.map(({ code }: Json) => code)).toEqual([
    "permission_denied",
    "permission_denied",
  ]);
  expect(await world.db.query("SELECT name FROM app.country WHERE code = 'SE'"))
    .toEqual([{ name: "Sweden" }]);
  expect(await world.count("app.currency")).toBe(1);
});

eachApi("push writes partitioned tables, across partitions and with versions", async (world) => {
  const ann = await world.as("ann");
  const sale = (id: number, region: string, amount: number, more = {}) => ({
    _model: "app.RegionSale",
    id,
    region,
    amount,
    ...more,
  });
  for (const returns of ["none", "ids", "records"]) {
    await world.db.query("DELETE FROM app.region_sale");
    const created = await ann.push([sale(1, "north", 1), sale(2, "south", 2)], { return: returns });
    expect(created.body).toMatchObject({
      status: "success",
      processed_models: { "app.RegionSale": { created: 2, updated: 0 } },
    });
    const updated = await ann.push(
      [sale(1, "north", 5), sale(2, "south", 2), sale(3, "south", 9)],
      { return: returns },
    );
    expect(updated.body).toMatchObject({
      status: "success",
      success_count: 3,
      processed_models: { "app.RegionSale": { created: 1, updated: 1 } },
    });
    if (returns !== "none") {
      expect(updated.body.results.map(({ action }: Json) => action))
        .toEqual(["updated", "unchanged", "created"]);
      const rows = await world.db.query<Json>(
        "SELECT xmin::text AS version FROM app.region_sale ORDER BY id",
      );
      expect(updated.body.results.map(({ version }: Json) => version))
        .toEqual(rows.map(({ version }) => version));
    }
    const bad = await ann.push([sale(4, "south", 1), sale(5, "nowhere", 1)], { return: returns });
    expect(bad.body).toMatchObject({ success_count: 1, error_count: 1 });
    const gone = await ann.push(
      [{ _model: "app.RegionSale", id: 1, region: "north", _op: "delete" }],
      { return: returns },
    );
    expect(gone.body.processed_models).toEqual({
      "app.RegionSale": { created: 0, updated: 0, deleted: 1 },
    });
  }
  await world.set("MODELS", "app.RegionSale", { conflict_policy: "reject" });
  const { body: { data } } = await ann.pull({ "app.RegionSale": null });
  const [first] = data;
  const ok = await ann.push([{ ...first, amount: 77 }]);
  expect(ok.body.status).toBe("success");
  const stale = await ann.push([{ ...first, amount: 78 }]);
  expect(expectRefusal(stale, "conflict").server).toMatchObject({ amount: 77 });
});

eachApi("push survives triggers that change, move or suppress rows", async (world) => {
  const ann = await world.as("ann");
  const row = (id: number, word: string, n = 0) => ({ _model: "app.Guarded", id, word, n });
  for (const returns of ["none", "ids"]) {
    await world.db.query("DELETE FROM app.guarded WHERE organization_id = 1");
    const created = await ann.push([row(1, "a"), row(2, "b")], { return: returns });
    expect(created.body).toMatchObject({ status: "success", success_count: 2 });
    expect(await world.db.query("SELECT word, touched FROM app.guarded WHERE id = 1"))
      .toEqual([{ word: "A", touched: true }]);
    const mixed = await ann.push(
      [row(1, "skip"), row(2, "c"), row(3, "skip"), row(4, "d"), row(5, "raise"), row(6, "e")],
      { return: returns },
    );
    expect(mixed.body.errors.map(({ index, code }: Json) => [index, code])).toEqual([
      [0, "check_violation"],
      [2, "check_violation"],
      [4, "check_violation"],
    ]);
    expect(mixed.body.success_count).toBe(3);
    expect(
      await world.db.query(
        "SELECT id, word FROM app.guarded WHERE organization_id = 1 ORDER BY id",
      ),
    ).toEqual([
      { id: 1, word: "A" },
      { id: 2, word: "C" },
      { id: 4, word: "D" },
      { id: 6, word: "E" },
    ]);
    const moved = await ann.push([row(11, "move"), row(12, "x")], { return: returns });
    expect(moved.body).toMatchObject({ status: "success", success_count: 2 });
    expect(await world.count("app.guarded", "id IN (1011, 12)")).toBe(2);
    if (returns === "ids") expect(moved.body.results.map(({ id }: Json) => id)).toEqual([1011, 12]);
  }
});

eachApi("a refusal names what the client can mend", async (world) => {
  await world.db.script(`
    CREATE TABLE app.shelf (
      id integer PRIMARY KEY, organization_id integer NOT NULL, sku text, words tsvector,
      UNIQUE (organization_id, sku));
    CREATE TABLE app.day (
      id integer, organization_id integer NOT NULL, at date, PRIMARY KEY (id, at))
      PARTITION BY RANGE (at);
    CREATE TABLE app.day_2026 PARTITION OF app.day FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`);
  for (const model of ["app.Shelf", "app.Day"]) {
    await world.grant("Staff", model, { push: true, pull: true });
  }
  const ann = await world.as("ann");
  const shelf = (more: Json) => ({ _model: "app.Shelf", ...more });
  await ann.push([shelf({ id: 1, sku: "a" })]);
  const { body } = await ann.push([
    shelf({ id: 2, sku: "a" }),
    shelf({ id: 3, words: "'" }),
    { _model: "app.Day", id: 1, at: "2031-01-01" },
    { _model: 5, id: 1 },
  ]);
  expect(body.errors).toMatchObject([
    { code: "duplicate", field: "sku", message: expect.stringContaining("the same sku.") },
    { code: "invalid_value", retry: false },
    { code: "check_violation", message: expect.stringContaining("partitions") },
    { code: "invalid_value", field: "_model" },
  ]);
});

eachApi("a trigger cannot carry a pushed row into another organization", async (world) => {
  const ann = await world.as("ann");
  const made = await ann.push([{ _model: "app.Customer", id: 7001, name: "stays" }]);
  expect(made.body.status).toBe("success");
  await world.db.script(`
    CREATE FUNCTION app.carry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.name LIKE 'two%' THEN NEW.organization_id := 2; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER carry BEFORE INSERT OR UPDATE ON app.customer
      FOR EACH ROW EXECUTE FUNCTION app.carry()`);
  const before = await world.state();
  for (const id of [{}, { id: 7001 }, { id: 7002 }]) {
    for (const returns of ["none", "ids"]) {
      const record = { _model: "app.Customer", ...id, name: "two" };
      const { body } = await ann.push([record], { return: returns });
      expect([id, body.errors?.[0].code]).toEqual([id, "out_of_scope"]);
    }
  }
  expect(await world.state()).toBe(before);
});
