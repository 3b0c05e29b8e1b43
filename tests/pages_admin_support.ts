import { demoPassword } from "../cli/demo/mod.ts";
import { type Visitor, visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

/** A day of syncs: real ones by the demo's users, and lines of the log for the hours before. */
export async function syncForADay(app: TestApp): Promise<void> {
  for (
    const [username, device] of [
      ["john_manager", "till-1"],
      ["mary_sales", "phone-7"],
      ["bob_analyst", "laptop-3"],
    ]
  ) {
    const headers = {
      Authorization: `Bearer ${await app.token(username, demoPassword)}`,
      "Content-Type": "application/json",
      "X-Device": device,
      "X-Client-Version": "shop-app 2.4.1 (Android 15)",
    };
    const send = async (path: string, body: unknown) => {
      const answer = await app.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
      await answer.body?.cancel();
    };
    await send("/api/sync/pull/", { models: { "myapp.Product": null }, batch_size: 10_000 });
    await send("/api/sync/pull/", { models: { "myapp.Customer": null }, batch_size: 20 });
    await send("/api/sync/push/", { data: [{ _model: "myapp.Customer", nothing: "=1+1" }] });
  }
  await app.recorded();
  await app.db.script(`
    CREATE TABLE myapp.sensor_reading (taken_at timestamptz, value numeric);
    CREATE TABLE myapp.currency (code text PRIMARY KEY, name text);
    CREATE VIEW myapp.open_order AS SELECT * FROM myapp.order WHERE status <> 'delivered';
    UPDATE lockstep.device SET last_seen_at = now() - interval '9 days', last_error =
      'The field email is longer than 254 characters.', last_error_at = now() - interval '9 days'
      WHERE name = 'phone-7';
    UPDATE lockstep.device SET revoked_at = now(), last_seen_at = now() - interval '2 hours'
      WHERE name = 'laptop-3';
    INSERT INTO lockstep.sync_log (user_id, organization_id, device, operation, status, model_name,
      object_count, error_message, timestamp, processing_time, request_id)
    SELECT u.id, o.id, 'till-' || n % 4, CASE WHEN n % 3 = 0 THEN 'PUSH' ELSE 'PULL' END,
      CASE WHEN n % 29 = 0 THEN 'ERROR' WHEN n % 17 = 0 THEN 'WARNING' ELSE 'SUCCESS' END,
      (ARRAY['myapp.Customer', 'myapp.Order', 'myapp.OrderItem', 'myapp.Product'])[n % 4 + 1],
      n * 37 % 400, CASE WHEN n % 29 = 0 THEN 'The database is busy or away. Try again shortly.'
        WHEN n % 17 = 0 THEN '2 of 40 records were refused.' ELSE '' END,
      now() - n * n * interval '0.9 second', n * 7 % 90 / 100.0, 'earlier-' || n
    FROM generate_series(1, 300) n, lockstep.app_user u, lockstep.organization o
    WHERE (u.username, o.slug) = ('john_manager', 'acme-corp')`);
}

/** Somebody who is signed in. */
export async function signedIn(app: TestApp, username: string): Promise<Visitor> {
  const someone = visitor(app);
  await someone.signIn(username);
  return someone;
}

/** Makes John an administrator of Acme Corporation, and of nothing else. */
export async function makeAdministrator(app: TestApp): Promise<void> {
  await app.db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
    SELECT u.id, o.id, g.id
    FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
    WHERE (u.username, o.slug, g.name) = ('john_manager', 'acme-corp', 'Administrators')`,
  );
}
