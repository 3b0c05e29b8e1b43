import { expect } from "expect";
import { makeAdministrator, signedIn, syncForADay } from "./pages_admin_support.ts";
import { openDemoApp, type Visitor, visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

const pages = [
  ...["/admin", "/admin/logs", "/admin/logs/export", "/admin/devices", "/admin/models"],
  ...["/admin/audit", "/admin/audit/export", "/admin/quarantine", "/admin/metrics", "/admin/jobs"],
  ...["/admin/jobs/report", "/admin/search"],
];

/** A line of the log and a device for each organization, and one line that belongs to none. */
async function oneOfEach(app: TestApp): Promise<void> {
  await app.db.script(`
    INSERT INTO lockstep.sync_log (organization_id, operation, status, model_name, error_message, object_count)
    SELECT id, 'PUSH', 'ERROR', 'myapp.Customer', 'line of ' || slug, 1 FROM lockstep.organization;
    INSERT INTO lockstep.sync_log (operation, status, error_message)
    VALUES ('PULL', 'ERROR', 'line of nobody');
    INSERT INTO lockstep.device (user_id, organization_id, name)
    SELECT (SELECT min(id) FROM lockstep.app_user), id, 'device of ' || slug FROM lockstep.organization`);
}

Deno.test("the admin sends whoever is not signed in to sign in, and back", async () => {
  await using app = await openDemoApp();
  for (const path of [...pages, "/admin/logs?status=ERROR&q=a%26b"]) {
    const answer = await app.fetch(path);
    expect([path, answer.status]).toEqual([path, 303]);
    const sam = visitor(app);
    const back = new URL(answer.headers.get("Location")!, "http://localhost");
    expect(back.pathname).toBe("/login");
    const arrived = await sam.signIn("sam_staff", back.searchParams.get("next")!);
    expect(arrived.headers.get("Location")).toBe(path);
  }
  const socket = await app.fetch("/admin/collaboration/myapp/Customer/1/", {
    headers: { Upgrade: "websocket", Connection: "Upgrade" },
  });
  expect(socket.status).toBe(401);
});

Deno.test("the admin lets in staff and Administrators, and tells others why not", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  for (
    const [username, status] of [
      ["admin", 200],
      ["sam_staff", 200],
      ["john_manager", 200],
      ["mary_sales", 403],
      ["bob_analyst", 403],
    ] as const
  ) {
    const someone = await signedIn(app, username);
    for (const path of pages) {
      const answer = await someone.get(path);
      expect([username, path, answer.status]).toEqual([username, path, status]);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      const text = await answer.text();
      if (status === 403) expect(text).toContain("Only staff and members of Administrators");
    }
  }
});

Deno.test("staff see every organization, an administrator their own alone", async () => {
  await using app = await openDemoApp();
  await makeAdministrator(app);
  await oneOfEach(app);
  const seen = async (someone: Visitor, query = "") => {
    const texts: string[] = [];
    for (const path of pages) {
      const answer = await someone.get(path + query);
      if (answer.status !== 200) return [answer.status];
      texts.push(await answer.text());
    }
    const [, logs, csv, devices] = texts;
    const names = ["acme-corp", "global-retail", "city-university", "nobody"];
    const inLogs = names.filter((name) => logs.includes(`line of ${name}`));
    expect(names.filter((name) => csv.includes(`line of ${name}`))).toEqual(inLogs);
    const inDevices = names.filter((name) => devices.includes(`device of ${name}`));
    expect(inDevices).toEqual(inLogs.filter((name) => name !== "nobody"));
    const whole = texts.join();
    for (const name of names.filter((name) => !inLogs.includes(name))) {
      expect([name, whole.includes(`line of ${name}`)]).toEqual([name, false]);
      expect([name, whole.includes(`device of ${name}`)]).toEqual([name, false]);
    }
    return inLogs;
  };
  const everything = ["acme-corp", "global-retail", "city-university", "nobody"];
  const sam = await signedIn(app, "sam_staff");
  expect(await seen(sam)).toEqual(everything);
  expect(await seen(sam, "?organization=global-retail")).toEqual(["global-retail"]);
  // The choice is remembered, until it is taken back.
  expect(await seen(sam)).toEqual(["global-retail"]);
  expect(await seen(sam, "?organization=")).toEqual(everything);
  expect(await seen(sam)).toEqual(everything);
  expect(await seen(sam, "?organization=nowhere")).toEqual([403]);

  const john = await signedIn(app, "john_manager");
  expect(await seen(john)).toEqual(["acme-corp"]);
  expect(await seen(john, "?organization=acme-corp")).toEqual(["acme-corp"]);
  expect(await seen(john, "?organization=global-retail")).toEqual([403]);
  john.cookies.set("lockstep_organization", "global-retail");
  expect(await seen(john)).toEqual(["acme-corp"]);
});

