import { createHash } from "node:crypto";
import { expect } from "expect";
import {
  type ApiWorld,
  type Client,
  eachApi,
  expectProblem,
  expectRefusal,
  type Json,
  secret,
} from "./api_support.ts";

const model = "app.Customer";

/** What a client holds of one model, kept as the documentation of the API says. */
class Copy {
  readonly rows = new Map<string, Json>();
  position: string | null = null;
  /** Records and removals that the last `sync` received. */
  received = 0;

  constructor(readonly client: Client, readonly name = model) {}

  async sync(more: Json = {}): Promise<Json> {
    this.received = 0;
    for (let pages = 0; pages < 200; pages++) {
      const { status, body } = await this.client.pull({ [this.name]: this.position }, more);
      expect([status, body.code]).toEqual([200, undefined]);
      const metadata = body.metadata[this.name];
      if (metadata.reset) this.rows.clear();
      for (const row of body.data) this.rows.set(JSON.stringify(row.id), row);
      for (const key of body.deleted[this.name] ?? []) this.rows.delete(JSON.stringify(key));
      this.received += body.data.length + (body.deleted[this.name]?.length ?? 0);
      this.position = metadata.cursor;
      expect(metadata.count).toBe(body.data.length);
      if (body.complete) return body;
    }
    throw new Error("The pull does not come to an end");
  }

  get ids(): number[] {
    return [...this.rows.values()].map(({ id }) => id).sort((a, b) => a - b);
  }
}

const customers = (ids: number[], more: Json = {}) =>
  ids.map((id) => ({ _model: model, id, name: `n${id}`, ...more }));
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

eachApi(
  "a pull sees the own organization and scope alone, and a push writes there alone",
  async (world) => {
    const [ann, ben, cat, dan] = await Promise.all(
      ["ann", "ben", "cat", "dan"].map((user) => world.as(user)),
    );
    await ann.push([
      ...customers([1, 2, 3], { owner: "ben" }),
      ...customers([4, 5], { owner: "x" }),
    ]);
    const copies = {
      ann: new Copy(ann),
      ben: new Copy(ben),
      cat: new Copy(cat),
      dan: new Copy(dan),
    };
    for (const copy of Object.values(copies)) await copy.sync({ batch_size: 2 });
    expect([copies.ann.ids, copies.ben.ids, copies.dan.ids])
      .toEqual([[1, 2, 3, 4, 5], [1, 2, 3], [1, 2, 3, 4, 5]]);
    expect(copies.cat.ids).toEqual(range(1001, 1020));

    // Readers may not push, and nobody pushes past the filter.
    expectRefusal(await dan.push(customers([1], { age: 3 })), "permission_denied");
    expectRefusal(await ben.push(customers([4], { age: 3 })), "out_of_scope");
    expectRefusal(await ben.push(customers([9], { owner: "x" })), "out_of_scope");
    expectRefusal(await ben.push(customers([9])), "out_of_scope");
    expectRefusal(await ben.push(customers([1], { owner: "x" })), "out_of_scope");
    expectRefusal(await ben.push([{ _model: model, id: 1, owner: null }]), "out_of_scope");
    expectRefusal(await ben.push([{ _model: model, id: 4, _op: "delete" }]), "not_found");
    expectRefusal(
      await ben.push([{ _model: "app.Visit", customer_id: 10001 }]),
      "permission_denied",
    );
    expect((await ben.push(customers([6], { owner: "ben" }))).body.status).toBe("success");
    await copies.ann.sync();
    expect(copies.ann.ids).toEqual([1, 2, 3, 4, 5, 6]);
    expect(copies.ann.rows.get("1")).toMatchObject({ age: null, owner: "ben" });
  },
);

eachApi(
  "rows that leave a scope are removed for those who saw them, and for nobody else",
  async (world) => {
    const [ann, ben] = [await world.as("ann"), await world.as("ben")];
    await ann.push([
      ...customers([1, 2, 3], { owner: "ben" }),
      ...customers([4, 5], { owner: "x" }),
    ]);
    const [all, own] = [new Copy(ann), new Copy(ben)];
    await all.sync();
    await own.sync();
    await ann.push([
      { _model: model, id: 1, owner: "x" },
      { _model: model, id: 4, owner: "ben" },
      { _model: model, id: 2, _op: "delete" },
      { _model: model, id: 5, _op: "delete" },
      ...customers([7], { owner: "x" }),
      { _model: model, id: 7, _op: "delete" },
    ]);
    const answer = await own.sync();
    expect(answer.deleted[model].toSorted()).toEqual([1, 2]);
    expect(answer.data.map(({ id }: Json) => id)).toEqual([4]);
    await all.sync();
    expect([all.ids, own.ids]).toEqual([[1, 3, 4], [3, 4]]);
    // A row that goes to another organization is gone here, and comes there with its contents.
    const theirs = new Copy(await world.as("cat"));
    await theirs.sync();
    await world.db.query("UPDATE app.customer SET organization_id = 2 WHERE id = 3");
    await theirs.sync();
    await own.sync();
    expect([own.ids, theirs.received, theirs.rows.get("3")?.name]).toEqual([[4], 1, "n3"]);
  },
);

