import { expect } from "expect";
import { demoPassword } from "../cli/demo/mod.ts";
import type { Catalog } from "../lib/models/mod.ts";
import { repairedRecord, scanRecord } from "../lib/web/mod.ts";
import { valueOf } from "./admin_api_world.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { organizationId, textOf } from "./pages_forms_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

/** A record of John's that was refused; resolves to its number. */
async function refuse(app: TestApp, record: string, username = "john_manager"): Promise<number> {
  const answer = await app.fetch("/api/sync/push/", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${await app.token(username, demoPassword)}`,
      "Content-Type": "application/json",
      "X-Device": "till-1",
    },
    body: `{"data": [${record}]}`,
  });
  const { errors } = await answer.json();
  return errors[0].quarantine_id;
}

const stateOf = (app: TestApp, id: number) =>
  valueOf<string>(app.db, "SELECT state FROM lockstep.quarantine WHERE id = $1", [id]);

Deno.test("a refused record is repaired in a form and written with its pusher's rights", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const record =
    `{"_model": "myapp.Customer", "name": "Ada \\"L\\"", "credit_limit": 12345678901234567.80, "wrong": 1}`;
  const id = await refuse(app, record);
  const shown = await textOf(await sam.get(`/admin/quarantine/${id}`));
  expect(shown).toContain("not 12345678901234567.80");
  expect(shown).toContain("john_manager");
  const path = `/admin/quarantine/${id}`;

  const refused = await sam.post(path, { "v.credit_limit": "5", "v.wrong": "1" });
  expect(refused.status).toBe(422);
  expect(await textOf(refused)).toContain('has no column "wrong"');
  expect(await stateOf(app, id)).toBe("open");

  const form = {
    "v.name": 'Ada "L"',
    "v.credit_limit": "1234567890.80",
    "v.wrong": "1",
    "out.wrong": "on",
  };
  const done = await sam.post(path, form);
  expect([done.status, await textOf(done)]).toEqual([303, ""]);
  expect(await stateOf(app, id)).toBe("replayed");
  const [row] = await app.db.query(
    `SELECT name, credit_limit::text, organization_id FROM myapp.customer WHERE name LIKE 'Ada%'`,
  );
  expect(row).toEqual({
    name: 'Ada "L"',
    credit_limit: "1234567890.80",
    organization_id: await organizationId(app, "acme-corp"),
  });
  expect((await sam.post(path, form)).status).toBe(409);
  const [event] = await app.db.query(
    "SELECT actor, source FROM lockstep.audit_event WHERE model = 'lockstep.Quarantine' ORDER BY id DESC LIMIT 1",
  );
  expect(event).toEqual({ actor: "sam_staff", source: "admin" });
  expect((await sam.get("/admin/quarantine/0")).status).toBe(404);
  expect((await sam.get("/admin/quarantine/x")).status).toBe(404);
});

Deno.test("what a form of a refused record does not change keeps every digit", () => {
  const kept = scanRecord('{"_model":"a.B","n":1.00000000000000000001,"s":"x","j":{"a":1.10}}', 64);
  const catalog = { find: () => undefined } as unknown as Catalog;
  const form = new URLSearchParams({
    "v.n": "1.00000000000000000001",
    "v.s": "y",
    "v.j": '{"a":1.10}',
  });
  expect(repairedRecord(kept, catalog, form)).toEqual({
    record: '{"_model":"a.B","n":1.00000000000000000001,"s":"y","j":{"a":1.10}}',
    problems: new Map(),
  });
  form.set("v.j", "{broken");
  form.set("v._model", "c.D");
  expect(repairedRecord(kept, catalog, form).record).toContain('"_model":"a.B"');
  expect([...repairedRecord(kept, catalog, form).problems.keys()]).toEqual(["j"]);
});

Deno.test("refused records are replayed and discarded together, by those who administer them", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const wrong = `{"_model": "myapp.Customer", "name": "Bo", "wrong": 1}`;
  const ids = [await refuse(app, wrong), await refuse(app, wrong)];
  const foreign = await refuse(app, wrong, "mary_sales");
  const post = (someone: Visitor, form: string) =>
    app.fetch("/admin/quarantine", {
      method: "POST",
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "same-origin",
        Cookie: [...someone.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      },
      body: form,
    });
  const list = await textOf(await john.get("/admin/quarantine"));
  expect(ids.every((id) => list.includes(`#${id}`)) && !list.includes(`#${foreign}`)).toBe(true);
  expect((await john.get(`/admin/quarantine/${foreign}`)).status).toBe(404);
  expect((await post(john, `id=${foreign}&do=discard&confirmed=yes`)).status).toBe(404);
  expect(await stateOf(app, foreign)).toBe("open");

  const refused = await textOf(await post(john, `id=${ids[0]}&id=${ids[1]}&do=replay`));
  expect(refused).toContain("2 records were not replayed.");
  await app.db.script("ALTER TABLE myapp.customer ADD COLUMN wrong integer");
  // On a slow machine the catalog looks at the schema four times a second only.
  await app.everywhere(async () =>
    (await textOf(await sam.get("/admin/models/myapp.Customer"))).includes(" wrong ")
  );
  const replayed = await textOf(await post(john, `id=${ids[0]}&do=replay`));
  expect(replayed).toContain("1 record was replayed.");
  expect(await stateOf(app, ids[0])).toBe("replayed");

  const asked = await textOf(await post(sam, `id=${ids[1]}&id=${foreign}&do=discard`));
  expect(asked).toContain("Discard 2 records?");
  expect(await stateOf(app, foreign)).toBe("open");
  const gone = await post(sam, `id=${ids[1]}&id=${foreign}&do=discard&confirmed=yes`);
  expect(await textOf(gone)).toContain("2 records were discarded.");
  expect([await stateOf(app, ids[1]), await stateOf(app, foreign)]).toEqual([
    "discarded",
    "discarded",
  ]);
  expect((await post(sam, "do=nonsense")).status).toBe(400);
  expect(await textOf(await post(sam, "do=replay"))).toContain("No record was selected.");
});

Deno.test("an administrator does not get a superuser's rights by repairing a superuser's record", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const john = await signedIn(app, "john_manager");
  const id = await valueOf(
    app.db,
    `INSERT INTO lockstep.quarantine (organization_id, user_id, model_name, payload, code, message)
    SELECT o.id, u.id, 'myapp.Report', '{"_model": "myapp.Report", "title": "T"}', 'x', 'x'
    FROM lockstep.organization o, lockstep.app_user u
    WHERE (o.slug, u.username) = ('acme-corp', 'admin') RETURNING id`,
  );
  await app.db.query(
    `UPDATE lockstep.model_permission SET can_push = false WHERE model_name = 'myapp.Report'`,
  );
  const refused = await john.post(`/admin/quarantine/${id}`, { "v.title": "T" });
  expect(refused.status).toBe(422);
  expect(await textOf(refused)).toContain("You may not push myapp.Report");
});
