import { expect } from "expect";
import { demoPassword } from "../cli/demo/mod.ts";
import { valueOf } from "./admin_api_world.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { versionIn } from "./pages_forms_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import { until } from "./support/until.ts";

async function textOf(someone: Visitor, path: string): Promise<string> {
  const answer = await someone.get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.text()).replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

Deno.test("a model's page changes its settings by version, and gives them their defaults", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const path = "/admin/models/myapp.Customer";
  /** Resolves when every process that shares the database has taken the settings up. */
  const isSet = (policy: string, writable: boolean, audit: boolean) =>
    until(async () => {
      const model = (await app.running.services.catalog.current()).find("myapp.Customer")!;
      return model.conflictPolicy === policy && model.writable === writable &&
        model.audit === audit;
    });
  const html = await textOf(sam, path);
  for (const told of ["myapp.customer", "character varying(200)", "Default: last write wins"]) {
    expect([told, html.includes(told)]).toEqual([told, true]);
  }
  const version = versionIn(html);
  const form = { version, conflict_policy: "reject", writable: "no", audit: "yes" };
  expect((await sam.post(path, form)).headers.get("Location")).toBe(`${path}?saved`);
  await isSet("reject", false, true);
  await app.db.script("UPDATE myapp.customer SET age = 30 WHERE id = 1");
  expect(
    await valueOf(
      app.db,
      "SELECT count(*)::int FROM lockstep.audit_event WHERE model = 'myapp.Customer'",
    ),
  ).toBe(1);
  const section = await textOf(sam, "/admin/settings/MODELS");
  expect(section).toContain("conflicts: rejected, pull only, in the audit trail");
  expect((await sam.get("/admin/settings/MODELS?model=myapp.Order")).headers.get("Location"))
    .toBe("/admin/models/myapp.Order");

  // What somebody else changed meanwhile is not overwritten.
  const stale = await sam.post(path, { version, conflict_policy: "merge" });
  expect([stale.status, (await stale.text()).includes("were changed since you read them")])
    .toEqual([412, true]);
  await isSet("reject", false, true);
  for (
    const [name, value] of [["conflict_policy", "worst"], ["writable", "maybe"], ["audit", "\0"]]
  ) {
    expect([name, (await sam.post(path, { version: "*", [name]: value })).status])
      .toEqual([name, 400]);
  }

  const again = versionIn(await textOf(sam, path));
  expect((await sam.post(path, { version: again })).status).toBe(303);
  await isSet("last_write_wins", true, false);
  // An administrator of one organization reads what holds for all, and changes nothing of it.
  expect(await textOf(john, path)).not.toContain('<button type="submit" class="btn btn-primary">');
  expect((await john.post(path, { version: "*", writable: "no" })).status).toBe(403);
  for (const name of ["myapp.Nothing", "%00", "__proto__"]) {
    expect([name, (await sam.get(`/admin/models/${name}`)).status]).toEqual([name, 404]);
  }
});

Deno.test("permissions are copied to a group and an organization, after their losses", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const path = "/admin/permissions/copy";
  const group = (name: string) =>
    valueOf(app.db, "SELECT id FROM lockstep.auth_group WHERE name = $1", [name]);
  const [analysts, sales] = [String(await group("Analysts")), String(await group("Sales"))];
  const rights = (slug: string, groupId: string) =>
    valueOf(
      app.db,
      `SELECT json_agg(json_build_array(model_name, can_push, can_pull) ORDER BY model_name)::text
      FROM lockstep.model_permission p JOIN lockstep.organization o ON o.id = p.organization_id
      WHERE o.slug = $1 AND p.group_id = $2::int`,
      [slug, groupId],
    );
  const form = {
    from: "global-retail",
    from_group: sales,
    to: "acme-corp",
    to_group: analysts,
    replace: "yes",
  };
  await app.db.query(
    `INSERT INTO lockstep.data_filter
      (organization_id, group_id, model_name, filter_name, filter_condition)
    SELECT id, $1::int, 'myapp.Order', 'Goes', '{"id__gt": 5}' FROM lockstep.organization
    WHERE slug = 'acme-corp'`,
    [analysts],
  );
  expect(await rights("acme-corp", analysts)).not.toBe(await rights("global-retail", sales));
  const copied = await sam.post(path, form);
  expect([copied.status, copied.headers.get("Location")?.startsWith(`${path}?`)])
    .toEqual([303, true]);
  expect(await rights("acme-corp", analysts)).toBe(await rights("global-retail", sales));
  expect(await textOf(sam, copied.headers.get("Location")!)).toContain("Permissions of Acme");
  expect(
    await valueOf(
      app.db,
      `SELECT count(*)::int FROM lockstep.data_filter f
      JOIN lockstep.organization o ON o.id = f.organization_id
      WHERE o.slug = 'acme-corp' AND f.group_id = $1::int`,
      [analysts],
    ),
  ).toBe(1);

  // Bob is an analyst of City University: he would see only the customers assigned to him.
  const losing = { ...form, to: "city-university" };
  const before = await rights("city-university", analysts);
  const asked = await sam.post(path, losing);
  expect([asked.status, (await asked.text()).includes("bob_analyst")]).toEqual([422, true]);
  expect(await rights("city-university", analysts)).toBe(before);
  expect((await sam.post(path, { ...losing, confirmed: "yes" })).status).toBe(303);
  expect(await rights("city-university", analysts)).toBe(await rights("global-retail", sales));

  for (
    const wrong of [
      {},
      { ...form, from: "nothing" },
      { ...form, to_group: "999999" },
      { ...form, to_group: "" },
      { ...form, to: form.from, to_group: sales },
    ] as Record<string, string>[]
  ) {
    expect([wrong, (await sam.post(path, wrong)).status]).toEqual([wrong, 400]);
  }
  // Other organizations are none that an administrator could name, as source or as target.
  expect(await textOf(john, path)).not.toContain("global-retail");
  for (const names of [{}, { from: "acme-corp", to: "global-retail" }]) {
    expect((await john.post(path, { ...form, confirmed: "yes", ...names })).status).toBe(400);
  }
});