eachApi("a changed scope sends the difference, not everything", async (world) => {
  const ben = await world.as("ben");
  const ann = await world.as("ann");
  await ann.push(customers(range(1, 300), { owner: "ben" }));
  await ann.push(customers(range(301, 310), { owner: "ben", department: "x" }));
  await ann.push(customers(range(401, 405), { owner: "other" }));
  const copy = new Copy(ben);
  await copy.sync();
  expect(copy.received).toBe(310);
  const filters = (...conditions: [field: string, operator: string, value: Json][]) =>
    conditions.map(([field, operator, value]) => ({ field, operator, value }));

  await world.grant("Own", model, { pull: true, push: true });
  expect((await copy.sync()).metadata[model]).not.toHaveProperty("reset");
  expect([copy.received, copy.ids.length]).toEqual([5, 315]);

  await world.grant("Own", model, { pull: true, filters: filters(["department", "exact", "x"]) });
  await copy.sync();
  expect([copy.received, copy.ids]).toEqual([305, range(301, 310)]);

  // Back again, in pages: what the client kept is not sent.
  await world.grant("Own", model, { pull: true });
  await copy.sync({ batch_size: 50 });
  expect([copy.received, copy.ids.length]).toEqual([305, 315]);

  await world.grant("Own", model, {});
  expectProblem(await ben.pull({ [model]: copy.position }), 403, "permission_denied");
});

eachApi(
  "models come parents first, in pages, with the columns and the checksum asked for",
  async (world) => {
    const ann = await world.as("ann");
    await ann.push([
      ...customers(range(1, 12), { credit: 1.5 }),
      ...range(1, 30).map((id) => ({ _model: "app.Visit", id, customer_id: 1 + id % 12 })),
      ...range(1, 3).map((a) => ({ _model: "app.Pair", a, b: "é" })),
    ]);
    const first = await ann.pull({ "app.Visit": null, "app.Pair": null, [model]: null }, {
      batch_size: 10,
    });
    expect(first.body.complete).toBe(false);
    const names = first.body.data.map(({ _model }: Json) => _model);
    expect(names.indexOf("app.Visit")).toBeGreaterThan(names.lastIndexOf(model));
    expect(first.body.metadata[model]).toMatchObject({ count: 10, has_more: true });
    expect(first.body.metadata["app.Pair"]).toMatchObject({ count: 3, has_more: false });
    expect(first.body.batch_info).toEqual({ batch_size: 10, total_records: 23 });

    const narrow = await ann.pull({ [model]: null, "app.Visit": null }, {
      fields: { [model]: ["name"] },
      batch_size: 100,
    });
    const of = (name: string) => narrow.body.data.filter(({ _model }: Json) => _model === name);
    expect(Object.keys(of(model)[0])).toEqual(["_model", "id", "name", "_version"]);
    expect(Object.keys(of("app.Visit")[0])).toContain("customer_id");

    const checked = await ann.pull({ [model]: null, "app.Pair": null }, {
      checksum: true,
      batch_size: 1000,
    });
    const expected = (name: string, key: (row: Json) => string) => {
      const rows = checked.body.data.filter(({ _model }: Json) => _model === name);
      const sum = rows.reduce((sum: bigint, row: Json) => {
        const hash = createHash("md5").update(`${key(row)}:${row._version}`).digest("hex");
        return BigInt.asUintN(64, sum + BigInt(`0x${hash.slice(0, 16)}`));
      }, 0n);
      return { count: rows.length, hash: sum.toString(16).padStart(16, "0") };
    };
    expect(checked.body.metadata[model].checksum).toEqual(expected(model, ({ id }) => `${id}`));
    expect(checked.body.metadata["app.Pair"].checksum).toEqual(
      expected(
        "app.Pair",
        ({ organization_id, a, b }) =>
          `{"organization_id" : ${organization_id}, "a" : ${a}, "b" : ${JSON.stringify(b)}}`,
      ),
    );
    // Composite keys are removed as objects.
    const position = checked.body.metadata["app.Pair"].cursor;
    await ann.push([{ _model: "app.Pair", a: 2, b: "é", _op: "delete" }]);
    const gone = await ann.pull({ "app.Pair": position });
    expect(gone.body.deleted).toEqual({ "app.Pair": [{ organization_id: 1, a: 2, b: "é" }] });
  },
);

