import { expect } from "expect";
import { adminScope, type Principal } from "../lib/access/mod.ts";
import {
  countRecords,
  createRecord,
  deleteRecord,
  findReferenced,
  listRecords,
  readRecord,
  recordCsv,
  type RecordQuery,
  recordReach,
  referencedRows,
  referencesOf,
} from "../lib/sync/mod.ts";
import { everything, names, open, refusal } from "./records_support.ts";
import { openDemoApp, visitor } from "./pages_support.ts";
import { eachDatabase } from "./support/databases.ts";

eachDatabase(
  "records of another organization are neither listed, found, counted nor exported",
  async ({ db }) => {
    const world = await open(db);
    const { model, one, two, both } = world;
    const customer = model("shop.customer");
    expect(await names(world, one)).toEqual(["Cat", "Ben", "Ann"]);
    expect(await names(world, two)).toEqual(["Yan", "Zoe"]);
    expect(await names(world, both)).toEqual(["Yan", "Zoe", "Cat", "Ben", "Ann"]);
    expect(await names(world, one, { q: "secret" })).toEqual([]);
    expect(await names(world, one, { q: "4" })).toEqual([]);
    const counts = await countRecords(
      db,
      [customer, model("shop.bill"), model("shop.country")],
      one,
    );
    expect([...counts.values()].map(({ count }) => count)).toEqual([3, 1, 2]);
    let csv = "";
    for await (const piece of recordCsv(db, customer, one, everything)) csv += piece;
    expect(csv).not.toContain("Zoe");
    expect(csv.trimEnd().split("\r\n").length).toBe(4);
    expect(await readRecord(db, customer, one, ["4"])).toBe(undefined);
    expect((await readRecord(db, customer, two, ["4"]))?.label).toBe("Zoe");
    expect((await readRecord(db, model("shop.bill"), one, ["1"]))?.organizationId).toBe(1);
    expect(await readRecord(db, model("shop.bill"), one, ["2"])).toBe(undefined);
    const [friend] = referencesOf(customer, world.catalog).filter(({ column }) =>
      column === "friend_id"
    );
    expect((await findReferenced(db, friend, one, "")).map(({ label }) => label)).toEqual([
      "Ann",
      "Ben",
      "Cat",
    ]);
    expect(await referencedRows(db, friend, one, ["1", "4"])).toEqual([
      { value: "1", label: "Ann", key: ["1"] },
    ]);
  },
);

eachDatabase("shared models are for those who administer everything", async ({ db }) => {
  const world = await open(db);
  const ada = await adminScope(db, { userId: 2, username: "ada" } as Principal);
  const own = recordReach(ada, [1]);
  expect(() => recordReach(ada, [2])).toThrow("There is no organization 2.");
  const country = world.model("shop.country");
  expect((await listRecords(db, country, own, everything, [], {}, { limit: 9 })).rows).toEqual([]);
  expect(await readRecord(db, country, own, ["de"])).toBe(undefined);
  const write = world.write("shop.country", own);
  expect(
    (await refusal(createRecord(write, null, new Map([["code", '"fr"'], ["name", '"F"']])))).code,
  )
    .toBe("permission_denied");
  expect(
    await createRecord(
      world.write("shop.country", world.one),
      null,
      new Map([["code", '"fr"'], ["name", '"F"']]),
    ),
  )
    .toEqual(["fr"]);
});

eachDatabase("listRecords() pages both ways over nulls and ties, in every order", async (test) => {
  const world = await open(test.db);
  const customer = world.model("shop.customer");
  for (const sort of [null, "nick", "credit", "name", "seen", "id"]) {
    for (const descending of [true, false]) {
      const query = { ...everything, sort, descending };
      const all =
        (await listRecords(test.db, customer, world.both, query, [], {}, { limit: 9 })).rows;
      const forth: unknown[] = [];
      const back: unknown[] = [];
      let place: { after?: string; before?: string } | undefined = {};
      while (place) {
        const page = await listRecords(test.db, customer, world.both, query, [], place, {
          limit: 2,
        });
        forth.push(...page.rows);
        if (!page.next) {
          let previous = page.previous;
          back.unshift(...page.rows);
          while (previous) {
            const earlier = await listRecords(test.db, customer, world.both, query, [], {
              before: previous,
            }, {
              limit: 2,
            });
            back.unshift(...earlier.rows);
            previous = earlier.previous;
          }
        }
        place = page.next ? { after: page.next } : undefined;
      }
      expect([sort, descending, forth]).toEqual([sort, descending, all]);
      expect([sort, descending, back]).toEqual([sort, descending, all]);
    }
  }
  expect(
    (await refusal(listRecords(test.db, customer, world.one, everything, [], { after: '["x"]' }, {
      limit: 1,
    }))).code,
  ).toBe("invalid_value");
});

