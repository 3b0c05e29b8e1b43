import { expect } from "expect";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { html, idOf, one, sent, versionIn } from "./pages_forms_support.ts";
import { openDemoApp, visitor } from "./pages_support.ts";

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
      [{ ...person, organization: "global-retail" }, "Choose an organization that you administer"],
    ] as [Record<string, string>, string][]
  ) {
    const [status, , text] = await sent(john, "/admin/users/new", {
      organization: "acme-corp",
      group,
      ...form,
    });
    expect([words, status >= 400 && status < 500, text.includes(words)])
      .toEqual([words, true, true]);
    expect(text).not.toContain("a quiet secret");
  }
  const [, made] = await sent(john, "/admin/users/new", {
    ...person,
    organization: "acme-corp",
    group,
  });
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

  const picture = async (avatar_url: string) => {
    const version = versionIn(await html(john, path));
    const [status, , text] = await sent(john, path, {
      ...person,
      action: "save",
      version,
      avatar_url,
    });
    return [status, text.includes("Give a path that begins with one slash")];
  };
  const stored = async () =>
    (await one<{ avatar_url: string | null }>(
      app,
      "SELECT avatar_url FROM lockstep.app_user WHERE username = 'new.person'",
    )).avatar_url;
  for (const url of ["//elsewhere", "javascript:alert(1)", "data:text/html;base64,PA==", "x"]) {
    expect([url, ...await picture(url)]).toEqual([url, 400, true]);
  }
  for (const url of ["/pictures/new.png", "data:image/png;base64,iVBORw0KGgo="]) {
    expect(await picture(url)).toEqual([303, false]);
    expect(await stored()).toBe(url);
  }
  expect(await html(john, path)).toContain("data:image/png;base64,iVBORw0KGgo=");
  await picture("");
  expect(await stored()).toBeNull();

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
  const template = (path: string, template: string, more = {}) =>
    sent(sam, path, { action: "template", organization: "acme-corp", template, ...more });
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
