/** What the dashboard and the metrics count of the syncs. @module */
import { expect } from "expect";
import { adminScope } from "../lib/access/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { performanceByModel, performanceSeries, syncCounts, syncDay } from "../lib/observe/mod.ts";
import { eachDatabase } from "./support/databases.ts";
import { steadyDay } from "./support/steady_day.ts";

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

eachDatabase(
  "performanceSeries() measures by period and model, within its part",
  async ({ db }) => {
    // Today is the day of the rows.
    await steadyDay();
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