Deno.test("the dashboard counts what is there", async () => {
  await using app = await openDemoApp();
  await oneOfEach(app);
  const sam = await signedIn(app, "sam_staff");
  const count = async (label: string, query = "") => {
    const html = await (await sam.get(`/admin${query}`)).text();
    const [, value] = new RegExp(`<dt>${label}</dt><dd><[^>]+>([\\d,]+)<`).exec(html) ?? [];
    return value;
  };
  expect(await count("Organizations")).toBe("3");
  expect(await count("Members")).toBe("4");
  expect(await count("Models synced")).toBe("5");
  expect(await count("Devices")).toBe("3");
  expect(await count("Failed operations")).toBe("4");
  expect(await count("Records pushed")).toBe("3");
  expect(await count("Failed operations", "?organization=acme-corp")).toBe("1");
  expect(await count("Members")).toBe("2");
});

Deno.test("the pages of the log hold every line once, both ways", async () => {
  await using app = await openDemoApp();
  // Times and ids are in different orders, and times repeat.
  await app.db.script(`
    INSERT INTO lockstep.sync_log (operation, status, error_message, timestamp)
    SELECT 'PULL', 'SUCCESS', 'line ' || n || '.', now() - (n * 7 % 61) * interval '1.000001 second'
    FROM generate_series(1, 130) n`);
  const sam = await signedIn(app, "sam_staff");
  const expected = (await app.db.query<{ error_message: string }>(
    "SELECT error_message FROM lockstep.sync_log ORDER BY timestamp DESC, id DESC",
  )).map(({ error_message }) => error_message);
  const read = async (path: string) => {
    const html = await (await sam.get(path)).text();
    const link = (rel: string) =>
      new RegExp(`href="([^"]+)" rel="${rel}"`).exec(html)?.[1].replaceAll("&amp;", "&");
    return { lines: html.match(/line \d+\./g) ?? [], older: link("next"), newer: link("prev") };
  };
  const downwards = [await read("/admin/logs")];
  while (downwards.at(-1)!.older) downwards.push(await read(downwards.at(-1)!.older!));
  expect(downwards.flatMap(({ lines }) => lines)).toEqual(expected);
  expect(downwards.map(({ lines }) => lines.length)).toEqual([50, 50, 30]);
  expect(downwards[0].newer).toBeUndefined();

  const upwards = [downwards.at(-1)!];
  while (upwards.at(-1)!.newer) upwards.push(await read(upwards.at(-1)!.newer!));
  expect(upwards.toReversed().flatMap(({ lines }) => lines)).toEqual(expected);
});

