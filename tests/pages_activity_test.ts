import { expect } from "expect";
import { adminScope } from "../lib/access/mod.ts";
import { failingModels, syncActivity, syncOverview } from "../lib/observe/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import { eachDatabase } from "./support/databases.ts";

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

eachDatabase("syncActivity() counts 24 hours without gaps, within its part", async ({ db }) => {
  const { ann, staff, one, two } = await world(db);
  const sums = async (part: Parameters<typeof syncActivity>[1]) => {
    const hours = await syncActivity(db, part);
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

eachDatabase("failingModels() names the last trouble of each model", async ({ db }) => {
  const { ann, staff } = await world(db);
  const found = await failingModels(db, { scope: staff });
  expect(found.map(({ lastAt: _lastAt, ...row }) => row)).toEqual([
    { model: "a.A", operations: 4, failures: 2, warnings: 0, lastMessage: "newer" },
    { model: "", operations: 1, failures: 1, warnings: 0, lastMessage: "nobody" },
    { model: "a.B", operations: 1, failures: 0, warnings: 1, lastMessage: "some" },
  ]);
  expect((await failingModels(db, { scope: ann })).map(({ model }) => model)).toEqual(["a.A"]);
});

eachDatabase("syncOverview() counts within its part", async ({ db }) => {
  const { ann, staff, two } = await world(db);
  expect(await syncOverview(db, { scope: staff })).toEqual({
    organizations: 2,
    users: 1,
    devices: 0,
    devicesSeen: 0,
    openQuarantine: 0,
    recordsPushed: 10,
    recordsPulled: 5,
    failures: 3,
  });
  expect(await syncOverview(db, { scope: ann })).toMatchObject({
    organizations: 1,
    users: 1,
    recordsPushed: 3,
    failures: 2,
  });
  expect(await syncOverview(db, { scope: ann, organizationId: two })).toMatchObject({
    organizations: 0,
    users: 0,
    recordsPushed: 0,
  });
});
