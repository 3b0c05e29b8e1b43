import { expect } from "expect";
import { demoPassword } from "../cli/demo/mod.ts";
import { adminScope } from "../lib/access/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import type { Catalog } from "../lib/models/mod.ts";
import { performanceByModel, performanceSeries, syncCounts, syncDay } from "../lib/observe/mod.ts";
import { repairedRecord, scanRecord } from "../lib/web/mod.ts";
import { valueOf } from "./admin_api_world.ts";
import { activityForADay } from "./pages_activity_support.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import { needsOneProcess, type TestApp } from "./support/app.ts";
import { eachDatabase } from "./support/databases.ts";
import { until } from "./support/until.ts";

/** Two organizations; ann administers the first, staff everything. */
async function world(db: Database) {
  await db.script(`
    INSERT INTO lockstep.organization (name, slug) VALUES ('One', 'one'), ('Two', 'two');
    INSERT INTO lockstep.auth_group (name) VALUES ('Administrators');
    INSERT INTO lockstep.app_user (username, password, is_staff)
      VALUES ('ann', '!', false), ('staff', '!', true);
    INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
      SELECT u.id, o.id, g.id FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
      WHERE (u.username, o.slug) = ('ann', 'one');
    INSERT INTO lockstep.sync_log
      (organization_id, operation, status, model_name, object_count, error_message, timestamp)
    SELECT o.id, l.operation, l.status, l.model, l.count, l.message, now() - l.age
    FROM (VALUES
      ('one', 'PUSH', 'SUCCESS', 'a.A', 3, '', interval '0'),
      ('one', 'PULL', 'SUCCESS', 'a.A', 5, '', interval '0'),
      ('one', 'PUSH', 'ERROR', 'a.A', 0, 'older', interval '2 minutes'),
      ('one', 'PUSH', 'ERROR', 'a.A', 0, 'newer', interval '1 minute'),
      ('two', 'PUSH', 'WARNING', 'a.B', 7, 'some', interval '5 hours'),
      ('two', 'PULL', 'SUCCESS', 'a.B', 1, '', interval '25 hours'),
      (NULL, 'PULL', 'ERROR', '', 0, 'nobody', interval '0')
    ) AS l (slug, operation, status, model, count, message, age)
    LEFT JOIN lockstep.organization o ON o.slug = l.slug`);
  const scopeOf = async (username: string) => {
    const [user] = await db.query<{ id: number; is_staff: boolean }>(
      "SELECT id, is_staff FROM lockstep.app_user WHERE username = $1",
      [username],
    );
    const { id: userId, is_staff: isStaff } = user;
    return await adminScope(db, { userId, username, email: "", isStaff, isSuperuser: false });
  };
  const organizations = await db.query<{ id: number }>(
    "SELECT id FROM lockstep.organization ORDER BY slug",
  );
  return {
    ann: await scopeOf("ann"),
    staff: await scopeOf("staff"),
    one: organizations[0].id,
    two: organizations[1].id,
  };
}

eachDatabase("syncDay() counts 24 hours without gaps, within its part", async ({ db }) => {
  const { ann, staff, one, two } = await world(db);
  const sums = async (part: Parameters<typeof syncDay>[1]) => {
    const { hours } = await syncDay(db, part);
    expect(hours.length).toBe(24);
    hours.forEach(({ hour }, i) =>
      expect(hour.getTime() - hours[0].hour.getTime()).toBe(i * 3_600_000)
    );
    expect(Date.now() - hours[23].hour.getTime()).toBeLessThan(3_700_000);
    return (["pushes", "pulls", "failures"] as const).map((name) =>
      hours.reduce((sum, hour) => sum + hour[name], 0)
    );
  };
  expect(await sums({ scope: staff })).toEqual([2, 1, 3]);
  expect(await sums({ scope: ann })).toEqual([1, 1, 2]);
  expect(await sums({ scope: staff, organizationId: two })).toEqual([1, 0, 0]);
  expect(await sums({ scope: ann, organizationId: one })).toEqual([1, 1, 2]);
  expect(await sums({ scope: ann, organizationId: two })).toEqual([0, 0, 0]);
});

