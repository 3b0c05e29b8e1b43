import { expect } from "expect";
import { openAdminWorld, testAdmin, valueOf } from "./admin_api_world.ts";
import { activityForADay } from "./pages_activity_support.ts";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import { hasPostgres } from "./support/databases.ts";

testAdmin("a job that is run by the API is in its history and the audit trail", async (world) => {
  const { send, db } = world;
  const run = await (await send("staff", "POST", "/api/admin/jobs/purge_chat/run")).json();
  expect(run).toMatchObject({ job: "purge_chat", trigger: "manual", outcome: "succeeded" });
  const history = await (await send("staff", "GET", "/api/admin/jobs/purge_chat?limit=1")).json();
  expect(history).toEqual({ items: [run], next: null });
  const { items } = await (await send("staff", "GET", "/api/admin/jobs")).json();
  const job = items.find(({ name }: { name: string }) => name === "purge_chat");
  expect(job.last_run).toEqual(run);
  const [event] = await db.query(
    "SELECT actor, action, key FROM lockstep.audit_event WHERE model = 'lockstep.Job'",
  );
  expect(event).toEqual({ actor: "sam", action: "run", key: { name: "purge_chat" } });
  const unknown = await send("staff", "POST", "/api/admin/jobs/nothing/run");
  expect([unknown.status, (await unknown.json()).code]).toEqual([404, "not_found"]);
});

Deno.test({
  name: "a run that takes longer is answered as it is, and no second one begins",
  ignore: !hasPostgres,
  async fn() {
    await using world = await openAdminWorld("postgres");
    const { db, send } = world;
    const path = "/api/admin/jobs/purge_chat/run";
    await db.transaction({}, async (tx) => {
      await tx.query("LOCK TABLE lockstep.chat_message");
      const slow = await (await send("staff", "POST", path)).json();
      expect(slow).toMatchObject({ job: "purge_chat", outcome: "running", finished_at: null });
      const second = await send("staff", "POST", path);
      expect([second.status, (await second.json()).code]).toEqual([409, "conflict"]);
    });
  },
});

testAdmin(
  "bulk pushes are listed page by page, each once, and of one's organizations",
  async (world) => {
    const { db, send } = world;
    await db.script(`
    INSERT INTO lockstep.job (kind, user_id, organization_id, state, payload, total, created_at,
      attempts, heartbeat_at)
    SELECT 'bulk_push', 4, 1 + n % 2, 'queued', '{"device": "", "clientVersion": "", "requestId": ""}',
      5, now() - n / 4 * interval '1 microsecond', 1, now() + interval '1 hour'
    FROM generate_series(1, 20) n`);
    const ids: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query: string = cursor && `&cursor=${cursor}`;
      const answer = await send("administrator", "GET", `/api/admin/jobs/bulk?limit=3${query}`);
      const { items, next } = await answer.json();
      expect(items.every((item: { organization_id: number }) => item.organization_id === 1)).toBe(
        true,
      );
      ids.push(...items.map(({ id }: { id: string }) => id));
      cursor = next;
    }
    expect([ids.length, new Set(ids).size]).toEqual([10, 10]);
    const foreign = await send("administrator", "GET", "/api/admin/jobs/bulk?organization_id=2");
    expect((await foreign.json()).items).toEqual([]);
  },
);

const rowsOf = async (someone: Visitor, path: string) =>
  (await (await someone.get(path)).text()).match(/<tr\b/g)?.length ?? 0;

Deno.test("the page of the jobs runs them, and cancels and retries bulk pushes", async () => {
  await using app = await openDemoApp();
  await activityForADay(app);
  await makeAdministrator(app);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const ran = await (await sam.post("/admin/jobs", { do: "run", id: "purge_chat" })).text();
  expect(ran).toContain("purge_chat ran and succeeded.");
  expect(await rowsOf(sam, "/admin/jobs/purge_chat")).toBe(3);
  const unknown = await sam.post("/admin/jobs", { do: "run", id: "nothing" });
  expect(unknown.status).toBe(404);

  const bulk = (state: string) =>
    valueOf<string>(app.db, "SELECT min(id::text) FROM lockstep.job WHERE state = $1", [state]);
  const stateOf = (id: string) =>
    valueOf<string>(app.db, "SELECT state FROM lockstep.job WHERE id = $1", [id]);
  const [failed, queued, done] = [
    await bulk("failed"),
    await bulk("queued"),
    await bulk("succeeded"),
  ];
  const page = await (await john.get("/admin/jobs")).text();
  expect(page).toContain("Given up after 3 attempts.");
  expect(page).not.toContain("Recurring jobs");
  expect((await john.get("/admin/jobs/purge_chat")).status).toBe(403);
  expect((await john.post("/admin/jobs", { do: "run", id: "purge_chat" })).status).toBe(403);
  expect((await john.post("/admin/jobs", { do: "cancel", id: queued })).status).toBe(200);
  expect(await stateOf(queued)).toBe("cancelled");
  expect((await john.post("/admin/jobs", { do: "retry", id: failed })).status).toBe(200);
  // A server's worker may have taken it up already, and found that its parts are gone.
  const errorOf = (id: string) =>
    valueOf<string | null>(app.db, "SELECT error FROM lockstep.job WHERE id = $1", [id]);
  expect([null, "A part of it is missing."]).toContain(await errorOf(failed));
  const late = await john.post("/admin/jobs", { do: "cancel", id: done });
  expect([late.status, (await late.text()).includes("has succeeded already")]).toEqual([409, true]);

  await app.db.query(
    `UPDATE lockstep.job SET organization_id = (
      SELECT id FROM lockstep.organization WHERE slug = 'global-retail') WHERE id = $1`,
    [failed],
  );
  expect((await john.post("/admin/jobs", { do: "cancel", id: failed })).status).toBe(404);
  expect((await john.post("/admin/jobs", { do: "cancel", id: "x" })).status).toBe(404);
  expect(await stateOf(failed)).not.toBe("cancelled");
  for (const query of ["state=x", "cursor=x"]) {
    expect((await sam.get(`/admin/jobs?${query}`)).status).toBe(400);
  }
});

Deno.test("the daily report counts a day in UTC, within what is administered", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  await app.db.script(`
    INSERT INTO lockstep.sync_log (organization_id, operation, status, model_name, object_count, timestamp)
    SELECT o.id, 'PUSH', 'SUCCESS', 'of ' || o.slug, 7, t::timestamptz
    FROM lockstep.organization o, unnest(ARRAY['2026-02-03T00:00:00Z', '2026-02-03T23:59:59Z',
      '2026-02-04T00:00:00Z']) t`);
  const [sam, john] = [await signedIn(app, "sam_staff"), await signedIn(app, "john_manager")];
  const csv = async (someone: Visitor, query = "") =>
    (await (await someone.get(`/admin/jobs/report?day=2026-02-03&format=csv${query}`)).text())
      .trimEnd().split("\r\n").slice(1).map((line) => line.split(",").slice(0, 6).join(" "));
  expect(await csv(john)).toEqual(["acme-corp of acme-corp PUSH SUCCESS 2 14"]);
  expect((await csv(sam)).length).toBe(3);
  expect(await csv(sam, "&organization=global-retail")).toEqual([
    "global-retail of global-retail PUSH SUCCESS 2 14",
  ]);
  for (const day of ["yesterday", "2026-02-30", "0000-01-01"]) {
    expect([day, (await sam.get(`/admin/jobs/report?day=${day}`)).status]).toEqual([day, 400]);
  }
});
