import { expect } from "expect";
import { demoPassword } from "../cli/demo/mod.ts";
import { cityOf, formOf, page, record, serveDemo } from "./collab_demo_support.ts";

Deno.test("a record is saved, deleted and reverted only with the lock, or while nobody else has it", async () => {
  await using site = await serveDemo();
  const { db } = site;
  const [sam, ada] = [await site.person("sam_staff"), await site.person("admin")];
  const save = async (city: string, token?: number) =>
    await sam.post(page, await formOf(db, city, token));

  expect((await save("free")).status).toBe(303);
  const held = await ada.edit();
  const refused = await save("while held");
  expect(refused.status).toBe(409);
  expect(refused.text).toContain("admin@example.com is editing this record");
  expect(refused.text).toContain("while held");
  expect((await save("with a token of before", held.token - 1)).status).toBe(409);
  expect((await save("with the token of another", held.token)).status).toBe(409);
  expect((await save("with no token", NaN)).status).toBe(409);
  const { version } = await formOf(db, "");
  const deleted = await sam.post(`/admin/records${record}delete/`, { version });
  expect([deleted.status, deleted.text.includes("is editing this record")]).toEqual([409, true]);
  const [{ id }] = await db.query<{ id: number }>(
    "SELECT max(id) AS id FROM lockstep.audit_event WHERE model = 'myapp.Customer'",
  );
  const reverted = await sam.post(`/admin/records${record}history/`, { revert: String(id) });
  expect([reverted.status, reverted.text.includes("is editing this record")]).toEqual([409, true]);
  expect(await cityOf(db)).toBe("free");

  held.tab.send("release_lock");
  await held.tab.next("lock_released");
  expect((await save("released")).status).toBe(303);
  const own = await sam.edit();
  expect((await save("of before", held.token)).status).toBe(409);
  expect((await save("own token", own.token)).status).toBe(303);
  expect((await save("own lock in another tab")).status).toBe(303);
  await Promise.all([own.tab.close(), held.tab.close()]);
});

Deno.test("the admin API changes a record, and reverts, only with the lock or while nobody else has it", async () => {
  await using site = await serveDemo();
  const { db } = site;
  const [sam, ada] = [await site.person("sam_staff"), await site.person("admin")];
  const path = "records/myapp.customer/1";
  const read = await sam.api("GET", path);
  const etag = read.headers.get("ETag")!;
  expect(etag).toBe(`"${read.body.version}"`);
  expect(read.body).toMatchObject({ model: "myapp.Customer", key: ["1"] });
  const change = async (city: string, token?: number | string, version = "*") =>
    await sam.api("PATCH", path, { values: { city } }, {
      "If-Match": version,
      ...(token === undefined ? {} : { "X-Fencing-Token": String(token) }),
    });

  const changed = await change("free", undefined, etag);
  expect([changed.status, changed.body.values.city]).toEqual([200, "free"]);
  expect(changed.headers.get("ETag")).not.toBe(etag);
  expect((await change("stale version", undefined, etag)).status).toBe(412);
  expect((await change("not a token", "x")).body.detail).toContain("X-Fencing-Token");
  const wrong = await sam.api("PATCH", path, { values: { age: "old", id: "7", nothing: null } }, {
    "If-Match": "*",
  });
  expect([wrong.status, wrong.body.errors.map(({ field }: { field: string }) => field)])
    .toEqual([400, ["age", "id", "nothing"]]);

  const audited = { audit: true };
  await sam.api("PATCH", "models/myapp.Customer", audited, { "If-Match": "*" });
  await db.query("UPDATE myapp.customer SET city = 'by hand' WHERE id = 1");
  const held = await ada.edit();
  const refused = await change("while held");
  expect([refused.status, refused.body.detail.includes("is editing this record")])
    .toEqual([409, true]);
  expect((await change("a token of before", held.token - 1)).status).toBe(409);
  expect((await change("the token of another", held.token)).status).toBe(409);
  const [{ id: event }] = await db.query<{ id: number }>(
    `SELECT max(id) AS id FROM lockstep.audit_event
    WHERE model = 'myapp.Customer' AND action = 'update'`,
  );
  const revert = () => sam.api("POST", `audit/${event}/revert`, {});
  const kept = await revert();
  expect([kept.status, kept.body.detail.includes("is editing this record")]).toEqual([409, true]);
  const page = await sam.post(`/admin/audit/${event}`, {});
  expect([page.status, page.text.includes("is editing this record")]).toEqual([409, true]);
  expect(await cityOf(db)).toBe("by hand");

  held.tab.send("release_lock");
  await held.tab.next("lock_released");
  expect((await revert()).status).toBe(200);
  expect(await cityOf(db)).toBe("free");
  const own = await sam.edit();
  expect((await change("of before", held.token)).status).toBe(409);
  expect((await change("own token", own.token)).status).toBe(200);
  expect(await own.tab.next("record_changed", (f) => f.source === "save")).toMatchObject({
    username: "sam_staff@example.com",
    fields: { city: { new: "own token" } },
  });
  await Promise.all([own.tab.close(), held.tab.close()]);
});

Deno.test("a holder of whom the store knows nothing any more keeps nobody from saving", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  await site.db.query(
    `INSERT INTO lockstep.edit_lock (room, fencing_token, holder_id, holder_name)
    SELECT 'record:myapp/Customer/1', 7, id, email FROM lockstep.app_user
    WHERE username = 'admin'`,
  );
  expect((await sam.post(page, await formOf(site.db, "lapsed"))).status).toBe(303);
});

Deno.test("a push to a record that somebody has open is told to that page with the values", async () => {
  await using site = await serveDemo();
  const sam = await site.person("sam_staff");
  const { tab } = await sam.edit();
  const [customer] = await site.db.query<{ name: string; slug: string; username: string }>(
    `SELECT c.name, o.slug, u.username FROM myapp.customer c
    JOIN lockstep.organization o ON o.id = c.organization_id
    JOIN lockstep.user_organization m ON m.organization_id = o.id
    JOIN lockstep.app_user u ON u.id = m.user_id
    JOIN lockstep.model_permission p ON p.organization_id = o.id AND p.group_id = m.group_id
    WHERE c.id = 1 AND p.model_name = 'myapp.Customer' AND p.can_push AND p.filters IS NULL
    LIMIT 1`,
  );
  await site.db.query("DELETE FROM lockstep.data_filter");
  const token = await site.app.token(customer.username, demoPassword, customer.slug);
  const pushed = await site.app.fetch("/api/sync/push/", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      data: [{ _model: "myapp.Customer", id: 1, name: customer.name, city: "By a device" }],
    }),
  });
  expect([pushed.status, (await pushed.json()).errors ?? []]).toEqual([200, []]);
  expect(await tab.next("record_changed", undefined, 20_000)).toMatchObject({
    deleted: false,
    fields: { city: { new: "By a device" } },
  });
  await tab.close();
});
