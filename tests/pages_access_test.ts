import { expect } from "expect";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { idOf, sent } from "./pages_forms_support.ts";
import { openDemoApp } from "./pages_support.ts";

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
        organization: "global-retail",
        template: "read_only",
      }, 400],
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
        { action: "add", username: "\0'", group: "1", organization: "\0" },
        { action: "move", membership: "x", group: "1" },
      ] as Record<string, string>[]
    ) {
      const { status } = await sam.post(path, form);
      expect([path, form, status >= 300 && status < 500]).toEqual([path, form, true]);
    }
  }
});
