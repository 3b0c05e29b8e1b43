import { expect } from "expect";
import { valueOf } from "./admin_api_world.ts";
import { activityForADay } from "./pages_activity_support.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { organizationId, textOf } from "./pages_forms_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import { until } from "./support/until.ts";

Deno.test("devices are revoked, allowed and made to start over on their page", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  await activityForADay(app);
  const john = await signedIn(app, "john_manager");
  const idOf = (name: string) =>
    valueOf(app.db, "SELECT id FROM lockstep.device WHERE name = $1", [name]);
  const [own, foreign] = [await idOf("till-1"), await idOf("phone-7")];
  const read = async () => {
    const [row] = await app.db.query(
      `SELECT revoked_at IS NOT NULL AS revoked, resync_requested_at IS NOT NULL AS resync
      FROM lockstep.device WHERE id = $1`,
      [own],
    );
    return row;
  };
  const page = await textOf(await john.get(`/admin/devices/${own}`));
  for (const told of ['has no column "nothing"', "shop-app 2.4.1", "myapp.Product", "Synced"]) {
    expect([told, page.includes(told)]).toEqual([told, true]);
  }
  expect((await john.get(`/admin/devices/${foreign}`)).status).toBe(404);
  expect((await john.post(`/admin/devices/${foreign}`, { do: "revoke" })).status).toBe(404);
  for (
    const [action, expected] of [
      ["revoke", { revoked: true, resync: false }],
      ["allow", { revoked: false, resync: false }],
      ["resync", { revoked: false, resync: true }],
    ] as const
  ) {
    const answer = await john.post(`/admin/devices/${own}`, { do: action });
    expect([action, answer.status, await read()]).toEqual([action, 303, expected]);
    expect((await john.get(answer.headers.get("Location")!)).status).toBe(200);
  }
  expect((await john.post(`/admin/devices/${own}`, { do: "toString" })).status).toBe(400);
  const [event] = await app.db.query(
    "SELECT actor FROM lockstep.audit_event WHERE model = 'lockstep.Device' ORDER BY id DESC LIMIT 1",
  );
  expect(event).toEqual({ actor: "john_manager" });
});

Deno.test("staff choose which tables become models, after a preview", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const path = "/admin/models/settings";
  const john = await signedIn(app, "john_manager");
  expect((await john.get(path)).status).toBe(403);
  expect((await john.post(path, { do: "save" })).status).toBe(403);
  const sam = await signedIn(app, "sam_staff");
  const html = await (await sam.get(path)).text();
  const [, version] = /name="version" value="([^"]+)"/.exec(html)!;
  const form = { version, "v.EXCLUDE_MODELS": "myapp.Report" };
  const names = async () =>
    (await app.running.services.catalog.current()).models.filter(({ enabled }) => enabled)
      .map(({ name }) => name);

  const preview = await textOf(await sam.post(path, { ...form, do: "preview" }));
  expect(preview).toContain("1 model can be synced no more. myapp.Report");
  expect(await names()).toContain("myapp.Report");
  const wrong = await sam.post(path, { version, do: "save", "v.EXCLUDE_MODEL_PATTERNS": "(" });
  expect([wrong.status, (await textOf(wrong)).includes("Nothing was saved")]).toEqual([400, true]);

  expect((await sam.post(path, { ...form, do: "save" })).status).toBe(303);
  // Another process may know it a moment later.
  await until(async () => (await names()).every((name) => `${name}` !== "myapp.Report"));
  const left = await textOf(await sam.get("/admin/models?state=excluded"));
  expect(left).toContain("myapp.Report");
  const stale = await sam.post(path, { version, do: "save", "v.EXCLUDE_MODELS": "myapp.Order" });
  expect(stale.status).toBe(412);
});

Deno.test("the search finds pages, models, users and records by key, of what is administered", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const found = async (someone: Visitor, q: string) => {
    const query = new URLSearchParams({ q, format: "json" });
    const entries = await (await someone.get(`/admin/search?${query}`)).json();
    return entries.map(({ kind, href }: { kind: string; href: string }) => `${kind} ${href}`);
  };
  const customerOf = async (slug: string) =>
    await valueOf(app.db, "SELECT min(id) FROM myapp.customer WHERE organization_id = $1", [
      await organizationId(app, slug),
    ]);
  expect(await found(sam, "audit")).toEqual(["Page /admin/audit"]);
  expect(await found(sam, "CUST")).toContain("Model /admin/records/myapp/Customer/");
  expect((await found(sam, "mary")).length).toBe(1);
  expect(await found(john, "mary")).toEqual([]);
  const [own, foreign] = [await customerOf("acme-corp"), await customerOf("global-retail")];
  for (const q of [`customer ${own}`, `myapp.Customer/${own}`, `cust #${own}`]) {
    expect([q, await found(john, q)]).toEqual([
      q,
      [`Record /admin/records/myapp/Customer/${own}/change/`],
    ]);
  }
  expect(await found(john, `customer ${foreign}`)).toEqual([]);
  expect(await found(sam, "customer x\0y")).toEqual([]);
  expect(await found(sam, "")).toEqual([]);
});