async function lines(client: Client, models: Json, take = Infinity): Promise<Json[]> {
  const answer = await client.pull(models, {}, { Accept: "application/x-ndjson" });
  expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson");
  return answer.text.trimEnd().split("\n").slice(0, take).map((line) => JSON.parse(line));
}

eachApi(
  "an NDJSON pull has totals, cursors and an end, and goes on where it was cut",
  async (world: ApiWorld) => {
    const ann = await world.as("ann");
    await world.db.query(
      `INSERT INTO app.customer (id, organization_id, name)
     SELECT 10000 + i, 1, 'bulk ' || i FROM generate_series(1, 12000) i`,
    );
    await ann.push([{ _model: "app.Visit", customer_id: 10001 }]);
    const all = await lines(ann, { "app.Visit": null, [model]: null });
    expect(all[0]).toEqual({ _total: { [model]: 12_000, "app.Visit": 1 } });
    expect(all.at(-1)).toMatchObject({
      complete: true,
      metadata: { [model]: { has_more: false } },
    });
    expect(Object.keys(all.at(-1))).toEqual(["metadata", "complete", "as_of"]);
    const rows = all.filter(({ _model }) => _model === model);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(12_000);
    const cursorsAt = all.flatMap((line, i) => line._cursor?.[model] ? [i] : []);
    expect(cursorsAt.length).toBeGreaterThan(2);
    cursorsAt.reduce((before, at) => {
      const between = all.slice(before, at).filter(({ _model }) => _model === model);
      expect(between.length).toBeLessThanOrEqual(5000);
      return at;
    }, 0);

    // Cut in the middle: the last cursor line is where a client goes on.
    const cut = all.slice(0, cursorsAt[1] + 700);
    const { _cursor } = cut.findLast((line) => line._cursor?.[model])!;
    const rest = await lines(ann, { [model]: _cursor[model] });
    const ids = new Set(
      [...cut, ...rest].filter(({ _model }) => _model === model).map(({ id }) => id),
    );
    expect(ids.size).toBe(12_000);
    expect(rest.filter(({ _model }) => _model === model).length).toBeLessThan(7001);

    await world.db.query("DELETE FROM app.customer WHERE id = 10005");
    const later = await lines(ann, { [model]: all.at(-1).metadata[model].cursor });
    expect(later.find((line) => line._deleted)).toEqual({ _deleted: { [model]: [10005] } });

    // Whoever starts over learns it before the first record, on however many pages they come.
    await world.db.script(`TRUNCATE app.customer CASCADE;
      INSERT INTO app.customer (id, organization_id, name)
      SELECT i, 1, 'new ' || i FROM generate_series(1, 11000) i`);
    const again = await lines(ann, {
      "app.Nope": null,
      [model]: all.at(-1).metadata[model].cursor,
    });
    const resets = again.flatMap((line, i) => line._reset ? [i] : []);
    expect(resets).toEqual([again.findIndex(({ _model }) => _model === model) - 1]);
    expect(again.at(-1).metadata).toMatchObject({
      [model]: { count: 11_000, reset: true },
      "app.Nope": { error: { code: "unknown_model" } },
    });

    const partial = await lines(ann, { "app.Nope": null, "app.Visit": null });
    expect(partial.at(-1).metadata["app.Nope"].error.code).toBe("unknown_model");
    const refused = await ann.pull({ "app.Nope": null }, {}, { Accept: "application/x-ndjson" });
    expectProblem(refused, 404, "unknown_model");
  },
);

eachApi("pulls are compressed for clients that take gzip", async (world) => {
  const ann = await world.as("ann");
  await ann.push(customers(range(1, 200)));
  const plain = await ann.pull({ [model]: null }, { batch_size: 200 });
  for (const accept of ["application/json", "application/x-ndjson"]) {
    const response = await world.app.fetch("/api/sync/pull/", {
      method: "POST",
      headers: { ...ann.headers, "Accept-Encoding": "br;q=1.0, gzip;q=0.8", Accept: accept },
      body: JSON.stringify({ models: { [model]: null }, batch_size: 200 }),
    });
    expect(response.headers.get("Content-Encoding")).toBe("gzip");
    expect(response.headers.get("Vary")).toContain("Accept-Encoding");
    const bytes = await response.bytes();
    expect(bytes.length).toBeLessThan(plain.text.length / 4);
    const text = await new Response(
      new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")),
    ).text();
    expect(text.match(/"_model":"app.Customer"/g)!.length).toBe(200);
  }
  for (const accept of ["identity", "gzip;q=0", "br"]) {
    const { headers } = await ann.pull({ [model]: null }, {}, { "Accept-Encoding": accept });
    expect(headers.get("Content-Encoding")).toBe(null);
  }
}, "fetch() unpacks what comes over a socket");