eachDatabase("syncDay() names the last trouble of each model", async ({ db }) => {
  const { ann, staff } = await world(db);
  const { failing: found } = await syncDay(db, { scope: staff });
  expect(found.map(({ lastAt: _lastAt, ...row }) => row)).toEqual([
    { model: "a.A", operations: 4, failures: 2, warnings: 0, lastMessage: "newer" },
    { model: "", operations: 1, failures: 1, warnings: 0, lastMessage: "nobody" },
    { model: "a.B", operations: 1, failures: 0, warnings: 1, lastMessage: "some" },
  ]);
  expect((await syncDay(db, { scope: ann })).failing.map(({ model }) => model)).toEqual(["a.A"]);
});

eachDatabase("syncCounts() and syncDay() count within their part", async ({ db }) => {
  const { ann, staff, two } = await world(db);
  const both = async (part: Parameters<typeof syncDay>[1]) => {
    const { hours: _hours, failing: _failing, ...sums } = await syncDay(db, part);
    return { ...await syncCounts(db, part), ...sums };
  };
  expect(await both({ scope: staff })).toEqual({
    organizations: 2,
    users: 1,
    devices: 0,
    devicesSeen: 0,
    openQuarantine: 0,
    recordsPushed: 10,
    recordsPulled: 5,
    failures: 3,
  });
  expect(await both({ scope: ann })).toMatchObject({
    organizations: 1,
    users: 1,
    recordsPushed: 3,
    failures: 2,
  });
  expect(await both({ scope: ann, organizationId: two })).toMatchObject({
    organizations: 0,
    users: 0,
    recordsPushed: 0,
  });
});

/** Ids by organization's slug. */
async function organizationId(app: TestApp, slug: string): Promise<number> {
  return await valueOf(app.db, "SELECT id FROM lockstep.organization WHERE slug = $1", [slug]);
}

/** The text of a page without its tags. */
async function textOf(answer: Response): Promise<string> {
  const html = await answer.text();
  const main = /<main[\s\S]*<\/main>/.exec(html)?.[0] ?? html;
  return main.replaceAll(/<[^>]*>/g, " ").replaceAll(/&#39;|&quot;/g, '"').replaceAll(/\s+/g, " ");
}

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
  app.running.services.catalog.invalidate();
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

eachDatabase(
  "performanceSeries() measures by period and model, within its part",
  async ({ db }) => {
    const { ann, staff, two } = await world(db);
    await db.script(`
    TRUNCATE lockstep.sync_log;
    INSERT INTO lockstep.performance_metric (organization_id, operation_type, model_name, batch_size,
      processing_time, memory_usage, query_count, timestamp)
    SELECT o.id, m.operation, m.model, m.batch, m.time, m.memory, m.queries, now() - m.age
    FROM (VALUES
      ('one', 'PUSH', 'a.A', 10, 0.1, 100, 2, interval '0'),
      ('one', 'PUSH', 'a.A', 30, 0.3, 200, 4, interval '0'),
      ('two', 'PULL', 'a.B', 50, 1.0, NULL, 6, interval '3 days'),
      ('two', 'PULL', 'a.B', 50, 9.0, NULL, 6, interval '40 days'))
      AS m (slug, operation, model, batch, time, memory, queries, age)
    JOIN lockstep.organization o ON o.slug = m.slug;
    INSERT INTO lockstep.sync_log (organization_id, operation, status, model_name, object_count,
      processing_time)
    SELECT id, 'PUSH', 'SUCCESS', 'a.A', 20, 0.1 FROM lockstep.organization WHERE slug = 'one'`);
    const query = { bucketSeconds: 86_400, buckets: 30 };
    const series = await performanceSeries(db, { scope: staff, ...query });
    expect(series.length).toBe(30);
    expect(series.map(({ operations }) => operations).filter((count) => count > 0)).toEqual([1, 2]);
    const { at, ...today } = series.at(-1)!;
    expect(at.getTime() % 86_400_000).toBe(0);
    expect(today).toEqual({
      operations: 2,
      averageTime: expect.closeTo(0.2, 9),
      p95: expect.closeTo(0.29, 9),
      averageBatch: 20,
      throughput: expect.closeTo(200, 6),
      memory: 150,
      averageQueries: 3,
    });
    expect(series[0]).toMatchObject({ operations: 0, averageTime: null, throughput: null });
    const names = async (part: Parameters<typeof performanceByModel>[1]) =>
      (await performanceByModel(db, part)).map(({ model }) => model);
    expect(await names({ scope: staff, ...query })).toEqual(["a.B", "a.A"]);
    expect(await names({ scope: ann, ...query })).toEqual(["a.A"]);
    expect(await names({ scope: ann, organizationId: two, ...query })).toEqual([]);
    expect(await names({ scope: staff, operation: "PULL", ...query })).toEqual(["a.B"]);
    expect(await names({ scope: staff, model: "a.A", ...query })).toEqual(["a.A"]);
  },
);

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

/** Reads the events of a stream until one of that name. */
async function nextEvent(reader: ReadableStreamDefaultReader<string>): Promise<string | undefined> {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const [, name] = /event: (\w+)\n/.exec(text) ?? [];
    if (name) return name;
  }
}

