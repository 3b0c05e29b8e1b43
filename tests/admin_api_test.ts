import { expect } from "expect";
import { ids, type Json, json, testAdmin, told, valueOf } from "./admin_api_world.ts";

testAdmin(
  "a change is attributed to the caller, and one that changes nothing writes nothing",
  async (world) => {
    const events = () => valueOf(world.db, "SELECT count(*) FROM lockstep.audit_event");
    const path = "/api/admin/organizations/1";
    const first = await world.send("administrator", "GET", path);
    const etag = first.headers.get("ETag")!;
    expect(etag).toBe(`"${(await first.json()).version}"`);
    const before = await events();
    const same = await world.send("administrator", "PATCH", path, { name: "One" }, {
      "If-Match": etag,
    });
    expect([same.status, same.headers.get("ETag"), await events()]).toEqual([200, etag, before]);
    const changed = await world.send("administrator", "PATCH", path, { name: "First" }, {
      "If-Match": etag,
      "X-Request-Id": "change-1",
    });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("ETag")).not.toBe(etag);
    await world.send("superuser's session", "PATCH", path, { name: "Second" });
    const rows = await world.db.query(
      `SELECT actor, actor_id, source, request_id, changed FROM lockstep.audit_event
    WHERE id > (SELECT max(id) - 2 FROM lockstep.audit_event) ORDER BY id`,
    );
    expect(rows[0]).toEqual({
      actor: "ada",
      actor_id: ids.ada,
      source: "api",
      request_id: "change-1",
      changed: ["name"],
    });
    expect(rows[1]).toMatchObject({ actor: "root", source: "admin" });
    expect(
      await told(world.send("administrator", "PATCH", path, { name: "Third" }, {
        "If-Match": etag,
      })),
    ).toEqual([412, "precondition_failed"]);
  },
  true,
);

testAdmin(
  "lists are paged without gap or repetition, sorted, filtered and searched",
  async (world) => {
    for (let i = 0; i < 25; i++) {
      await world.db.query(
        "INSERT INTO lockstep.app_user (username, password, is_active) VALUES ($1, '!', $2)",
        [`page${i % 5}.${i}`, i % 2 === 0],
      );
    }
    for (const sort of ["username", "-username", "last_login", "-created_at", "-id"]) {
      const seen: Json[] = [];
      let next: string | null = "";
      while (next !== null) {
        const cursor = next === "" ? "" : `&cursor=${next}`;
        const page = await json(
          world.send("staff", "GET", `/api/admin/users?limit=4&sort=${sort}${cursor}`),
        );
        seen.push(...page.items);
        next = page.next;
      }
      expect(new Set(seen.map(({ id }) => id)).size).toBe(33);
      expect(seen.length).toBe(33);
      if (sort === "-id") {
        expect(seen.map(({ id }) => id)).toEqual(seen.map(({ id }) => id).sort((a, b) => b - a));
      }
    }
    const list = async (query: string) =>
      (await json(world.send("staff", "GET", `/api/admin/users?${query}`))).items.map(
        ({ username }: Json) => username,
      );
    expect(await list("q=PAGE3.&is_active=true")).toEqual(["page3.18", "page3.8"]);
    expect(await list("is_superuser=true")).toEqual(["root"]);
    expect(await list("q=%25")).toEqual([]);
    expect(await list("created_at_to=2000-01-01T00:00:00Z")).toEqual([]);
    const other = (await json(world.send("staff", "GET", "/api/admin/users?limit=1"))).next;
    for (
      const [query, code] of [
        ["limit=0", "invalid_value"],
        ["limit=1001", "invalid_value"],
        ["sort=password", "invalid_value"],
        ["cursor=x", "invalid_cursor"],
        [`cursor=${other}&sort=-username`, "cursor_mismatch"],
        [`cursor=${btoa('["id","x","1"]')}&sort=id`, "invalid_cursor"],
        ["is_active=perhaps", "invalid_value"],
        ["created_at_from=0000-01-01T00:00:00Z", "invalid_value"],
        ["q=%00", "invalid_value"],
      ]
    ) {
      expect([query, ...await told(world.send("staff", "GET", `/api/admin/users?${query}`))])
        .toEqual([query, 400, code]);
    }
  },
  true,
);