Deno.test("a device's page counts the changes that it has not pulled", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const pull = async (batch_size: number) => {
    const answer = await app.fetch("/api/sync/pull/", {
      method: "POST",
      headers: {
        Authorization: `Bearer ${await app.token("john_manager", demoPassword)}`,
        "X-Device": "till-9",
      },
      body: JSON.stringify({ models: { "myapp.Customer": null }, batch_size }),
    });
    await answer.body?.cancel();
    await app.recorded();
  };
  const cells = async () => {
    const id = await valueOf(app.db, "SELECT id FROM lockstep.device WHERE name = 'till-9'");
    const html = await textOf(sam, `/admin/devices/${id}`);
    return [...html.matchAll(/<td class="text-end">([^<]*)<\/td>/g)].map(([, text]) => text);
  };
  await pull(2);
  expect(await cells()).toEqual(["Not read to the end"]);
  await pull(10_000);
  expect(await cells()).toEqual(["0"]);
  const change = (slug: string) =>
    app.db.script(`UPDATE myapp.customer c SET age = 31 FROM lockstep.organization o
      WHERE o.id = c.organization_id AND o.slug = '${slug}' AND c.id IN (
        SELECT max(id) FROM myapp.customer GROUP BY organization_id)`);
  await change("global-retail");
  expect(await cells()).toEqual(["0"]);
  await change("acme-corp");
  expect(await cells()).toEqual(["1"]);
});

Deno.test("the pages of the audit trail hold every change once, both ways", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  for (let i = 0; i < 120; i++) {
    await app.db.query(
      "UPDATE lockstep.organization SET description = $1 WHERE slug = 'acme-corp'",
      [`Number ${i}`],
    );
  }
  for (const username of ["sam_staff", "john_manager"]) {
    const someone = await signedIn(app, username);
    const read = async (path: string) => {
      const html = await textOf(someone, path);
      const link = (rel: string) => new RegExp(`href="([^"]*)" rel="${rel}"`).exec(html)?.[1];
      const keys = [...html.matchAll(/<li data-key="(\d+)"/g)].map(([, key]) => Number(key));
      return { keys, older: link("next"), newer: link("prev") };
    };
    const first = await read("/admin/audit");
    expect(first.newer).toBeUndefined();
    const down = [first];
    while (down.at(-1)!.older) down.push(await read(down.at(-1)!.older!));
    expect(down.length).toBeGreaterThan(1);
    const all = down.flatMap(({ keys }) => keys);
    expect(all).toEqual([...new Set(all)].toSorted((a, b) => b - a));
    const up = [down.at(-1)!];
    while (up[0].newer) up.unshift(await read(up[0].newer));
    expect([...new Set(up.flatMap(({ keys }) => keys))].toSorted((a, b) => b - a)).toEqual(all);
    expect(up[0].keys[0]).toBe(all[0]);
  }
});

Deno.test("the navigation and the search lead to pages that one may see", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  expect(await textOf(sam, "/admin/search?q=retail")).toContain("/admin/organizations/");
  expect(await textOf(john, "/admin/search?q=retail")).not.toContain("/admin/organizations/");
  expect(await textOf(sam, "/admin")).toContain('href="/admin/settings"');
  const html = await textOf(john, "/admin/search?q=settings");
  expect(html).not.toContain('href="/admin/settings"');
  // The search is a page of its own, not the dashboard.
  expect(html).not.toContain('aria-current="true"');
  const missing = await (await john.get("/admin/users/99999")).text();
  expect(missing).toContain('href="/admin"');
});