async function follow(someone: Visitor) {
  const answer = await someone.get("/admin/live");
  expect(answer.headers.get("Content-Type")).toBe("text/event-stream");
  return answer.body!.pipeThrough(new TextDecoderStream()).getReader();
}

const logOf = (app: TestApp, slug: string) =>
  app.db.query(
    `INSERT INTO lockstep.sync_log (organization_id, operation, status)
    SELECT id, 'PULL', 'SUCCESS' FROM lockstep.organization WHERE slug = $1`,
    [slug],
  );

Deno.test("pages are told at once of what is new in what they show, until rights are withdrawn", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const samReads = await follow(sam);
  const johnReads = await follow(john);
  await logOf(app, "global-retail");
  expect(await nextEvent(samReads)).toBe("logs");
  // Had John been told of the other organization's line, that would come first.
  await app.db.query(
    "UPDATE lockstep.organization SET description = 'new' WHERE slug = 'acme-corp'",
  );
  expect(await nextEvent(johnReads)).toBe("audit");
  await app.db.query(
    `DELETE FROM lockstep.user_organization m USING lockstep.auth_group g, lockstep.app_user u
    WHERE g.id = m.group_id AND u.id = m.user_id
      AND (g.name, u.username) = ('Administrators', 'john_manager')`,
  );
  let last: string | undefined;
  for (let name = await nextEvent(johnReads); name; name = await nextEvent(johnReads)) last = name;
  expect(last).toBe("revoked");
  await samReads.cancel();
  expect((await app.fetch("/admin/live")).status).toBe(303);
});

Deno.test({
  name: "all that follow share one look at the database a second",
  ignore: needsOneProcess("the test counts what it asks of the database"),
  async fn() {
    await using app = await openDemoApp();
    const sam = await signedIn(app, "sam_staff");
    const started = performance.now();
    const looks = await countLooks(app, async () => {
      const readers = await Promise.all([1, 2, 3, 4, 5].map(() => follow(sam)));
      for (let i = 0; i < 3; i++) {
        await logOf(app, "acme-corp");
        for (const reader of readers) expect(await nextEvent(reader)).toBe("logs");
      }
      for (const reader of readers) await reader.cancel();
    });
    // One more when the first began to follow.
    expect(looks).toBeGreaterThan(2);
    expect(looks).toBeLessThanOrEqual((performance.now() - started) / 1000 + 1);
  },
});

/** How often the feed reads what is new while `fn` runs. */
async function countLooks(app: TestApp, fn: () => Promise<void>): Promise<number> {
  const { db } = app.running.services;
  const { query } = db;
  let looks = 0;
  db.query = (text, params) => {
    if (text.includes("'logs' AS topic")) looks++;
    return query.call(db, text, params) as never;
  };
  try {
    await fn();
  } finally {
    db.query = query;
  }
  return looks;
}