testAdmin("administrators keep to their organization: users, memberships, ranks", async (world) => {
  const asAdministrator = (method: string, path: string, body?: unknown) =>
    told(world.send("administrator", method, `/api/admin/${path}`, body));
  // Ranks, staff, and members of organizations of others.
  expect(await asAdministrator("PATCH", `users/${ids.mia}`, { is_staff: true }))
    .toEqual([403, "permission_denied"]);
  expect(await asAdministrator("PATCH", `users/${ids.mia}`, { is_superuser: true }))
    .toEqual([403, "permission_denied"]);
  expect(await asAdministrator("PATCH", `users/${ids.bea}`, { email: "b@example.org" }))
    .toEqual([403, "permission_denied"]);
  expect(await asAdministrator("POST", `users/${ids.bea}/password`, { password: "long enough 1" }))
    .toEqual([403, "permission_denied"]);
  expect(await asAdministrator("POST", `users/${ids.bea}/revoke`)).toEqual([
    403,
    "permission_denied",
  ]);
  await world.db.query(
    "INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES ($1, 1, 1)",
    [ids.sam],
  );
  expect(await asAdministrator("PATCH", `users/${ids.sam}`, { is_active: false }))
    .toEqual([403, "permission_denied"]);
  // Who is not there cannot be found by trying numbers.
  for (const id of [6, 7, 999]) {
    expect(await asAdministrator("GET", `users/${id}`)).toEqual([404, "not_found"]);
    expect(
      await asAdministrator("POST", "memberships", {
        user_id: id,
        organization_id: ids.one,
        group_id: ids.members,
      }),
    ).toEqual([404, "not_found"]);
  }
  expect(
    await asAdministrator("POST", "memberships", {
      user_id: ids.mia,
      organization_id: ids.two,
      group_id: ids.administrators,
    }),
  ).toEqual([404, "not_found"]);
  // New users get a membership of theirs, and no rank.
  const user = { username: "new", password: null };
  expect(await asAdministrator("POST", "users", user)).toEqual([400, "required"]);
  const places = (organization_id: number) => [{ organization_id, group_id: ids.members }];
  expect(await asAdministrator("POST", "users", { ...user, memberships: places(ids.two) }))
    .toEqual([404, "not_found"]);
  expect(
    await asAdministrator("POST", "users", {
      ...user,
      memberships: places(ids.one),
      is_staff: true,
    }),
  ).toEqual([403, "permission_denied"]);
  expect(await asAdministrator("POST", "users", { ...user, memberships: places(ids.one) }))
    .toEqual([201, undefined]);
  expect(await asAdministrator("POST", "users", { ...user, memberships: places(ids.one) }))
    .toEqual([409, "duplicate"]);
  // What staff alone change of the organization.
  expect(await asAdministrator("PATCH", "organizations/1", { slug: "other" }))
    .toEqual([403, "permission_denied"]);
  expect(await asAdministrator("PATCH", "organizations/1", { is_active: false }))
    .toEqual([403, "permission_denied"]);
  expect(
    await asAdministrator("PUT", "permissions", {
      items: [{
        organization_id: ids.two,
        group_id: ids.readers,
        model: "app.Note",
        push: true,
        pull: true,
      }],
    }),
  ).toEqual([404, "not_found"]);
  expect(
    await asAdministrator("POST", "permissions/copy", {
      from: { organization_id: ids.two },
      to: { organization_id: ids.one },
    }),
  ).toEqual([404, "not_found"]);
  // A membership that ended, or an organization that is not active, gives nothing.
  await world.db.query("UPDATE lockstep.organization SET is_active = false WHERE id = 1");
  expect(await asAdministrator("GET", "users")).toEqual([403, "permission_denied"]);
}, true);

testAdmin(
  "nobody disables, demotes or deletes themselves, and the administrators' group stays",
  async (world) => {
    const asRoot = (method: string, path: string, body?: unknown) =>
      told(world.send("superuser", method, `/api/admin/${path}`, body));
    for (const body of [{ is_active: false }, { is_staff: false }, { is_superuser: false }]) {
      expect(await asRoot("PATCH", `users/${ids.root}`, body)).toEqual([409, "conflict"]);
    }
    expect(await asRoot("DELETE", `users/${ids.root}`)).toEqual([409, "conflict"]);
    expect(await asRoot("PATCH", "groups/1", { name: "Others" })).toEqual([409, "conflict"]);
    expect(await asRoot("DELETE", "groups/1")).toEqual([409, "conflict"]);
    expect(await asRoot("DELETE", "organizations/1")).toEqual([409, "conflict"]);
  },
);

testAdmin("passwords are set by the policy, and end what the old one opened", async (world) => {
  const path = `/api/admin/users/${ids.mia}/password`;
  const weak = await json(world.send("administrator", "POST", path, { password: "short" }));
  expect([weak.code, weak.errors[0].field]).toEqual(["invalid_value", "password"]);
  expect(await told(world.send("member", "GET", "/api/admin/me"))).toEqual([
    403,
    "permission_denied",
  ]);
  const password = "a Long enough one";
  expect((await world.send("administrator", "POST", path, { password })).status).toBe(204);
  expect(await told(world.send("member", "GET", "/api/admin/me"))).toEqual([401, "token_revoked"]);
  expect(await world.app.token("mia", password)).toEqual(expect.any(String));
  const shown = JSON.stringify(
    await world.db.query("SELECT before, after FROM lockstep.audit_event WHERE model = $1", [
      "lockstep.AppUser",
    ]),
  );
  expect(shown).not.toContain("argon2");
});
