import { expect } from "expect";
import { hashPassword } from "../lib/access/mod.ts";
import { type Answer, eachApi, expectProblem, type Json } from "./api_support.ts";

const password = "correct horse 9";
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

eachApi("the token endpoints answer in the seed's shape, to JSON and forms", async (world) => {
  await world.db.query(
    "UPDATE lockstep.app_user SET password = $1 WHERE username IN ('ann', 'root')",
    [
      await hashPassword(password),
    ],
  );
  await world.set("SECURITY", "LOGIN_ATTEMPTS_PER_ACCOUNT", 3);
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    world.request(`/api/sync/auth/${path}`, { method: "POST", headers, body });
  const json = JSON.stringify({ username: "ann", password });
  const form = new URLSearchParams({ username: "ann", password }).toString();
  const formType = { "Content-Type": "application/x-www-form-urlencoded" };
  const [first, second, third] = [
    await post("token/", json, { "Content-Type": "application/json" }),
    await post("token", form, {
      "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
    }),
    await post("token/", json),
  ];
  for (const { status, body, headers } of [first, second, third]) {
    expect([status, headers.get("Cache-Control")]).toEqual([200, "no-store"]);
    expect(Object.keys(body)).toEqual([
      "token",
      "user",
      "organizations",
      "refresh_token",
      "expires_at",
    ]);
    expect(body.user).toEqual({ id: body.user.id, username: "ann", email: "ann@example.org" });
    expect(body.organizations).toEqual([
      { id: 1, name: "One", slug: "one", group: "Staff", groups: ["Staff"] },
    ]);
    expect(body.expires_at).toMatch(isoTime);
  }
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const me = (token: string) => world.request("/api/sync/me", { headers: bearer(token) });
  expect((await me(first.body.token)).status).toBe(200);

  const renewed = await post(
    "refresh/",
    JSON.stringify({ refresh_token: first.body.refresh_token }),
  );
  expect(Object.keys(renewed.body)).toEqual(Object.keys(first.body));
  expect((await me(renewed.body.token)).status).toBe(200);
  const refresh = (token: string) => post("refresh", JSON.stringify({ refresh_token: token }));
  const next = await refresh(renewed.body.refresh_token);
  expect((await me(next.body.token)).status).toBe(200);
  // A refresh token is good for once; its reuse ends the whole family.
  expectProblem(await refresh(first.body.refresh_token), 401, "token_revoked");
  expectProblem(await me(next.body.token), 401, "token_revoked");

  const out = await world.request("/api/sync/auth/revoke/", {
    method: "POST",
    headers: bearer(second.body.token),
  });
  expect([out.status, out.text]).toEqual([204, ""]);
  expectProblem(await me(second.body.token), 401, "token_revoked");
  const all = await world.request("/api/sync/auth/revoke", {
    method: "POST",
    headers: bearer(third.body.token),
    body: `{"all":true}`,
  });
  expect(all.status).toBe(204);
  expectProblem(await me(third.body.token), 401, "token_revoked");

  for (
    const [path, body, status, code, field] of [
      ["token/", "", 400, "malformed_json"],
      ["token/", "[]", 400, "invalid_value", "body"],
      ["token/", "{}", 400, "required", "username"],
      ["token/", `{"username":1,"password":"x"}`, 400, "invalid_value", "username"],
      ["token/", `{"username":"a","password":"x","x":1}`, 400, "unknown_field", "x"],
      ["token/", `{"username":"a\\u0000","password":"x"}`, 401, "invalid_credentials"],
      ["token/", `{"username":"\\ud800","password":"\\ud800"}`, 401, "invalid_credentials"],
      ["token/", `{"username":"","password":""}`, 401, "invalid_credentials"],
      ["refresh/", `{"refresh_token":"x"}`, 401, "unauthorized"],
      ["refresh/", `{"refresh_token":"\\u0000"}`, 401, "unauthorized"],
      ["refresh/", "{}", 400, "required", "refresh_token"],
      ["revoke/", "", 401, "unauthorized"],
    ] as const
  ) {
    const answer = await post(path, body);
    expect([path, body, answer.status, answer.body.code]).toEqual([path, body, status, code]);
    expectProblem(answer, status, code, field);
  }
  const other = await post(
    "token/",
    JSON.stringify({ username: "ann", password, organization: "two" }),
  );
  expectProblem(other, 403, "permission_denied");
  expectProblem(await post("token/", "username=ann", formType), 400, "required", "password");

  // Each refusal that is verified doubles the wait; on a slow machine the first may be over already.
  let last!: Answer;
  for (let i = 0; i < 12 && last?.status !== 429; i++) {
    last = await post("token/", JSON.stringify({ username: "root", password: `wrong ${i}` }));
  }
  expectProblem(last, 429, "too_many_requests");
  expect(Number(last.headers.get("Retry-After"))).toBeGreaterThan(0);
});

