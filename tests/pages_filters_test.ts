import { expect } from "expect";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { html, idOf, one, sent, versionIn } from "./pages_forms_support.ts";
import { openDemoApp } from "./pages_support.ts";

Deno.test("a filter is built, previewed with a user's values, and saved after its losses", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const john = await signedIn(app, "john_manager");
  const acme = await idOf(app, "organization", "slug", "acme-corp");
  const managers = await idOf(app, "auth_group", "name", "Managers");
  // John sees everything as an administrator too; Walter is a manager alone.
  await app.db.query(
    "INSERT INTO lockstep.app_user (username, password) VALUES ('a.walter', '!')",
  );
  const walter = await idOf(app, "app_user", "username", "a.walter");
  await app.db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES ($1, $2, $3)`,
    [walter, acme, managers],
  );
  const start = `/admin/filters/new?${new URLSearchParams({
    organization: "acme-corp",
    group_id: String(managers),
    model: "myapp.Customer",
  })}`;
  const form = {
    target: "new",
    organization: "acme-corp",
    group_id: String(managers),
    model: "myapp.Customer",
    version: "*",
    name: "Sales staff",
    "has.is_active": "yes",
    is_active: "on",
  };
  const condition = (
    i: number,
    field: string,
    operator: string,
    value: string,
    negate = false,
  ) => ({
    [`c${i}.field`]: field,
    [`c${i}.operator`]: operator,
    [`c${i}.value`]: value,
    ...(negate ? { [`c${i}.negate`]: "on" } : {}),
  });
  expect(await html(john, start)).toContain("Choose a column");
  const preview = async (more: Record<string, string>) => {
    const answer = await john.post("/admin/filters/preview", { ...form, ...more });
    return [answer.status, await answer.json()] as const;
  };
  const { all, sales } = await one<{ all: number; sales: number }>(
    app,
    `SELECT count(*) AS all, count(*) FILTER (WHERE department = 'SALES') AS sales
    FROM myapp.customer WHERE organization_id = $1`,
    [acme],
  );
  const [, told] = await preview(condition(0, "department", "exact", "SALES"));
  expect(told).toMatchObject({ words: 'rows where department is "SALES"', count: sales });
  expect(told.rows.length).toBe(Math.min(5, sales));
  expect(told.changes[0]).toMatchObject({
    usernames: ["a.walter"],
    gained: 0,
    lost: all - sales,
  });
  const [, own] = await preview(condition(0, "assigned_to", "exact", "$user.id"));
  expect(own).toMatchObject({ user: "a.walter", words: `rows where assigned_to is ${walter}` });

  for (
    const [more, words] of [
      [condition(0, "age", "gte", "many"), "age__gte needs a whole number"],
      [condition(0, "nowhere", "exact", "1"), "nowhere is not a column of myapp.Customer"],
      [condition(0, "department", "regex", "(a+)+"), "regular expression"],
      [condition(0, "department", "nonsense", "1"), 'has no operator "nonsense"'],
      [condition(0, "department", "exact", "$user.password"), "names $user.password"],
      [{}, "has no condition"],
      [{ ...condition(0, "age", "gte", "5"), name: "" }, "name must not be empty"],
    ] as [Record<string, string>, string][]
  ) {
    const [status, , text] = await sent(john, "/admin/filters/new", {
      ...form,
      ...more,
      action: "save",
    });
    expect([words, status, text.includes(words)]).toEqual([words, 400, true]);
  }
  const save = { ...form, ...condition(0, "department", "exact", "SALES"), action: "save" };
  const [asks, , text] = await sent(john, "/admin/filters/new", save);
  expect([asks, text.includes(`a.walter, ${all - sales} rows`)]).toEqual([422, true]);
  const confirmed = /name="confirmed" value="([^"]+)"/.exec(text)![1];
  // Another condition than the one that was confirmed is asked about again.
  const other = { ...save, ...condition(0, "department", "exact", "SUPPORT"), confirmed };
  expect((await sent(john, "/admin/filters/new", other))[0]).toBe(422);
  const [saved, location] = await sent(john, "/admin/filters/new", { ...save, confirmed });
  expect([saved, /^\/admin\/filters\/filter-\d+\?saved=yes$/.test(location!)]).toEqual([303, true]);
  const path = location!.split("?")[0];
  expect(
    await one(app, "SELECT filter_condition AS c FROM lockstep.data_filter WHERE group_id = $1", [
      managers,
    ]),
  ).toEqual({ c: [{ field: "department", operator: "exact", value: "SALES" }] });

  // The list shows it in words, and the permission's own filter is one link away.
  const query = new URLSearchParams({
    organization: "acme-corp",
    group_id: String(managers),
    model: "myapp.customer",
  });
  const list = await html(john, `/admin/filters?${query}`);
  expect(list.replaceAll("&quot;", '"')).toContain('department is "SALES"');
  const permission = /href="(\/admin\/filters\/permission-\d+)"/.exec(list)![1];
  const widened = {
    ...save,
    version: versionIn(await html(john, path)),
    ...condition(1, "age", "range", "18\n30", true),
  };
  const [widens, , loses] = await sent(john, path, widened);
  expect(widens).toBe(422);
  const again = /name="confirmed" value="([^"]+)"/.exec(loses)![1];
  expect((await sent(john, path, { ...widened, confirmed: again }))[0]).toBe(303);
  expect((await sent(john, path, { ...widened, confirmed: again }))[0]).toBe(412);
  const own2 = {
    version: versionIn(await html(john, permission)),
    action: "save",
    ...condition(0, "is_active", "exact", "true"),
  };
  const [first, , lossText] = await sent(john, permission, own2);
  const answer = first === 422
    ? await sent(john, permission, {
      ...own2,
      confirmed: /name="confirmed" value="([^"]+)"/.exec(lossText)![1],
    })
    : [first];
  expect(answer[0]).toBe(303);
  expect((await html(john, "/admin/filters/export")).split("\r\n").length).toBe(4);

  // A column that goes away leaves a filter that shows nothing, and a page that says so.
  await app.db.script("ALTER TABLE myapp.customer DROP COLUMN department CASCADE");
  // Where looking at the schema is slow, it is looked at four times a second.
  await app.everywhere(async () => (await html(john, path)).includes("no longer fits the table"));
  expect(await html(john, "/admin/filters")).toContain("No longer fits");
  const remove = { action: "delete", version: versionIn(await html(john, path)) };
  expect((await sent(john, path, remove))[0]).toBe(303);
});

Deno.test("explaining and viewing as somebody say what and why, and leave a trace", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const look = "/admin/explain?user=mary_sales&organization=global-retail&model=myapp.Customer";
  const text = await html(sam, look);
  const mary = await idOf(app, "app_user", "username", "mary_sales");
  expect(text).toContain("mary_sales may pull it as a member of Sales.");
  expect(text).toContain(`assigned_to is ${mary}`);
  const row = await one<{ own: string; id: number; foreign: number }>(
    app,
    `SELECT min(c.name) FILTER (WHERE assigned_to = $1) AS own,
      min(c.id) FILTER (WHERE assigned_to = $1) AS id,
      min(c.id) FILTER (WHERE assigned_to IS DISTINCT FROM $1) AS foreign
    FROM myapp.customer c JOIN lockstep.organization o ON o.id = c.organization_id
    WHERE o.slug = 'global-retail'`,
    [mary],
  );
  expect(text).toContain("As mary_sales would pull myapp.Customer");
  expect(await html(sam, `${look}&key=${row.id}`)).toContain("Can be pulled");
  expect(await html(sam, `${look}&key=${row.foreign}`)).toContain("Cannot be pulled");
  expect((await sam.get(`${look}&key=abc`)).status).toBe(400);
  expect(
    (await sam.get("/admin/explain?user=nobody&organization=acme-corp&model=myapp.Order")).status,
  )
    .toBe(404);
  const events = await app.db.query(
    `SELECT action, actor, source, after FROM lockstep.audit_event
    WHERE action IN ('explain', 'view_as') ORDER BY id`,
  );
  const seen = { user: "mary_sales", model: "myapp.Customer" };
  expect(events).toEqual([
    { action: "explain", actor: "sam_staff", source: "admin", after: seen },
    {
      action: "view_as",
      actor: "sam_staff",
      source: "admin",
      after: { ...seen, rows: expect.any(Number) },
    },
    expect.objectContaining({ after: { ...seen, key: String(row.id) } }),
    expect.objectContaining({ after: { ...seen, key: String(row.foreign) } }),
  ]);
  const headers = { Authorization: `Bearer ${await app.token("sam_staff", "lockstep-demo")}` };
  for (const name of ["explain", "view-as"]) {
    const query = look.slice(look.indexOf("?"));
    expect((await app.fetch(`/api/admin/${name}${query}`, { headers })).status).toBe(200);
  }
  const { count } = await one<{ count: number }>(
    app,
    "SELECT count(*) FROM lockstep.audit_event WHERE source = 'api' AND action IN ('explain', 'view_as')",
  );
  expect(count).toBe(2);
});
