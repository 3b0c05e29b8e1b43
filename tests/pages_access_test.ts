import { expect } from "expect";
import { openDemoApp, type Visitor, visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

async function signedIn(app: TestApp, username: string): Promise<Visitor> {
  const someone = visitor(app);
  await someone.signIn(username);
  return someone;
}

/** Makes John an administrator of Acme Corporation, and of nothing else. */
async function makeAdministrator(app: TestApp): Promise<void> {
  await app.db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
    SELECT u.id, o.id, g.id
    FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
    WHERE (u.username, o.slug, g.name) = ('john_manager', 'acme-corp', 'Administrators')`,
  );
}

async function one<Row>(app: TestApp, sql: string, params: unknown[] = []): Promise<Row> {
  const [row] = await app.db.query<Row>(sql, params);
  return row;
}

async function idOf(app: TestApp, table: string, column: string, value: string): Promise<number> {
  const { id } = await one<{ id: number }>(
    app,
    `SELECT id FROM lockstep.${table} WHERE ${column} = $1`,
    [value],
  );
  return id;
}

/** The hidden version of the form that a page shows. */
function versionIn(html: string): string {
  return /name="version" value="([^"]+)"/.exec(html)![1];
}

async function html(someone: Visitor, path: string): Promise<string> {
  const answer = await someone.get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  return await answer.text();
}

async function sent(
  someone: Visitor,
  path: string,
  form: Record<string, string>,
): Promise<[status: number, location: string | null, text: string]> {
  const answer = await someone.post(path, form);
  const text = await answer.text();
  return [
    answer.status,
    answer.headers.get("Location"),
    text.replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  ];
}

Deno.test("the pages for access keep to what somebody administers", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [acme, retail] = [
    await idOf(app, "organization", "slug", "acme-corp"),
    await idOf(app, "organization", "slug", "global-retail"),
  ];
  const mary = await idOf(app, "app_user", "username", "mary_sales");
  const sam = await idOf(app, "app_user", "username", "sam_staff");
  const foreign = await idOf(app, "data_filter", "filter_name", "Assigned to the user");
  const group = await idOf(app, "auth_group", "name", "Sales");
  const table: [path: string, administrator: number, member: number][] = [
    ["/admin/organizations", 200, 403],
    ["/admin/organizations/export", 200, 403],
    [`/admin/organizations/${acme}`, 200, 403],
    [`/admin/organizations/${acme}/`, 200, 403],
    [`/admin/organizations/${retail}`, 404, 403],
    ["/admin/organizations/new", 403, 403],
    ["/admin/users", 200, 403],
    ["/admin/users/export", 200, 403],
    ["/admin/users/new", 200, 403],
    [`/admin/users/${sam}`, 200, 403],
    [`/admin/users/${mary}`, 404, 403],
    ["/admin/groups", 200, 403],
    ["/admin/groups/export", 200, 403],
    ["/admin/groups/new", 403, 403],
    [`/admin/groups/${group}`, 200, 403],
    ["/admin/filters", 200, 403],
    ["/admin/filters/export", 200, 403],
    [`/admin/filters/filter-${foreign}`, 404, 403],
    [`/admin/filters/new?organization=acme-corp&group_id=${group}&model=myapp.Order`, 200, 403],
    ["/admin/explain", 200, 403],
    ["/admin/explain?user=mary_sales&organization=acme-corp&model=myapp.Order", 404, 403],
    ["/admin/settings", 403, 403],
    ["/admin/settings/SYNC", 403, 403],
    ["/admin/settings/export", 403, 403],
    ["/admin/settings/import", 403, 403],
    ["/admin/settings/history", 403, 403],
  ];
  const people = [
    await signedIn(app, "sam_staff"),
    await signedIn(app, "john_manager"),
    await signedIn(app, "bob_analyst"),
  ];
  for (const [path, administrator, member] of table) {
    const guest = await app.fetch(path);
    const statuses = [];
    for (const someone of people) {
      const answer = await someone.get(path);
      statuses.push(answer.status);
      const text = await answer.text();
      if (someone === people[1]) {
        expect([path, text.includes("mary_sales") && !path.includes("mary")]).toEqual([
          path,
          false,
        ]);
        expect([path, text.includes("Global Retail")]).toEqual([path, false]);
      }
    }
    expect([path, guest.status, ...statuses]).toEqual([path, 303, 200, administrator, member]);
  }
  // What is refused to look at is refused to change.
  const [, john] = people;
  for (
    const [path, form, status] of [
      [`/admin/organizations/${retail}`, { action: "save", name: "X", version: "*" }, 404],
      [`/admin/organizations/${acme}`, { action: "deactivate", version: "*" }, 403],
      [
        `/admin/organizations/${acme}`,
        { action: "delete", confirm: "acme-corp", version: "*" },
        403,
      ],
      ["/admin/organizations/new", { name: "Mine" }, 403],
      [`/admin/users/${mary}`, { action: "disable", version: "*" }, 404],
      [`/admin/users/${sam}`, {
        action: "password",
        password: "a long secret",
        repeated: "a long secret",
      }, 403],
      [`/admin/groups/${group}`, { action: "save", name: "Mine", version: "*" }, 403],
      [`/admin/groups/${group}`, {
        action: "template",
        organization: String(retail),
        template: "read_only",
      }, 404],
      ["/admin/groups", {}, 403],
      [`/admin/filters/filter-${foreign}`, { action: "delete", version: "*" }, 404],
      ["/admin/settings", { confirmed: "yes" }, 403],
      ["/admin/settings/SYNC", { version: "none", "v.MAX_DEPTH": "9" }, 403],
      ["/admin/settings/import", { action: "import", text: '{"settings":{}}' }, 403],
    ] as [string, Record<string, string>, number][]
  ) {
    expect([path, form.action, (await sent(john, path, form))[0]])
      .toEqual([path, form.action, status]);
  }
});

Deno.test("an organization is created, changed by its version, deactivated and deleted", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const [wrong, , said] = await sent(sam, "/admin/organizations/new", {
    name: "A",
    slug: "Not a slug",
  });
  expect([wrong, said.includes("lower-case letters, digits and single hyphens")]).toEqual([
    400,
    true,
  ]);
  expect(said).toContain('value="Not a slug"');
  const [, made] = await sent(sam, "/admin/organizations/new", {
    name: "New & old",
    description: "d",
  });
  const path = made!.split("?")[0];
  expect(await html(sam, made!)).toContain("The organization is created.");

  const version = versionIn(await html(sam, path));
  const save = (name: string, version: string) =>
    sent(sam, path, { action: "save", version, name, slug: "new-old", description: "" });
  expect((await save("First", version))[0]).toBe(303);
  const [stale, , again] = await save("Second", version);
  expect(stale).toBe(412);
  expect(again).toContain("was changed since you read it");
  expect(again).toContain("Stored now: First.");
  expect(again).toContain('value="Second"');
  // What the page shows now may be saved.
  expect((await save("Second", versionIn(again)))[0]).toBe(303);

  const now = async () => versionIn(await html(sam, path));
  expect((await sent(sam, path, { action: "deactivate", version: await now() }))[0]).toBe(303);
  expect(await html(sam, "/admin/organizations?state=inactive")).toContain("Second");
  expect(await html(sam, "/admin/organizations?state=active")).not.toContain("Second");
  const [refused, , why] = await sent(sam, path, { action: "delete", version: await now() });
  expect([refused, why.includes("Write the slug new-old")]).toEqual([400, true]);
  const [gone, list] = await sent(sam, path, {
    action: "delete",
    version: await now(),
    confirm: "new-old",
  });
  expect([gone, list]).toEqual([303, "/admin/organizations?deleted=Second"]);
  expect((await sam.get(path)).status).toBe(404);
  const { count } = await one<{ count: number }>(
    app,
    `SELECT count(*) FROM lockstep.audit_event WHERE model = 'lockstep.Organization'
      AND (actor, source) = ('sam_staff', 'admin')`,
  );
  expect(count).toBe(5);
});

Deno.test("a user is created with a membership, given a password, disabled and deleted", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const john = await signedIn(app, "john_manager");
  const acme = String(await idOf(app, "organization", "slug", "acme-corp"));
  const group = String(await idOf(app, "auth_group", "name", "Users"));
  const person = { username: "new.person", password: "a quiet secret", repeated: "a quiet secret" };
  for (
    const [form, words] of [
      [{ ...person, repeated: "other" }, "The passwords are not the same"],
      [{ ...person, password: "short", repeated: "short" }, "at least 10"],
      [{ ...person, username: "mary_sales" }, 'There is a user "mary_sales" already'],
      [{ ...person, username: "no spaces" }, "may have letters, digits"],
      [{ ...person, group: "" }, "Choose the group"],
      [{ ...person, organization: "" }, "Name an organization"],
    ] as [Record<string, string>, string][]
  ) {
    const [status, , text] = await sent(john, "/admin/users/new", {
      organization: acme,
      group,
      ...form,
    });
    expect([words, status >= 400 && status < 500, text.includes(words)])
      .toEqual([words, true, true]);
    expect(text).not.toContain("a quiet secret");
  }
  const [, made] = await sent(john, "/admin/users/new", { ...person, organization: acme, group });
  const path = made!.split("?")[0];
  const [rank] = await sent(john, path, {
    ...person,
    action: "save",
    version: versionIn(await html(john, path)),
    is_superuser: "on",
  });
  expect(rank).toBe(303);
  expect(await one(app, "SELECT is_superuser FROM lockstep.app_user WHERE username = 'new.person'"))
    .toEqual({ is_superuser: false });

  const token = await app.token("new.person", "a quiet secret");
  const me = () => app.fetch("/api/sync/me/", { headers: { Authorization: `Bearer ${token}` } });
  expect((await me()).status).toBe(200);
  expect(await html(john, path)).toContain("Sessions and tokens");
  expect((await sent(john, path, { action: "password", password: "b", repeated: "c" }))[0]).toBe(
    400,
  );
  const next = "another quiet secret";
  expect((await sent(john, path, { action: "password", password: next, repeated: next }))[0]).toBe(
    303,
  );
  expect((await me()).status).toBe(401);
  expect(await app.token("new.person", next)).toBeDefined();

  const session = visitor(app);
  await session.post("/login", { username: "new.person", password: next });
  const id = /name="id" value="([^"]+)"/.exec(await html(john, path))![1];
  expect((await sent(john, path, { action: "end-session", id: "'x" }))[0]).toBe(404);
  expect((await sent(john, path, { action: "end-session", id }))[0]).toBe(303);

  const off = { action: "disable", version: versionIn(await html(john, path)) };
  expect((await sent(john, path, off))[0]).toBe(303);
  expect(await app.token("new.person", next)).toBeUndefined();
  expect((await sent(john, path, { action: "delete", version: "*", confirm: "new.person" }))[0])
    .toBe(403);
  const sam = await signedIn(app, "sam_staff");
  const end = {
    action: "delete",
    version: versionIn(await html(sam, path)),
    confirm: "new.person",
  };
  expect((await sent(sam, path, end))[0]).toBe(303);
  const own = await idOf(app, "app_user", "username", "sam_staff");
  const [self] = await sent(sam, `/admin/users/${own}`, { action: "disable", version: "*" });
  expect(self).toBe(409);
});

Deno.test("the list of users is searched, sorted, paged and exported", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  await app.db.script(`
    INSERT INTO lockstep.app_user (username, password, last_name, last_login)
    SELECT 'extra.' || lpad(n::text, 3, '0'), '!', CASE WHEN n % 2 = 0 THEN '=1+1' ELSE 'x' END,
      CASE WHEN n % 3 = 0 THEN now() - n * interval '1 hour' END
    FROM generate_series(1, 120) n;
    INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
    SELECT u.id, o.id, g.id
    FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
    WHERE g.name = 'Users'
      AND (u.username = 'extra.001' AND o.slug IN ('acme-corp', 'global-retail')
        OR u.username = 'extra.002' AND o.slug = 'city-university')`);
  const sam = await signedIn(app, "sam_staff");
  const pageOf = async (path: string) => {
    const text = await html(sam, path);
    const link = (rel: string) =>
      new RegExp(`href="([^"]+)" rel="${rel}"`).exec(text)?.[1].replaceAll("&amp;", "&");
    return { names: text.match(/extra\.\d{3}/g) ?? [], next: link("next"), previous: link("prev") };
  };
  for (const sort of ["username", "-username", "last_login", "-last_name"]) {
    const pages = [await pageOf(`/admin/users?q=extra&sort=${sort}`)];
    while (pages.at(-1)!.next) pages.push(await pageOf(pages.at(-1)!.next!));
    expect([sort, pages.map(({ names }) => names.length)]).toEqual([sort, [50, 50, 20]]);
    expect(new Set(pages.flatMap(({ names }) => names)).size).toBe(120);
    const back = [];
    for (let page = pages.at(-1)!; page.previous; back.unshift(page)) {
      page = await pageOf(page.previous);
    }
    expect([sort, back.map(({ names }) => names)])
      .toEqual([sort, pages.slice(0, 2).map(({ names }) => names)]);
  }
  const csv = await html(sam, "/admin/users/export?q=extra");
  expect(csv.trim().split("\r\n").length).toBe(121);
  expect(csv).toContain("'=1+1");
  expect(csv).toContain("Acme Corporation: Users, Global Retail: Users");

  const john = await signedIn(app, "john_manager");
  for (const path of ["/admin/users?q=extra", "/admin/users/export?q=extra"]) {
    const text = await html(john, path);
    expect(text).toContain("extra.001");
    expect(text).toContain("Acme Corporation: Users");
    for (const hidden of ["extra.002", "Global Retail", "City University"]) {
      expect([path, hidden, text.includes(hidden)]).toEqual([path, hidden, false]);
    }
  }
  // Chosen organizations narrow the list of staff too.
  const chosen = await html(sam, "/admin/users?q=extra&organization=city-university");
  expect(new Set(chosen.match(/extra\.\d{3}/g))).toEqual(new Set(["extra.002"]));
});