eachDatabase(
  "listRecords() filters by value, range and emptiness, and searches texts",
  async ({ db }) => {
    const world = await open(db);
    const found = (conditions: RecordQuery["conditions"], q?: string) =>
      names(world, world.one, { conditions, q });
    expect(await found([{ column: "credit", test: "from", value: "1" }])).toEqual(["Cat", "Ann"]);
    expect(await found([{ column: "credit", test: "to", value: "1" }])).toEqual(["Cat", "Ben"]);
    expect(await found([{ column: "nick", test: "empty", value: "" }])).toEqual(["Ben"]);
    expect(await found([{ column: "seen", test: "to", value: "2024-01-31" }])).toEqual(["Ann"]);
    expect(await found([{ column: "seen", test: "from", value: "2024-02-01" }])).toEqual([]);
    expect(await found([{ column: "id", test: "is", value: "2" }])).toEqual(["Ben"]);
    expect(await found([], "NNI")).toEqual(["Ann"]);
    expect(await found([], "%")).toEqual([]);
    expect((await refusal(found([{ column: "state", test: "is", value: "lost" }]))).code).toBe(
      "invalid_value",
    );
  },
);

eachDatabase(
  "recordCsv() gives every row once, with every digit, and no formulas",
  async ({ db }) => {
    const world = await open(db);
    await db.script(`
    INSERT INTO shop.customer (organization_id, name, nick, credit)
    SELECT 1, 'n' || i, '=1+1', -i FROM generate_series(1, 5000) i`);
    let csv = "";
    for await (const piece of recordCsv(db, world.model("shop.customer"), world.one, everything)) {
      expect(piece.length).toBeLessThan(4_000_000);
      csv += piece;
    }
    const lines = csv.trimEnd().split("\r\n");
    expect(lines.length).toBe(5004 + countLines(lines));
    expect(new Set(lines.map((line) => line.split(",")[0])).size).toBeGreaterThan(5000);
    expect(csv).toContain(",12345678901234567890.25,");
    expect(csv).toContain(",-5000.00,");
    expect(csv).toContain(",'=1+1,");
    expect(csv).not.toContain(",=1+1,");
  },
);

eachDatabase(
  "records with a key of several columns are read, listed and deleted",
  async ({ db }) => {
    const world = await open(db);
    const write = world.write("shop.visit", world.one);
    const key = ["1", "2024-01-02"];
    expect((await readRecord(db, write.model, world.one, key))!.key).toEqual(key);
    expect(await readRecord(db, write.model, world.one, ["1"])).toBe(undefined);
    expect(await readRecord(db, write.model, world.one, ["1", "no day"])).toBe(undefined);
    const { version } = (await readRecord(db, write.model, world.one, key))!;
    expect(await deleteRecord(write, key, version)).toBe(true);
    const page = await listRecords(db, write.model, world.both, everything, [], {}, { limit: 9 });
    expect(page.rows.map((row) => row.key)).toEqual([["4", "2024-01-01"], ["1", "2024-01-01"]]);
  },
);

Deno.test("an administrator of one organization meets only its records at every address", async () => {
  await using app = await openDemoApp();
  await app.db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
    SELECT u.id, o.id, g.id
    FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
    WHERE (u.username, o.slug, g.name) = ('john_manager', 'acme-corp', 'Administrators')`,
  );
  const firstOf = async (slug: string) =>
    (await app.db.query<{ id: number; organization_id: number; email: string; version: string }>(
      `SELECT c.*, c.xmin::text AS version FROM myapp.customer c
      JOIN lockstep.organization o ON o.id = c.organization_id WHERE o.slug = $1
      ORDER BY c.id LIMIT 1`,
      [slug],
    ))[0];
  const [own, other] = [await firstOf("acme-corp"), await firstOf("global-retail")];
  const john = visitor(app);
  await john.signIn("john_manager");
  const base = "/admin/records/myapp/Customer/";
  const statusOf = async (answer: Promise<Response>) => {
    const { status, body } = await answer;
    await body?.cancel();
    return status;
  };
  for (const page of ["change", "delete", "history"]) {
    expect([page, await statusOf(john.get(`${base}${own.id}/${page}/`))]).toEqual([page, 200]);
    for (
      const path of [
        `${base}${other.id}/${page}/`,
        `${base}${other.id}/${page}`,
        `${base}x/${page}/`,
      ]
    ) {
      expect([path, await statusOf(john.get(path))]).toEqual([path, 404]);
    }
    const form = { version: other.version, base: '{"city":"x"}', "v.city": "Stolen", revert: "1" };
    expect([page, await statusOf(john.post(`${base}${other.id}/${page}/`, form))]).toEqual([
      page,
      404,
    ]);
  }
  expect(await firstOf("global-retail")).toEqual(other);
  expect(await statusOf(john.get(`${base}?organization=global-retail`))).toBe(403);
  const csv = await (await john.get(`${base}export/`)).text();
  expect(csv).toContain(own.email);
  expect(csv).not.toContain(other.email);
  const options = `/admin/records/myapp/Order/options/?column=customer_id&q=`;
  expect(await statusOf(john.get(`${options}&for=${own.organization_id}`))).toBe(200);
  expect(await statusOf(john.get(`${options}&for=${other.organization_id}`))).toBe(404);
  const crossSite = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
  expect(await statusOf(john.post(`${base}${own.id}/delete/`, { version: own.version }, crossSite)))
    .toBe(403);
  expect(await firstOf("acme-corp")).toEqual(own);
});

/** Lines that are the inside of a quoted value: the notes are indented JSON. */
function countLines(lines: string[]): number {
  return lines.filter((line) => /^ {4}|^}/.test(line)).length;
}
