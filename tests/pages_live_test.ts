import { expect } from "expect";
import { makeAdministrator, signedIn } from "./pages_admin_support.ts";
import { openDemoApp, type Visitor } from "./pages_support.ts";
import { needsOneProcess, type TestApp } from "./support/app.ts";
import { EventStream } from "./support/event_stream.ts";

async function follow(someone: Visitor): Promise<EventStream> {
  const answer = await someone.get("/admin/live");
  expect(answer.headers.get("Content-Type")).toBe("text/event-stream");
  return new EventStream(answer);
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
  await using samReads = await follow(sam);
  const johnReads = await follow(john);
  await logOf(app, "global-retail");
  expect((await samReads.next())?.event).toBe("logs");
  // Had John been told of the other organization's line, that would come first.
  await app.db.query(
    "UPDATE lockstep.organization SET description = 'new' WHERE slug = 'acme-corp'",
  );
  expect((await johnReads.next())?.event).toBe("audit");
  await app.db.query(
    `DELETE FROM lockstep.user_organization m USING lockstep.auth_group g, lockstep.app_user u
    WHERE g.id = m.group_id AND u.id = m.user_id
      AND (g.name, u.username) = ('Administrators', 'john_manager')`,
  );
  let last: string | undefined;
  for (let told = await johnReads.next(); told; told = await johnReads.next()) last = told.event;
  expect(last).toBe("revoked");
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
        for (const reader of readers) expect((await reader.next())?.event).toBe("logs");
      }
      for (const reader of readers) await reader[Symbol.asyncDispose]();
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