Deno.test("a membership that takes rows away is previewed first, by page and API", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const john = await signedIn(app, "john_manager");
  const acme = await idOf(app, "organization", "slug", "acme-corp");
  const path = `/admin/organizations/${acme}`;
  const groups = {
    sales: String(await idOf(app, "auth_group", "name", "Sales")),
    users: String(await idOf(app, "auth_group", "name", "Users")),
  };
  await app.db.query(
    `INSERT INTO lockstep.data_filter
      (organization_id, group_id, model_name, filter_name, filter_condition)
    VALUES ($1, $2, 'myapp.Customer', 'Sales only', '{"department": "SALES"}')`,
    [acme, groups.sales],
  );
  await app.db.query(
    `INSERT INTO lockstep.app_user (username, password) VALUES ('walter', '!')`,
  );
  const walter = await idOf(app, "app_user", "username", "walter");
  await app.db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES ($1, $2, $3)`,
    [walter, acme, groups.users],
  );
  await app.db.query(
    `INSERT INTO lockstep.device (user_id, organization_id, name) VALUES ($1, $2, 'phone')`,
    [walter, acme],
  );
  const { all, sales } = await one<{ all: number; sales: number }>(
    app,
    `SELECT count(*) AS all, count(*) FILTER (WHERE department = 'SALES') AS sales
    FROM myapp.customer WHERE organization_id = $1`,
    [acme],
  );
  expect(sales).toBeGreaterThan(0);
  const membership = () =>
    one<{ id: number; group_id: number; version: string }>(
      app,
      `SELECT id, group_id, xmin::text AS version FROM lockstep.user_organization WHERE user_id = $1`,
      [walter],
    );
  const { id, version } = await membership();
  const move = { action: "move", membership: String(id), version, group: groups.sales };

  const preview = await app.fetch(`/api/admin/memberships/${id}?preview=true`, {
    method: "PATCH",
    headers: {
      Authorization: `Bearer ${await app.token("john_manager", "lockstep-demo")}`,
      "If-Match": `"${version}"`,
    },
    body: JSON.stringify({ group_id: Number(groups.sales) }),
  });
  const told = await preview.json();
  expect(told.preview).toBe(true);
  expect(told.devices).toEqual({ gain: 0, lose: 1 });
  expect(told.changes).toEqual([
    expect.objectContaining({
      model: "myapp.Customer",
      usernames: ["walter"],
      devices: 1,
      pull: expect.objectContaining({ gained: 0, lost: all - sales }),
    }),
  ]);

  const [asks, , text] = await sent(john, path, move);
  expect(asks).toBe(422);
  expect(text).toContain(`myapp.Customer: walter, ${all - sales} rows`);
  expect(text).toContain("1 device loses rows with the next pull.");
  expect((await membership()).group_id).toBe(Number(groups.users));
  expect((await sent(john, path, { ...move, confirmed: "yes" }))[0]).toBe(303);
  expect((await membership()).group_id).toBe(Number(groups.sales));
  // With a version that is past, nothing is done, confirmed or not.
  expect((await sent(john, path, { ...move, group: groups.users, confirmed: "yes" }))[0]).toBe(412);
  // To gain rows needs no answer.
  const { version: next } = await membership();
  expect((await sent(john, path, { ...move, version: next, group: groups.users }))[0]).toBe(303);

  const last = await membership();
  const remove = { action: "remove", membership: String(id), version: last.version };
  expect((await sent(john, `/admin/users/${walter}`, remove))[0]).toBe(422);
  expect((await sent(john, `/admin/users/${walter}`, { ...remove, confirmed: "yes" }))[0]).toBe(
    303,
  );
  expect(await membership()).toBeUndefined();

  const add = (username: string) =>
    sent(john, path, { action: "add", username, group: groups.users });
  // Somebody of another organization and nobody are refused in the same words.
  const [hidden, , words] = await add("mary_sales");
  const [nobody, , same] = await add("mary_nobody");
  expect([hidden, nobody]).toEqual([400, 400]);
  expect(words).toContain('There is no user "mary_sales" whom you may add');
  expect(same).toContain('There is no user "mary_nobody" whom you may add');
});

Deno.test("a group is created, filled by a template after its preview, and deleted", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const [taken, , why] = await sent(sam, "/admin/groups/new", { name: "Sales" });
  expect([taken, why.includes("already. Choose another name.")]).toEqual([409, true]);
  const [, made] = await sent(sam, "/admin/groups/new", { name: "Drivers" });
  const path = made!.split("?")[0];
  const acme = String(await idOf(app, "organization", "slug", "acme-corp"));
  const template = (path: string, template: string, more = {}) =>
    sent(sam, path, { action: "template", organization: acme, template, ...more });
  expect((await template(path, "read_only"))[0]).toBe(303);
  const group = await idOf(app, "auth_group", "name", "Drivers");
  const rights = () =>
    one<{ push: boolean; pull: boolean }>(
      app,
      `SELECT bool_or(can_push) AS push, bool_and(can_pull) AS pull
      FROM lockstep.model_permission WHERE group_id = $1`,
      [group],
    );
  expect(await rights()).toEqual({ push: false, pull: true });
  expect((await template(path, "everything"))[0]).toBe(400);

  const managers = `/admin/groups/${await idOf(app, "auth_group", "name", "Managers")}`;
  const [asks, , text] = await template(managers, "no_access");
  expect([asks, text.includes("john_manager")]).toEqual([422, true]);
  expect((await template(managers, "no_access", { confirmed: "yes" }))[0]).toBe(303);

  const administrators = `/admin/groups/${await idOf(app, "auth_group", "name", "Administrators")}`;
  expect((await sent(sam, administrators, { action: "delete", version: "*" }))[0]).toBe(409);
  const rename = { action: "save", name: "Couriers", version: versionIn(await html(sam, path)) };
  expect((await sent(sam, path, rename))[0]).toBe(303);
  expect((await sent(sam, path, rename))[0]).toBe(412);
  const end = { action: "delete", version: versionIn(await html(sam, path)) };
  expect((await sent(sam, path, end))[1]).toBe("/admin/groups?deleted=Couriers");
  expect((await sent(sam, "/admin/groups", {}))[1]).toBe("/admin/groups?defaults=yes");
});

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
  app.running.services.catalog.invalidate();
  expect(await html(john, path)).toContain("no longer fits the table");
  expect(await html(john, "/admin/filters")).toContain("No longer fits");
  const remove = { action: "delete", version: versionIn(await html(john, path)) };
  expect((await sent(john, path, remove))[0]).toBe(303);
});

Deno.test("settings are changed by type, checked, reset, exported, imported and remembered", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const path = "/admin/settings/SYNC";
  const stored = () =>
    app.db.query("SELECT key, value FROM lockstep.sync_configuration ORDER BY section, key");
  const save = async (form: Record<string, string>, version?: string) =>
    await sent(sam, path, { version: version ?? versionIn(await html(sam, path)), ...form });
  const old = versionIn(await html(sam, path));
  expect(
    (await save({ "v.MAX_RECORDS": "5000", "v.MAX_DEPTH": "32", "has.LOG_REQUEST_DATA": "yes" }))[
      0
    ],
  )
    .toBe(303);
  // What is as it was is left to the default.
  expect(await stored()).toEqual([{ key: "MAX_RECORDS", value: 5000 }]);
  const [stale, , told] = await save({ "v.MAX_RECORDS": "7000" }, old);
  expect([stale, told.includes("Stored now: 5,000.")]).toEqual([412, true]);
  for (
    const [form, words] of [
      [{ "v.MAX_RECORDS": "many" }, "Write a whole number."],
      [{ "v.MAX_RECORDS": "0" }, "SYNC.MAX_RECORDS: Must be at least 1."],
      [{ "v.DEFAULT_BATCH_SIZE": "9999", "v.MAX_BATCH_SIZE": "10" }, "must not be larger than"],
    ] as [Record<string, string>, string][]
  ) {
    const [status, , text] = await save(form);
    expect([words, status, text.includes(words)]).toEqual([words, 400, true]);
  }
  expect((await save({ "has.LOG_REQUEST_DATA": "yes", "v.LOG_REQUEST_DATA": "on" }))[0]).toBe(303);
  expect(await html(sam, "/admin/settings")).toContain("2 settings are not left to the default.");
  expect((await save({ reset: "LOG_REQUEST_DATA" }))[0]).toBe(303);
  const history = await html(sam, "/admin/settings/history");
  expect(history).toContain("SYNC.LOG_REQUEST_DATA");
  expect(history).toContain("the default");

  for (const section of ["MODEL_DISCOVERY", "MODELS", "TENANT", "LOGS", "COLLABORATION", "JOBS"]) {
    await html(sam, `/admin/settings/${section}`);
  }
  const columns = "/admin/settings/TENANT";
  const lines = {
    version: versionIn(await html(sam, columns)),
    "v.TENANT_COLUMNS": "organization_id\r\n\r\norg",
  };
  expect((await sent(sam, columns, lines))[0]).toBe(303);
  const document = await html(sam, "/admin/settings/export");
  expect(JSON.parse(document)).toEqual({
    settings: {
      SYNC: { MAX_RECORDS: 5000 },
      TENANT: { TENANT_COLUMNS: ["organization_id", "org"] },
    },
  });
  expect((await sent(sam, "/admin/settings", {}))[1]).toBe("/admin/settings?ask=reset");
  expect((await sent(sam, "/admin/settings", { confirmed: "yes" }))[1]).toBe(
    "/admin/settings?reset=yes",
  );
  expect(await stored()).toEqual([]);

  const load = (text: string, more = {}) => sent(sam, "/admin/settings/import", { text, ...more });
  for (
    const [text, words] of [
      ["{", "not valid JSON"],
      ["[]", "The document must be"],
      [
        '{"settings":{"SYNC":{"MAX_RECORDS":"x","NOPE":1},"OTHER":{}}}',
        "There is no setting SYNC.NOPE",
      ],
    ]
  ) {
    const [status, , answer] = await load(text, { action: "import" });
    expect([text, status, answer.includes(words)]).toEqual([text, 400, true]);
  }
  expect((await load(document))[2]).toContain("Every setting of the document is valid.");
  expect(await stored()).toEqual([]);
  expect((await load(document, { action: "import" }))[2]).toContain("2 settings changed");
  const only = '{"settings":{"CHAT":{"RETENTION_DAYS":5}}}';
  await load(only, { action: "import", replace: "on" });
  expect(await stored()).toEqual([{ key: "RETENTION_DAYS", value: 5 }]);
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

Deno.test("the pages for access refuse hostile input with a page that says so", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  for (
    const path of [
      "/admin/users?sort=password",
      "/admin/users?q=%00",
      "/admin/users?after=abc",
      "/admin/users?before=WyJ1c2VybmFtZSIsIlx1MDAwMCIsIjEiXQ",
      "/admin/users/99999999999",
      "/admin/users/0",
      "/admin/users/%27",
      "/admin/organizations/1%20or%201",
      "/admin/organizations?state=x",
      "/admin/groups/-1",
      "/admin/groups?before=%F0",
      "/admin/filters?group_id=x",
      "/admin/filters/filter-0",
      "/admin/filters/other-1",
      "/admin/filters/new",
      "/admin/filters/new?organization=acme-corp&group_id=1&model=%00",
      "/admin/settings/NOPE",
      "/admin/settings/__proto__",
      "/admin/explain?user=%00a&organization=acme-corp&model=nope",
      "/admin/explain?user=mary_sales&organization=global-retail&model=myapp.Customer&after=x",
    ]
  ) {
    const { status } = await sam.get(path);
    expect([path, status >= 400 && status < 500]).toEqual([path, true]);
  }
  for (
    const path of [
      "/admin/users/1",
      "/admin/organizations/1",
      "/admin/groups/1",
      "/admin/filters/preview",
      "/admin/users/new",
      "/admin/organizations/new",
      "/admin/groups/new",
      "/admin/settings/import",
    ]
  ) {
    for (
      const form of [
        {},
        { action: "nonsense" },
        { action: "save", version: "\0", name: "\0", username: "\0" },
        { action: "add", username: "\0'", group: "1", organization: "999999999" },
        { action: "move", membership: "x", group: "1" },
      ] as Record<string, string>[]
    ) {
      const { status } = await sam.post(path, form);
      expect([path, form, status >= 300 && status < 500]).toEqual([path, form, true]);
    }
  }
});