eachApi("feeding back last_sync goes on exactly where the cursor would", async (world) => {
  const ann = await world.as("ann", { "X-Device": "seed" });
  await ann.push(customers(range(1, 25)));
  const seen: number[] = [];
  let position: string | null = null;
  for (let more = true; more;) {
    const { body }: Json = await ann.pull({ [model]: position }, { batch_size: 10 });
    expect(body.metadata[model]).not.toHaveProperty("reset");
    seen.push(...body.data.map(({ id }: Json) => id));
    ({ last_sync: position, has_more: more } = body.metadata[model]);
  }
  expect(seen).toEqual(range(1, 25));
  await ann.push(customers([3], { age: 1 }));
  const next = await ann.pull({ [model]: position });
  expect(next.body.data.map(({ id }: Json) => id)).toEqual([3]);
  expect(next.text).not.toContain(secret);
});

eachApi("answers keep the spelling that the client asked for", async (world) => {
  const ann = await world.as("ann");
  await ann.push(customers(range(1, 25)));
  const name = "APP.cusTomer";
  const copy = new Copy(ann, name);
  for (const size of [10, 10]) {
    copy.position = null;
    const { metadata } = await copy.sync({ batch_size: size });
    expect(Object.keys(metadata)).toEqual([name]);
    expect(new Set([...copy.rows.values()].map(({ _model }) => _model))).toEqual(new Set([name]));
  }
  await ann.push([...customers([3], { age: 1 }), { _model: model, id: 4, _op: "delete" }]);
  const { data, deleted } = await copy.sync();
  expect([data[0]._model, deleted]).toEqual([name, { [name]: [4] }]);

  const [header, ...rest] = await lines(ann, { [name]: null });
  expect(header).toEqual({ _total: { [name]: 24 } });
  expect([rest[0]._model, rest.at(-2)]).toEqual([name, { _cursor: { [name]: expect.anything() } }]);
  await world.db.query("UPDATE lockstep.tracked_model SET generation = gen_random_uuid()");
  const [, reset] = await lines(ann, { [name]: copy.position });
  expect(reset).toEqual({ _reset: [name] });

  const twice = await ann.pull({ [name]: null, [model]: null });
  expectProblem(twice, 400, "invalid_value", `models.${model}`);
});

eachApi(
  "columns are chosen for asked models alone, however their names are spelled",
  async (world) => {
    const ann = await world.as("ann");
    await ann.push(customers([1]));
    const pull = (fields: Json, models: Json = { [model]: null }) => ann.pull(models, { fields });
    for (const name of [model, "APP.customer", "app.CUSTOMER"]) {
      const { body } = await pull({ [name]: ["name"] });
      expect(Object.keys(body.data[0])).toEqual(["_model", "id", "name", "_version"]);
    }
    for (const name of ["app.Visit", "app.Nothing"]) {
      expectProblem(await pull({ [name]: ["name"] }), 400, "invalid_value", `fields.${name}`);
    }
    const again = await pull({ [model]: ["name"], "app.CUSTOMER": ["age"] });
    expectProblem(again, 400, "invalid_value", "fields.app.CUSTOMER");
    expectProblem(await pull({ [model]: ["Name"] }), 400, "unknown_field", `fields.${model}`);
    // A model that can't be pulled has its error in the metadata, also in a stream of several pages.
    await world.db.query(
      `INSERT INTO app.customer (id, organization_id, name)
     SELECT i, 1, 'n' FROM generate_series(10001, 16000) i`,
    );
    const { text } = await ann.pull(
      { [model]: null, "app.NoKey": null },
      { fields: { [model]: ["name"], "app.NoKey": ["a"] } },
      { Accept: "application/x-ndjson" },
    );
    expect(JSON.parse(text.trimEnd().split("\n").at(-1)!)).toMatchObject({
      complete: true,
      metadata: { [model]: { count: 6001 }, "app.NoKey": { error: { code: "not_syncable" } } },
    });

    for (
      const [query, code, field] of [
        ["numbers=zzz", "invalid_value", "numbers"],
        ["number=strings", "unknown_field", "number"],
      ]
    ) {
      const answer = await ann.post(`/api/sync/pull/?${query}`, { models: { [model]: null } });
      expectProblem(answer, 400, code, field);
    }
  },
);
