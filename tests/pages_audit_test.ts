import { expect } from "expect";
import { valueOf } from "./admin_api_world.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { html, one, organizationId, sent, textOf, versionIn } from "./pages_forms_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

const rightsOf = (app: TestApp, id: number) =>
  valueOf<boolean>(app.db, "SELECT can_push FROM lockstep.model_permission WHERE id = $1", [id]);

Deno.test("the audit trail's page filters, exports and reverts, within what is administered", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const changed: Record<string, { permission: number; event: number }> = {};
  for (const slug of ["acme-corp", "global-retail"]) {
    const permission = await valueOf(
      app.db,
      "SELECT min(id) FROM lockstep.model_permission WHERE organization_id = $1 AND can_push",
      [await organizationId(app, slug)],
    );
    await app.db.transaction(
      { settings: { "lockstep.actor": `cause of ${slug}`, "lockstep.source": "api" } },
      (tx) =>
        tx.query("UPDATE lockstep.model_permission SET can_push = false WHERE id = $1", [
          permission,
        ]),
    );
    const event = await valueOf(app.db, "SELECT max(id) FROM lockstep.audit_event");
    changed[slug] = { permission, event };
  }
  const seen = async (someone: Visitor, query: string) => {
    const text = await textOf(await someone.get(`/admin/audit?${query}`));
    return Object.keys(changed).filter((slug) => text.includes(`by cause of ${slug}`));
  };
  expect(await seen(sam, "action=update")).toEqual(["acme-corp", "global-retail"]);
  expect(await seen(sam, "actor=cause+of+acme-corp")).toEqual(["acme-corp"]);
  const { permission, event } = changed["acme-corp"];
  expect(await seen(sam, `model=lockstep.ModelPermission&key=${permission}`)).toEqual([
    "acme-corp",
  ]);
  expect(await seen(sam, "source=sql")).toEqual([]);
  expect(await textOf(await sam.get("/admin/audit?model=lockstep.ModelPermission")))
    .toMatch(/lockstep.ModelPermission [^\n]*: myapp\.\w+ in acme-corp/);
  expect(await seen(sam, "from=2001-01-01&to=2001-01-02")).toEqual([]);
  expect(await seen(sam, "organization=global-retail")).toEqual(["global-retail"]);
  expect(await seen(sam, "organization=")).toEqual(["acme-corp", "global-retail"]);
  expect(await seen(john, "")).toEqual(["acme-corp"]);

  const csv = await (await john.get("/admin/audit/export?format=csv&action=update")).text();
  expect(csv).toContain("cause of acme-corp");
  expect(csv).not.toContain("cause of global-retail");
  const lines = (await (await sam.get("/admin/audit/export?format=ndjson&action=update")).text())
    .trimEnd().split("\n").map((line) => JSON.parse(line).actor);
  expect(lines).toEqual(["cause of global-retail", "cause of acme-corp"]);

  expect((await john.get(`/admin/audit/${changed["global-retail"].event}`)).status).toBe(404);
  expect((await john.post(`/admin/audit/${changed["global-retail"].event}`, {})).status).toBe(404);
  expect(await rightsOf(app, changed["global-retail"].permission)).toBe(false);
  const reverted = await john.post(`/admin/audit/${event}`, {});
  expect(reverted.status).toBe(303);
  expect(await rightsOf(app, permission)).toBe(true);
  const after = await textOf(await john.get(reverted.headers.get("Location")!));
  expect(after).toContain(`Change ${event} is reverted.`);
  expect(after).toContain("by john_manager in the admin");
  const again = await john.post(`/admin/audit/${event}`, {});
  expect(again.status).toBe(409);
  expect(await textOf(again)).toContain(
    "The change cannot be reverted: can_push changed since.",
  );
  for (const path of ["x", "0", "999999999", "99999999999999999999"]) {
    expect((await sam.get(`/admin/audit/${path}`)).status).toBe(404);
  }
  for (const query of ["before=x", "from=x", "q=%00", "source=x", "model=myapp.Customer&key={"]) {
    expect([query, (await sam.get(`/admin/audit?${query}`)).status]).toEqual([query, 400]);
  }
});

Deno.test("edits of records in the admin are found, compared and reverted on the trail's page", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const { id } = await one<{ id: number }>(app, "SELECT min(id) AS id FROM myapp.customer");
  const city = () => valueOf<string>(app.db, "SELECT city FROM myapp.customer WHERE id = $1", [id]);
  const was = await city();
  const path = `/admin/records/myapp/Customer/${id}`;
  const page = await html(sam, `${path}/change/`);
  const form = {
    version: versionIn(page),
    base: /name="base" value="([^"]+)"/.exec(page)![1].replaceAll("&quot;", '"'),
    "v.city": "Edited",
  };
  expect((await sent(sam, `${path}/change/`, form))[0]).toBe(303);
  const found = await textOf(await sam.get("/admin/audit?action=update&model=myapp.Customer"));
  expect(found).toContain("Changed");
  expect(found).toContain("Edited");
  expect(found).not.toContain("admin_update");
  const event = await valueOf(app.db, "SELECT max(id) FROM lockstep.audit_event");
  const details = await textOf(await sam.get(`/admin/audit/${event}`));
  for (const words of ["What changed", was, "Edited", "Revert this change"]) {
    expect(details).toContain(words);
  }
  const reverted = await sam.post(`/admin/audit/${event}`, {});
  expect([reverted.status, await city()]).toEqual([303, was]);
  expect((await sam.get(reverted.headers.get("Location")!)).status).toBe(200);
  expect((await sam.post(`/admin/audit/${event}`, {})).status).toBe(409);
});

Deno.test("the page that verifies the chain tells staff what was altered", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const john = await signedIn(app, "john_manager");
  expect((await john.get("/admin/audit/verify")).status).toBe(403);
  expect((await john.post("/admin/audit/verify", {})).status).toBe(403);
  const sam = await signedIn(app, "sam_staff");
  const good = await textOf(await sam.post("/admin/audit/verify", {}));
  expect(good).toMatch(/[\d,]+ changes verified: the trail is intact\./);
  const [, known] = /Keep this head elsewhere: (\d+ [0-9a-f]{64})/.exec(good)!;
  expect(await textOf(await sam.post("/admin/audit/verify", { known }))).toContain("is intact");
  expect((await sam.post("/admin/audit/verify", { known: "5 x" })).status).toBe(400);
  await app.db.script(`
    ALTER TABLE lockstep.audit_event DISABLE TRIGGER USER;
    UPDATE lockstep.audit_event SET actor = 'somebody else' WHERE id = 5`);
  expect(await textOf(await sam.post("/admin/audit/verify", {}))).toContain(
    "The trail is not what was written",
  );
});