Deno.test("the log's filters narrow the page and the export alike", async () => {
  await using app = await openDemoApp();
  await syncForADay(app);
  const sam = await signedIn(app, "sam_staff");
  for (
    const [query, condition] of [
      ["status=ERROR", "status = 'ERROR'"],
      ["operation=PUSH&model=myapp.Order", "operation = 'PUSH' AND model_name = 'myapp.Order'"],
      ["device=till-1", "device = 'till-1'"],
      [
        "username=mary_sales",
        "user_id = (SELECT id FROM lockstep.app_user WHERE username = 'mary_sales')",
      ],
      ["q=refused&status=", "error_message LIKE '%refused%'"],
      ["from=2001-01-01&to=2001-01-02", "false"],
    ]
  ) {
    const [{ count }] = await app.db.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM lockstep.sync_log WHERE ${condition}`,
    );
    const csv = await (await sam.get(`/admin/logs/export?${query}`)).text();
    expect([query, csv.trimEnd().split("\r\n").length - 1]).toEqual([query, count]);
    const html = await (await sam.get(`/admin/logs?${query}`)).text();
    expect([query, html.match(/<time /g)?.length ?? 0]).toEqual([query, Math.min(count, 50)]);
  }
});

Deno.test("the export streams every line and neutralizes formulas", async () => {
  await using app = await openDemoApp();
  await app.db.script(`
    INSERT INTO lockstep.sync_log (operation, status, device, error_message)
    SELECT 'PUSH', 'ERROR', '=cmd|x', '@SUM(A1), "quoted"' FROM generate_series(1, 2500)`);
  const sam = await signedIn(app, "sam_staff");
  const answer = await sam.get("/admin/logs/export");
  expect(answer.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
  expect(answer.headers.get("Content-Disposition")).toMatch(
    /^attachment; filename="sync-log-.*csv"$/,
  );
  const lines = (await answer.text()).trimEnd().split("\r\n");
  expect(lines.length).toBe(2501);
  expect(new Set(lines.map((line) => line.split(",")[0])).size).toBe(2501);
  expect(lines[1]).toContain(`"'@SUM(A1), ""quoted"""`);
  expect(lines[1]).toContain(",'=cmd|x,");
});

Deno.test("the lists refuse what they cannot read with a page that says so", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  for (
    const query of [
      "/admin/logs?status=BROKEN",
      "/admin/logs?from=yesterday",
      "/admin/logs?to=0000-01-01",
      "/admin/logs?from=2026-02-30",
      "/admin/logs?q=%00",
      "/admin/logs?model=a%00b",
      `/admin/logs?device=${"x".repeat(201)}`,
      "/admin/logs?before=x",
      "/admin/logs?before=9999-99-99~1",
      "/admin/logs?after=1~1",
      "/admin/logs/export?status=BROKEN",
      "/admin/devices?state=x",
      "/admin/devices?q=%00",
      "/admin/devices?after='~1",
    ]
  ) {
    const answer = await sam.get(query);
    expect([query, answer.status]).toEqual([query, 400]);
    expect(answer.headers.get("Content-Type")).toContain("text/html");
  }
});

Deno.test("the list of models gives the reason for each that is left out", async () => {
  await using app = await openDemoApp();
  await app.db.script("CREATE TABLE myapp.without_key (a integer)");
  const sam = await signedIn(app, "sam_staff");
  let text = "";
  // Where looking at the schema is slow, it is looked at four times a second.
  await app.everywhere(async () => {
    text = await (await sam.get("/admin/models?state=excluded")).text();
    return text.includes("myapp.WithoutKey");
  });
  const { models } = await app.running.services.catalog.current();
  expect(text).toContain(models.find(({ table }) => table === "without_key")!.reason);
  expect(text).not.toContain("myapp.Customer");
  const found = await (await sam.get("/admin/models?q=CUST")).text();
  expect(found).toContain("myapp.Customer");
  expect(found).not.toContain("myapp.Report");
});

Deno.test("names from outside are text, wherever a page shows them", async () => {
  await using app = await openDemoApp();
  const hostile = `"><script>alert(1)</script>`;
  await app.db.query(
    `INSERT INTO lockstep.sync_log (operation, status, device, model_name, error_message)
    VALUES ('PUSH', 'ERROR', $1::text, $1::text, $1::text)`,
    [hostile],
  );
  await app.db.query(
    `INSERT INTO lockstep.device (user_id, organization_id, name, client_version)
    SELECT u.id, o.id, $1::text, $1::text FROM lockstep.app_user u, lockstep.organization o LIMIT 1`,
    [hostile],
  );
  await app.db.query("UPDATE lockstep.organization SET name = $1 WHERE slug = 'acme-corp'", [
    hostile,
  ]);
  const sam = await signedIn(app, "sam_staff");
  for (
    const path of ["/", "/admin", "/admin/logs", "/admin/devices", "/admin?organization=acme-corp"]
  ) {
    const text = await (await sam.get(path)).text();
    expect([path, text.includes("<script>alert")]).toEqual([path, false]);
    expect([path, text.includes("alert(1)")]).toEqual([path, true]);
  }
});

Deno.test("the seed's addresses lead to the pages", async () => {
  await using app = await openDemoApp();
  for (
    const [path, location] of [
      ["/api/sync/config/", "/admin"],
      ["/api/sync/config", "/admin"],
      ["/api/sync/config/logs/", "/admin/logs"],
      ["/api/sync/config/model-discovery/", "/admin/models"],
      ["/api/sync/config/permissions/", "/admin/permissions"],
      ["/api/sync/config/metrics/", "/admin/metrics"],
      ["/api/sync/config/audit-trails/", "/admin/audit"],
    ]
  ) {
    const answer = await app.fetch(path);
    expect([path, answer.status, answer.headers.get("Location")]).toEqual([path, 302, location]);
  }
});