eachApi("push, pull, me, performance and health answer in the documented shapes", async (world) => {
  const ann = await world.as("ann");
  const pushed = await ann.push([{ _model: "app.Customer", id: 1, name: "a" }]);
  expect([pushed.status, pushed.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  const { processing_time, ...rest } = pushed.body;
  expect(processing_time).toBeGreaterThan(0);
  expect(rest).toEqual({
    status: "success",
    success_count: 1,
    error_count: 0,
    processed_models: { "app.Customer": { created: 1, updated: 0 } },
  });

  const time = "2024-01-14T10:00:00Z";
  const pulled = await ann.pull({ "app.Visit": null, "app.Customer": time }, { batch_size: 7 });
  expect(Object.keys(pulled.body)).toEqual(
    ["data", "deleted", "metadata", "batch_info", "complete", "as_of"],
  );
  const [record] = pulled.body.data;
  expect(Object.keys(record)).toEqual([
    "_model",
    "id",
    "organization_id",
    "name",
    "code",
    "department",
    "age",
    "credit",
    "data",
    "owner",
    "_version",
  ]);
  expect(record).toMatchObject({ _model: "app.Customer", id: 1, organization_id: 1 });
  expect(record._version).toMatch(/^\d+$/);
  const metadata = pulled.body.metadata["app.Customer"];
  expect(metadata).toMatchObject({ count: 1, has_more: false, reset: true });
  expect(metadata.last_sync).toMatch(isoTime);
  expect(pulled.body.batch_info).toEqual({ batch_size: 7, total_records: 1 });
  expect([pulled.body.complete, pulled.body.deleted]).toEqual([true, {}]);
  expect(pulled.body.as_of).toMatch(isoTime);
  expect(pulled.body.metadata["app.Visit"]).not.toHaveProperty("reset");

  await world.app.recorded();
  const again = await ann.pull({ "app.Customer": metadata.last_sync });
  expect(again.body.metadata["app.Customer"].user_last_sync).toMatch(isoTime);
  expect(again.body.metadata["app.Customer"].count).toBe(0);

  const me = await ann.get("/api/sync/me/");
  expect(me.body.user).toEqual({ id: me.body.user.id, username: "ann", email: "ann@example.org" });
  expect(me.body.organizations).toMatchObject([{ id: 1, slug: "one", groups: ["Staff"] }]);
  const { models } = me.body.organizations[0];
  expect(models["app.Customer"]).toMatchObject({
    push: true,
    pull: true,
    filtered: false,
    key: ["id"],
    columns: {
      name: { type: "character varying(40)", nullable: false, max_length: 40 },
      age: { type: "integer", nullable: true },
    },
  });
  expect(models["app.Visit"].columns.customer_id.references).toBeDefined();
  expect(models["app.Meter"].columns.twice.read_only).toBe(true);
  expect(models["app.Country"]).toMatchObject({ push: false, pull: true });
  expect(models).not.toHaveProperty("app.NoKey");
  const filtered = (await (await world.as("ben")).get("/api/sync/me")).body.organizations[0].models;
  expect(Object.keys(filtered)).toEqual(["app.Customer"]);
  expect(filtered["app.Customer"].filtered).toBe(true);

  const performance = await ann.get("/api/sync/performance/");
  expect(performance.body.performance_stats.total_operations).toBeGreaterThan(0);
  expect(performance.body.performance_stats).toHaveProperty("average_processing_time");
  expect(performance.body.performance_stats).toHaveProperty("cache_hit_rate");
  expect(performance.body.current_memory_usage).toBeGreaterThan(1);
  expect(performance.body.cache_stats).toHaveProperty("cache_hits");
  expect(performance.body.cache_stats).toHaveProperty("cache_misses");
  expect(Array.isArray(performance.body.optimization_suggestions)).toBe(true);
  expectProblem(await world.request("/api/sync/performance"), 401, "unauthorized");

  const health = await world.request("/api/sync/health/");
  expect(health.status).toBe(200);
  expect(health.body).toMatchObject({
    status: "healthy",
    checks: { database: "healthy", cache: "healthy", logging: "healthy" },
  });
  expect(health.body.timestamp).toMatch(isoTime);
  expect((await world.request("/api/sync/health/live")).body).toEqual({ status: "live" });
  expect((await world.request("/api/sync/health/ready/")).body).toEqual({ status: "ready" });
});

eachApi(
  "every endpoint answers with and without a slash, HEAD, OPTIONS and other methods",
  async (world) => {
    const ann = await world.as("ann");
    const endpoints: [path: string, method: "GET" | "POST", open?: boolean][] = [
      ["auth/token", "POST", true],
      ["auth/refresh", "POST", true],
      ["auth/revoke", "POST"],
      ["push", "POST"],
      ["pull", "POST"],
      ["me", "GET"],
      ["performance", "GET"],
      ["health", "GET", true],
      ["health/live", "GET", true],
      ["health/ready", "GET", true],
      ["quarantine", "GET"],
      ["quarantine/1", "GET"],
      ["quarantine/1/replay", "POST"],
      ["quarantine/1/discard", "POST"],
    ];
    for (const [endpoint, method, open] of endpoints) {
      for (const slash of ["", "/"]) {
        const path = `/api/sync/${endpoint}${slash}`;
        const body = method === "POST" ? "{" : undefined;
        if (!open) {
          for (
            const Authorization of [
              "",
              "Bearer",
              "Bearer x",
              "Basic YTpi",
              "Bearer a.b.c",
              "bearer  ",
            ]
          ) {
            const answer = await world.request(path, { method, headers: { Authorization } });
            expect([path, answer.status]).toEqual([path, 401]);
            expectProblem(answer, 401, "unauthorized");
          }
        }
        const answer = await world.request(path, {
          method,
          body,
          headers: { ...ann.headers, "X-Request-Id": "my-id.7" },
        });
        expect([
          path,
          answer.status === 405 || Boolean(answer.body.detail?.startsWith("There is nothing")),
        ])
          .toEqual([path, false]);
        expect([path, answer.headers.get("X-Request-Id")]).toEqual([path, "my-id.7"]);

        const wrong = method === "GET" ? "POST" : "GET";
        for (const other of [wrong, "DELETE", "PUT", "PATCH"]) {
          const refused = await world.request(path, { method: other, headers: ann.headers });
          expectProblem(refused, 405, "method_not_allowed");
          expect(refused.headers.get("Allow")).toContain(method);
        }
        const options = await world.request(path, { method: "OPTIONS" });
        expect([options.status, options.text]).toEqual([204, ""]);
        expect(options.headers.get("Allow")).toContain(method);
        const head = await world.request(path, { method: "HEAD", headers: ann.headers });
        expect(head.text).toBe("");
        if (method === "POST") expect(head.status).toBe(405);
      }
    }
    for (const id of ["a b", "x".repeat(101), "é", "<script>"]) {
      const answer = await world.request("/api/sync/health/live", {
        headers: { "X-Request-Id": id },
      });
      expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    }
    const missing = await ann.get("/api/sync/%00/../nothing%20here");
    expectProblem(missing, 404, "not_found");
  },
);

eachApi(
  "the organization of a request comes from the body, the header, the token or the only membership",
  async (world) => {
    await world.db.query(
      `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
     SELECT u.id, o.id, g.id
     FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
     WHERE u.username = 'ann' AND o.slug = 'two' AND g.name = 'Staff'`,
    );
    const ann = await world.as("ann");
    const record = { _model: "app.Customer", name: "where" };
    const none = expectProblem(await ann.push([record]), 400, "organization_required");
    expect(none.organizations).toEqual(["one", "two"]);
    expectProblem(await ann.pull({ "app.Customer": null }), 400, "organization_required");
    await ann.push([record], { organization: "two" });
    await ann.push([record], {}, { "X-Organization": "one" });
    await ann.push([record], { organization: "one" }, { "X-Organization": "one" });
    expectProblem(
      await ann.push([record], { organization: "one" }, { "X-Organization": "two" }),
      400,
      "invalid_value",
      "organization",
    );
    const rows = await world.db.query<Json>(
      `SELECT organization_id AS o, count(*)::int AS n FROM app.customer
     WHERE name = 'where' GROUP BY 1 ORDER BY 1`,
    );
    expect(rows).toEqual([{ o: 1, n: 2 }, { o: 2, n: 1 }]);
    for (const slug of ["nowhere", "ONE", "one ", "1", "'"]) {
      expectProblem(await ann.push([record], { organization: slug }), 403, "permission_denied");
    }
    expectProblem(await (await world.as("nobody")).push([record]), 403, "permission_denied");
    await world.db.query("UPDATE lockstep.organization SET is_active = false WHERE slug = 'two'");
    expectProblem(await ann.push([record], { organization: "two" }), 403, "permission_denied");
    expect((await ann.push([record])).status).toBe(200);
  },
);

eachApi(
  "a device is remembered, refused when revoked, and starts over when asked to",
  async (world) => {
    const ann = await world.as("ann", { "X-Device": "till 4", "X-Client-Version": "7.1" });
    await ann.push([{ _model: "app.Customer", id: 1, name: "a" }]);
    const first = await ann.pull({ "app.Customer": null });
    const { cursor } = first.body.metadata["app.Customer"];
    await world.app.recorded();
    const [device] = await world.db.query<Json>("SELECT * FROM lockstep.device");
    expect(device).toMatchObject({
      name: "till 4",
      client_version: "7.1",
      cursors: { "app.Customer": cursor },
    });
    expect([device.last_push_at, device.last_pull_at, device.last_complete_at])
      .toEqual([expect.any(Date), expect.any(Date), expect.any(Date)]);

    await world.db.query("UPDATE lockstep.device SET resync_requested_at = clock_timestamp()");
    const resync = await ann.pull({ "app.Customer": cursor });
    expect(resync.body.metadata["app.Customer"]).toMatchObject({ reset: true, count: 1 });
    const after = await ann.pull({ "app.Customer": resync.body.metadata["app.Customer"].cursor });
    expect(after.body.metadata["app.Customer"].count).toBe(0);
    expect(after.body.metadata["app.Customer"]).not.toHaveProperty("reset");

    await world.db.query("UPDATE lockstep.device SET revoked_at = now()");
    const before = await world.state();
    expectProblem(await ann.pull({ "app.Customer": cursor }), 403, "permission_denied");
    expectProblem(
      await ann.push([{ _model: "app.Customer", name: "b" }]),
      403,
      "permission_denied",
    );
    expectProblem(await ann.get("/api/sync/quarantine/"), 403, "permission_denied");
    expect(await world.state()).toBe(before);
    expect((await ann.pull({ "app.Customer": cursor }, {}, { "X-Device": "till 5" })).status).toBe(
      200,
    );
    for (const name of ["x".repeat(201), "tïll"]) {
      const answer = await ann.pull({ "app.Customer": cursor }, {}, { "X-Device": name });
      expectProblem(answer, 400, "invalid_value", "X-Device");
    }
  },
);
