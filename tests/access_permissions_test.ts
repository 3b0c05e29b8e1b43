import { expect } from "expect";
import * as access from "../lib/access/mod.ts";
import { defaultSettings } from "../lib/config/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import type { LockstepError } from "../lib/errors/mod.ts";
import type { Catalog, Column, Model, ModelName } from "../lib/models/mod.ts";
import { eachDatabase } from "./support/databases.ts";

const security = defaultSettings().SECURITY;

function model(name: string, columns: Record<string, string>): Model {
  return {
    name: name as ModelName,
    columns: Object.entries(columns).map(([name, baseType]) => ({
      name,
      type: baseType,
      baseType,
      kind: baseType.startsWith("_") ? "array" : "scalar",
    } as Column)),
    key: ["id"],
    foreignKeys: [] as Model["foreignKeys"],
  } as Model;
}

const customer = model("myapp.Customer", {
  id: "int4",
  department: "text",
  email: "text",
  owner_id: "int4",
  tags: "_text",
  joined: "timestamptz",
});
const report = model("myapp.Report", { id: "int4", kind: "text" });
const catalog: Catalog = {
  fingerprint: "",
  models: [customer, report],
  warnings: [],
  find: (name) => catalog.models.find((model) => model.name.toLowerCase() === name.toLowerCase()),
};

/** Mary, in Sales and Support of one organization and in Sales of another. */
async function example(db: Database) {
  const organizations = await access.ensureOrganizations(db, [{ name: "One" }, { name: "Two" }]);
  const groups = await access.ensureGroups(db, access.defaultGroups);
  const userId = await access.createUser(db, { username: "mary", password: null }, security);
  const at = (organization: string, group: string) => ({
    organizationId: organizations.get(organization)!,
    groupId: groups.get(group)!,
  });
  await access.addMember(db, { userId, ...at("one", "Sales") });
  await access.addMember(db, { userId, ...at("one", "Support") });
  await access.addMember(db, { userId, ...at("two", "Sales") });
  const mary: access.Principal = {
    userId,
    username: "mary",
    email: "",
    isStaff: false,
    isSuperuser: false,
  };
  const rights = async (principal = mary, slug = "one") => {
    const membership = await access.resolveMembership(db, principal, slug);
    return Object.fromEntries(await access.modelAccess(db, principal, membership, catalog));
  };
  const both = { push: true, pull: true };
  return { at, userId, mary, rights, both };
}

const exact = (field: string, value: unknown) => ({ field, operator: "exact", value });

eachDatabase(
  "modelAccess() is the union of the groups, each within its filters",
  async ({ db }) => {
    const { at, userId, mary, rights, both } = await example(db);
    expect(await rights()).toEqual({});
    await access.setPermissions(db, [
      { ...at("one", "Sales"), ...both, model: customer, filters: { owner_id: "$user.id" } },
      { ...at("one", "Support"), push: false, pull: true, model: customer, filters: null },
      { ...at("one", "Managers"), ...both, model: report, filters: null },
      { ...at("two", "Sales"), ...both, model: report, filters: {} },
    ]);
    await access.setDataFilter(db, {
      ...at("one", "Support"),
      model: customer,
      name: "department",
      condition: { field: "department", operator: "exact", value: "CARDIOLOGY" },
    });
    await db.execute("UPDATE lockstep.data_filter SET model_name = 'MYAPP.customer'");
    const own = exact("owner_id", userId);
    const department = exact("department", "CARDIOLOGY");
    expect(await rights()).toEqual({
      "myapp.Customer": { push: { any: [[own]] }, pull: { any: [[department], [own]] } },
    });
    expect(await rights(mary, "two")).toEqual({
      "myapp.Report": { push: { all: true }, pull: { all: true } },
    });

    // Filters of one group add up; a group without any opens all.
    await access.setDataFilter(db, {
      ...at("one", "Sales"),
      model: customer,
      name: "new",
      condition: [{ joined__year: 2024 }],
    });
    const pull = async () => (await rights())["myapp.Customer"]?.pull;
    const recent = { field: "joined", operator: "year__exact", value: 2024 };
    expect(await pull()).toEqual({ any: [[department], [recent, own]] });
    await db.execute(
      "UPDATE lockstep.data_filter SET is_active = false WHERE filter_name <> 'new'",
    );
    expect(await pull()).toEqual({ all: true });
    await db.execute(
      "UPDATE lockstep.user_organization SET is_active = false WHERE group_id = $1",
      [
        at("one", "Support").groupId,
      ],
    );
    expect(await pull()).toEqual({ any: [[recent, own]] });
    expect(await rights({ ...mary, isStaff: true })).toEqual(await rights());
    await db.execute("UPDATE lockstep.app_user SET is_superuser = true");
    expect((await rights({ ...mary, isSuperuser: true }))["myapp.Report"].push).toEqual({
      all: true,
    });
  },
);

