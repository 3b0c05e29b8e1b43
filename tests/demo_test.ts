import { expect } from "expect";
import { demoBanner, demoModels, loadDemo, setupExample } from "../cli/demo/mod.ts";
import {
  everything,
  type Membership,
  modelAccess,
  type Principal,
  verifyPassword,
} from "../lib/access/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { ModelCatalog } from "../lib/models/mod.ts";
import { eachDatabase } from "./support/databases.ts";

interface UserRow extends Pick<Principal, "userId" | "username" | "email">, Membership {
  password: string;
}

const userStatement = `
  SELECT u.id AS "userId", u.username, u.email, u.password, row_to_json(o) AS organization,
    json_agg(json_build_object('id', g.id, 'name', g.name)) AS groups
  FROM lockstep.app_user u
  JOIN lockstep.user_organization m ON m.user_id = u.id
  JOIN lockstep.organization o ON o.id = m.organization_id
  JOIN lockstep.auth_group g ON g.id = m.group_id
  WHERE u.username = $1
  GROUP BY u.id, o.id`;

/** Everything that the demo may write, row versions included. */
async function contents(db: Database): Promise<unknown> {
  const tables = [
    "lockstep.organization",
    "lockstep.auth_group",
    "lockstep.app_user",
    "lockstep.user_organization",
    "lockstep.model_permission",
    "lockstep.data_filter",
    "myapp.customer",
    "myapp.product",
    'myapp."order"',
    "myapp.order_item",
    "myapp.report",
  ];
  return await Promise.all(
    tables.map((table) =>
      db.query(
        `SELECT count(*) AS n, md5(string_agg(t::text || t.xmin, '' ORDER BY t.id)) FROM ${table} t`,
      )
    ),
  );
}

eachDatabase(
  "loadDemo() loads the example once, and changes nothing the second time",
  async ({ db }) => {
    const first = await loadDemo(db);
    expect(first.loaded).toBe(true);
    expect(Object.keys(first.rows)).toEqual([...demoModels]);
    const total = Object.values(first.rows).reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(3000);
    expect(total).toBeLessThan(10_000);
    expect(first.users).toContainEqual({
      username: "bob_analyst",
      role: "Analysts of City University",
    });

    // As somebody who tries the demo would: these must survive its next start.
    await db.script(`
    DELETE FROM lockstep.model_permission WHERE model_name = 'myapp.Report';
    UPDATE lockstep.app_user SET password = 'changed' WHERE username = 'admin';
    DELETE FROM myapp.report`);
    const before = await contents(db);
    const second = await loadDemo(db);
    expect(second).toEqual({ ...first, loaded: false, rows: { ...first.rows, "myapp.Report": 0 } });
    expect(await contents(db)).toEqual(before);
  },
);

eachDatabase(
  "loadDemo() makes rows that keep to their organization, in many scripts",
  async ({ db }) => {
    await loadDemo(db);
    const references = [
      ['myapp."order"', "myapp.customer", "customer_id"],
      ["myapp.order_item", 'myapp."order"', "order_id"],
      ["myapp.order_item", "myapp.product", "product_id"],
      ["myapp.report", "myapp.customer", "customer_id"],
    ];
    for (const [child, parent, column] of references) {
      const strays = await db.query(
        `SELECT c.id FROM ${child} c JOIN ${parent} p ON p.id = c.${column}
       WHERE p.organization_id <> c.organization_id`,
      );
      expect([child, column, strays]).toEqual([child, column, []]);
    }
    const customers = await db.query<{ name: string; slug: string; id: number }>(`
    SELECT c.id, c.name, o.slug FROM myapp.customer c
    JOIN lockstep.organization o ON o.id = c.organization_id`);
    expect(new Set(customers.map(({ slug }) => slug)).size).toBe(3);
    expect(customers.find(({ id }) => id === 5)?.slug).toBe("city-university");
    const names = customers.map(({ name }) => name).join();
    for (const script of ["Latin", "Cyrillic", "Greek", "Arabic", "Han", "Hangul", "Ethiopic"]) {
      expect([script, new RegExp(`\\p{Script=${script}}`, "u").test(names)]).toEqual([
        script,
        true,
      ]);
    }
    const totals = await db.query(`
    SELECT o.id FROM myapp."order" o JOIN myapp.order_item i ON i.order_id = o.id
    GROUP BY o.id HAVING sum(i.line_total) <> o.total`);
    expect(totals).toEqual([]);
    await db.query("INSERT INTO myapp.customer (organization_id, name) VALUES (1, 'John Doe')");
  },
);