eachDatabase("modelAccess() shows nothing by a filter that cannot be applied", async ({ db }) => {
  const { at, mary, rights, both } = await example(db);
  const sales = { ...at("one", "Sales"), ...both, model: customer };
  await access.setPermissions(db, [{ ...sales, filters: { email: "$user.email" } }]);
  const nothing = { push: { any: [] }, pull: { any: [] } };
  expect(await rights()).toEqual({ "myapp.Customer": nothing });
  await access.setPermissions(db, [{
    ...sales,
    filters: { field: "email", operator: "contains", value: "$user.email", negate: true },
  }]);
  expect(await rights()).toEqual({ "myapp.Customer": nothing });
  await db.execute(`UPDATE lockstep.model_permission SET filters = '{"gone": 1}'`);
  expect(await rights()).toEqual({ "myapp.Customer": nothing });

  const membership = await access.resolveMembership(db, mary, "one");
  const why = await access.explainAccess(db, mary, membership, catalog, customer);
  expect(why.pull).toMatchObject({ allowed: true, rows: "no row", sql: "FALSE" });
  expect(why.groups[0].filters[0].problem).toMatch(/gone is not a column of myapp.Customer/);
  const none = await access.explainAccess(db, mary, membership, catalog, report);
  expect(none.push).toMatchObject({
    allowed: false,
    reason: "None of the groups of mary (Sales, Support) may push it.",
  });
});

eachDatabase(
  "setPermissions() writes only what changed, and refuses wrong filters",
  async ({ db }) => {
    const { at, both } = await example(db);
    const permission = { ...at("one", "Sales"), ...both, model: customer, filters: { id: 1 } };
    const versions = () =>
      db.query("SELECT xmin::text, filters FROM lockstep.model_permission ORDER BY id");
    await access.setPermissions(db, [permission]);
    const before = await versions();
    await access.setPermissions(db, [permission]);
    expect(await versions()).toEqual(before);
    await access.setPermissions(db, [{ ...permission, filters: null }]);
    expect(await versions()).toMatchObject([{ filters: null }]);
    for (const filters of [{ nope: 1 }, { id: "x" }, { department__regex: "(a+)+" }]) {
      const refused = await access.setPermissions(db, [{ ...permission, filters }])
        .catch((error: LockstepError) => error);
      expect(refused).toMatchObject({ code: "invalid_value" });
    }
    const empty = { ...at("one", "Sales"), model: customer, name: "empty", condition: {} };
    await expect(access.setDataFilter(db, empty)).rejects.toMatchObject({ code: "invalid_value" });
  },
);

Deno.test("parseFilters() refuses with a sentence that names field and remedy", () => {
  const refused: [unknown, RegExp][] = [
    ["x", /object or a list/],
    [[1], /object or a list/],
    [{ nope: 1 }, /nope is not a column of myapp.Customer; its columns are id, department/],
    [{ owner: 1 }, /owner is not a column/],
    [{ owner_id__name: "x" }, /owner_id__name has no operator "name"/],
    [{ joined__year__month: 1 }, /no operator/],
    [{ department__year: 1 }, /department__year is of type text/],
    [{ tags__contains: "x" }, /tags__contains is of type _text .* use one of isnull/],
    [{ id: "abc" }, /id needs a whole number .* not "abc"/],
    [{ id: 1.5 }, /whole number/],
    [{ id: true }, /whole number/],
    [{ id__in: 1 }, /list of values/],
    [{ id__in: [null] }, /whole number .* not null/],
    [{ id__range: [1] }, /two values/],
    [{ id__gt: null }, /whole number/],
    [{ id__isnull: 1 }, /true or false/],
    [{ joined__gte: "$now" }, /names \$now, which a filter cannot/],
    [{ joined__gte: "yesterday" }, /a date or time as in/],
    [{ joined__date: "2023-02-29" }, /a date as in/],
    [{ joined__date: "0000-01-01" }, /a date as in/],
    [{ id: "$user.username" }, /whole number/],
    [{ department: "$user.password" }, /names \$user.password/],
    [{ department__regex: "$user.username" }, /variable in a regular expression/],
    [{ department__regex: "(a*)*" }, /regular expression that repeats/],
    [{ department: "a\0b" }, /NUL/],
    [{ department: "\ud800" }, /surrogate/],
    [{ department: { a: 1 } }, /needs text/],
    [{ field: "id", operator: "like", value: 1 }, /no operator "like"/],
    [{ field: "id", operator: "exact", value: 1, or: [] }, /no member "or"/],
    [{ id: 1, department: "x", negate: true }, /apply to one condition/],
    [{ id: 1, exclude: "yes" }, /exclude must be true or false/],
    [Array.from({ length: 51 }, () => ({ id: 1 })), /51 conditions/],
  ];
  for (const [filters, message] of refused) {
    expect(() => access.parseFilters(filters, customer, "my filter")).toThrow(message);
    expect(() => access.parseFilters(filters, customer, "my filter")).toThrow(/"my filter"/);
  }
});

Deno.test("describeScope() says in words which rows", () => {
  const scope = (...filters: unknown[]) => ({
    any: filters.map((filter) => access.parseFilters(filter, customer)),
  });
  expect(access.describeScope({ all: true })).toBe("every row");
  expect(access.describeScope(scope())).toBe("no row");
  expect(access.describeScope(scope(
    { department: "SALES", id__gte: 10 },
    [{ joined__year: 2024 }, { field: "id", operator: "in", value: [1, 2], negate: true }],
    { email: null },
  ))).toBe(
    'rows where department is "SALES" and id is at least 10, or rows where the year of joined is ' +
      "2024 and it is not so that id is one of 1, 2, or rows where email is empty",
  );
});