eachDatabase("loadDemo() gives each user the rights of the seed's scenario", async ({ db }) => {
  await loadDemo(db);
  const catalog = await new ModelCatalog(db).current();
  expect(catalog.models.filter(({ enabled }) => enabled).map(({ name }) => name as string).sort())
    .toEqual([...demoModels].sort());
  expect(catalog.models.find(({ name }) => (name as string) === "myapp.Customer"))
    .toMatchObject({ tenantColumn: "organization_id", key: ["id"], writable: true });

  const access = async (username: string) => {
    const [{ password, organization, groups, ...user }] = await db.query<UserRow>(userStatement, [
      username,
    ]);
    expect(await verifyPassword("lockstep-demo", password)).toBe(true);
    const principal = { ...user, isStaff: false, isSuperuser: false };
    const rights = await modelAccess(db, principal, { organization, groups }, catalog);
    return { id: user.userId, rights: Object.fromEntries(rights) };
  };
  const mary = await access("mary_sales");
  const assigned = { any: [[expect.objectContaining({ field: "assigned_to", value: mary.id })]] };
  expect(mary.rights["myapp.Customer"]).toEqual({ push: assigned, pull: assigned });
  expect(mary.rights["myapp.Order"].push).not.toBe(null);
  const bob = await access("bob_analyst");
  expect(bob.rights["myapp.Report"].push).not.toBe(null);
  expect(bob.rights["myapp.Customer"]).toEqual({
    push: null,
    pull: bob.rights["myapp.Order"].pull,
  });
  expect(bob.rights["myapp.Customer"].pull).not.toBe(null);
  const john = await access("john_manager");
  expect(Object.keys(john.rights).sort()).toEqual([...demoModels].sort());
  expect(john.rights["myapp.Customer"]).toEqual({ push: everything, pull: everything });
  const [{ count }] = await db.query<{ count: number }>(
    "SELECT count(*) AS count FROM myapp.customer WHERE assigned_to = $1 AND organization_id = " +
      "(SELECT id FROM lockstep.organization WHERE slug = 'global-retail')",
    [mary.id],
  );
  expect(count).toBeGreaterThan(20);
});

eachDatabase(
  "setupExample() works without the demo's tables and keeps what exists",
  async ({ db }) => {
    await db.script(`
    INSERT INTO lockstep.app_user (username, password) VALUES ('John_Manager', 'kept');
    INSERT INTO lockstep.organization (name, slug) VALUES ('Acme Corporation', 'acme-corp')`);
    const options = { password: "some-password", models: ["shop.Item"] };
    expect(await setupExample(db, options)).toEqual({
      organizations: 2,
      groups: 7,
      users: 4,
      memberships: 4,
      permissions: 21,
      filters: 0,
    });
    expect(await setupExample(db, options)).toEqual({
      organizations: 0,
      groups: 0,
      users: 0,
      memberships: 0,
      permissions: 0,
      filters: 0,
    });
    expect(
      await db.query(`SELECT g.name, p.can_push, p.can_pull FROM lockstep.model_permission p
      JOIN lockstep.auth_group g ON g.id = p.group_id JOIN lockstep.organization o
      ON o.id = p.organization_id WHERE o.slug = 'acme-corp' ORDER BY g.id`),
    ).toEqual([
      ["Administrators", true],
      ["Managers", true],
      ["Users", true],
      ["Analysts", false],
      ["Sales", true],
      ["Support", true],
      ["Read Only", false],
    ].map(([name, can_push]) => ({ name, can_push, can_pull: true })));
    expect(
      await db.query(
        "SELECT username, password FROM lockstep.app_user WHERE lower(username) = 'john_manager'",
      ),
    )
      .toEqual([{ username: "John_Manager", password: "kept" }]);
  },
);

Deno.test("demoBanner() prints commands that work when pasted into a POSIX shell", async () => {
  const requests: unknown[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (req) => {
      const { pathname } = new URL(req.url);
      const form = req.headers.get("content-type") === "application/x-www-form-urlencoded";
      requests.push({
        pathname,
        authorization: req.headers.get("authorization"),
        body: form ? Object.fromEntries(await req.formData()) : await req.json(),
      });
      return Response.json({
        token: "a.b-c_d.e",
        user: { id: 1 },
        refresh_token: "other",
        expires_at: "x",
      });
    },
  );
  const summary = { loaded: true, password: "lockstep-demo", users: [], rows: { "a.B": 3 } };
  const banner = demoBanner(`http://127.0.0.1:${server.addr.port}`, {
    ...summary,
    users: [{ username: "admin", role: "superuser" }],
  });
  expect(banner).toContain("admin  superuser");
  const commands = banner.split("\n").filter((line) => /^(TOKEN=|curl )/.test(line));
  expect(commands).toHaveLength(2);
  const { code, stderr } = await new Deno.Command("sh", { args: ["-c", commands.join("\n")] })
    .output();
  expect([code, new TextDecoder().decode(stderr)]).toEqual([0, ""]);
  expect(requests).toEqual([
    {
      pathname: "/api/sync/auth/token/",
      authorization: null,
      body: { username: "john_manager", password: "lockstep-demo" },
    },
    {
      pathname: "/api/sync/pull/",
      authorization: "Bearer a.b-c_d.e",
      body: { models: { "myapp.Customer": null }, batch_size: 2 },
    },
    {
      pathname: "/api/sync/push/",
      authorization: "Bearer a.b-c_d.e",
      body: {
        data: [{ _model: "myapp.Customer", name: "John Doe", age: 45, department: "SALES" }],
      },
    },
  ]);
});
