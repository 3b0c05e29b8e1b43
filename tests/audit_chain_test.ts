import { expect } from "expect";
import { type Actor, grantsFor, purgeAudit, sealAudit, verifyAudit } from "../lib/audit/mod.ts";
import { type Database, openPostgres } from "../lib/db/mod.ts";
import { eachDatabase, hasPostgres, openTestDatabase, useOwnServer } from "./support/databases.ts";

useOwnServer();

const job: Actor = { id: null, name: "retention", source: "job" };

async function addGroups(db: Database, count: number, prefix = "g") {
  await db.query(
    "INSERT INTO lockstep.auth_group (name) SELECT $1::text || g FROM generate_series(1, $2::int) g",
    [prefix, count],
  );
}

/** What somebody can do who owns the tables. */
async function tamper(db: Database, sql: string) {
  await db.script(`
    ALTER TABLE lockstep.audit_event DISABLE TRIGGER guard;
    ALTER TABLE lockstep.audit_seal DISABLE TRIGGER guard;
    ALTER TABLE lockstep.audit_chain DISABLE TRIGGER guard;
    ${sql};
    ALTER TABLE lockstep.audit_event ENABLE ALWAYS TRIGGER guard;
    ALTER TABLE lockstep.audit_seal ENABLE ALWAYS TRIGGER guard;
    ALTER TABLE lockstep.audit_chain ENABLE ALWAYS TRIGGER guard`);
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(() => "done", (error: Error) => error.message);

eachDatabase(
  "sealAudit() chains every event once and verifyAudit() finds them sound",
  async ({ db }) => {
    await addGroups(db, 12_000);
    expect((await sealAudit(db)).sealed).toBe(12_000);
    await addGroups(db, 3, "h");
    const { sealed, head } = await sealAudit(db);
    expect(sealed).toBe(3);
    expect(head.position).toBe(12_003);
    expect(await sealAudit(db)).toEqual({ sealed: 0, head });
    expect(await verifyAudit(db, head)).toEqual({
      problem: null,
      verified: 12_003,
      pending: 0,
      head,
    });
  },
);

for (
  const [what, sql, problem] of [
    [
      "a changed event",
      'UPDATE lockstep.audit_event SET after = after || \'{"name": "x"}\' WHERE id = 4',
      { kind: "event_changed", position: 4, eventId: 4 },
    ],
    [
      "a changed actor",
      "UPDATE lockstep.audit_event SET actor = 'nobody' WHERE id = 9",
      { kind: "event_changed", position: 9, eventId: 9 },
    ],
    [
      "a removed event",
      "DELETE FROM lockstep.audit_event WHERE id IN (5, 8)",
      { kind: "event_missing", position: 5, eventId: 5 },
    ],
    [
      "an event removed with its link",
      "DELETE FROM lockstep.audit_event WHERE id = 5; DELETE FROM lockstep.audit_seal WHERE event_id = 5",
      { kind: "seal_missing", position: 5, eventId: null },
    ],
    [
      "a removed end",
      "DELETE FROM lockstep.audit_event WHERE id > 7; DELETE FROM lockstep.audit_seal WHERE event_id > 7",
      { kind: "seal_missing", position: 8 },
    ],
    [
      "a removed beginning",
      `UPDATE lockstep.audit_chain SET anchor_position = 3,
        anchor_hash = (SELECT hash FROM lockstep.audit_seal WHERE position = 3);
      DELETE FROM lockstep.audit_event WHERE id <= 3; DELETE FROM lockstep.audit_seal WHERE position <= 3`,
      { kind: "event_missing", position: 3 },
    ],
    [
      "an event inserted into the past",
      `INSERT INTO lockstep.audit_event (xid, actor, source, model, action)
      SELECT xid, 'x', 'sql', 'm', 'create' FROM lockstep.audit_event WHERE id = 1`,
      { kind: "event_inserted", position: null, eventId: 11 },
    ],
    [
      "a link recomputed after a change",
      `UPDATE lockstep.audit_event SET actor = 'x' WHERE id = 6;
      UPDATE lockstep.audit_seal s SET hash = sha256((SELECT hash FROM lockstep.audit_seal
        WHERE position = 5) || lockstep.audit_digest(e)) FROM lockstep.audit_event e
        WHERE e.id = 6 AND s.event_id = 6`,
      { kind: "event_changed", position: 7, eventId: 7 },
    ],
    [
      "a shortened chain that looks whole, by a known head",
      `DELETE FROM lockstep.audit_event WHERE id > 7; DELETE FROM lockstep.audit_seal WHERE position > 7;
      UPDATE lockstep.audit_chain SET head_position = 7,
        head_hash = (SELECT hash FROM lockstep.audit_seal WHERE position = 7)`,
      { kind: "head_mismatch", position: 7 },
    ],
    [
      "a chain written anew, by a known head",
      `UPDATE lockstep.audit_event SET actor = 'x' WHERE id = 2;
      DELETE FROM lockstep.audit_seal;
      UPDATE lockstep.audit_chain SET head_position = 0, head_hash = anchor_hash, sealed_before = '3'`,
      { kind: "head_mismatch", position: 10 },
    ],
  ] as const
) {
  eachDatabase(`verifyAudit() finds ${what}`, async ({ db }) => {
    for (let i = 0; i < 10; i++) await addGroups(db, 1, `g${i}-`);
    const { head } = await sealAudit(db);
    await tamper(db, sql);
    const result = await verifyAudit(db, head);
    expect(result.problem).toMatchObject(problem);
  });
}

eachDatabase(
  "past events refuse UPDATE, DELETE and TRUNCATE even of their owner",
  async ({ db }) => {
    await addGroups(db, 2);
    await sealAudit(db);
    for (
      const sql of [
        "UPDATE lockstep.audit_event SET actor = 'x'",
        "DELETE FROM lockstep.audit_event",
        "TRUNCATE lockstep.audit_event",
        "DO $$ BEGIN DELETE FROM lockstep.audit_event WHERE actor <> 'lockstep.audit_purge('; END $$",
        "UPDATE lockstep.audit_seal SET hash = ''",
        "DELETE FROM lockstep.audit_seal",
        "TRUNCATE lockstep.audit_seal",
        "UPDATE lockstep.audit_chain SET head_position = 0",
        "DELETE FROM lockstep.audit_chain",
        "SET session_replication_role = replica; DELETE FROM lockstep.audit_event",
      ]
    ) {
      expect(await messageOf(db.script(sql))).toMatch(/^lockstep\.audit_\w+ cannot be altered/);
      await db.script("SET session_replication_role = origin");
    }
    expect((await verifyAudit(db)).verified).toBe(2);
  },
);

Deno.test({
  name: "sealAudit() leaves out what a running older transaction may precede, without blocking it",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    const { db } = test;
    const [started, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = db.transaction({}, async (tx) => {
      await tx.query("INSERT INTO lockstep.auth_group (name) VALUES ('slow')");
      started.resolve();
      await written.promise;
    });
    await started.promise;
    await addGroups(db, 2);
    expect((await sealAudit(db)).sealed).toBe(0);
    expect((await verifyAudit(db)).pending).toBe(2);
    written.resolve();
    await slow;
    expect((await sealAudit(db)).sealed).toBe(3);
    expect(await verifyAudit(db)).toMatchObject({ problem: null, verified: 3, pending: 0 });
  },
});

Deno.test({
  name: "sealAudit() by many at once, among writers, makes one sound chain",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres", { poolSize: 10 });
    const { db } = test;
    await Promise.all(Array.from({ length: 8 }, async (_, worker) => {
      for (let i = 0; i < 10; i++) {
        await addGroups(db, 3, `w${worker}-${i}-`);
        await sealAudit(db);
      }
    }));
    await sealAudit(db);
    expect(await verifyAudit(db)).toMatchObject({ problem: null, verified: 240, pending: 0 });
  },
});

eachDatabase(
  "sealAudit() goes on after a restore into a cluster that counts anew",
  async ({ db }) => {
    await addGroups(db, 3);
    await sealAudit(db);
    await tamper(
      db,
      `UPDATE lockstep.audit_chain SET sealed_before = '4000000000';
    INSERT INTO lockstep.audit_event (xid, actor, source, model, action)
      VALUES ('4000000001', 'x', 'sql', 'm', 'create')`,
    );
    await addGroups(db, 2, "h");
    expect((await sealAudit(db)).sealed).toBe(3);
    await addGroups(db, 1, "i");
    expect((await sealAudit(db)).sealed).toBe(1);
    expect(await verifyAudit(db)).toMatchObject({ problem: null, verified: 7, pending: 0 });
  },
);

eachDatabase(
  "purgeAudit() removes the oldest events and keeps the chain verifiable",
  async ({ db }) => {
    await addGroups(db, 5);
    await tamper(db, "UPDATE lockstep.audit_event SET at = at - interval '90 days'");
    await addGroups(db, 2, "h");
    const before = new Date(Date.now() - 60 * 86_400_000);
    const { head } = await sealAudit(db);
    expect(await purgeAudit(db, before, job)).toBe(5);
    expect(await verifyAudit(db, head)).toMatchObject({ problem: null, verified: 3 });
    const events = await db.query(
      "SELECT actor, action, after -> 'events' AS events FROM lockstep.audit_event ORDER BY id",
    );
    expect(events.at(-1)).toEqual({ actor: "retention", action: "purge", events: 5 });
    expect(events.length).toBe(3);
    expect(await purgeAudit(db, before, job)).toBe(0);
  },
);

eachDatabase("purgeAudit() refuses young events and tampered ones", async ({ db }) => {
  await addGroups(db, 5);
  await tamper(db, "UPDATE lockstep.audit_event SET at = at - interval '90 days'");
  const code = (days: number) =>
    purgeAudit(db, new Date(Date.now() - days * 86_400_000), job).then(
      (count) => count,
      (error) => error.code,
    );
  expect(await code(29)).toBe("invalid_value");
  await sealAudit(db);
  await tamper(db, "UPDATE lockstep.audit_event SET actor = 'x' WHERE id = 2");
  expect(await code(31)).toBe("conflict");
  expect((await verifyAudit(db)).problem).toMatchObject({ kind: "event_changed", position: 2 });
});

Deno.test({
  name: "grantsFor() lets the application role work and alter no event",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    const owner = test.db;
    const role = `app_${crypto.randomUUID().slice(0, 8)}`;
    await owner.script(`
      CREATE ROLE "${role}" LOGIN PASSWORD 'p';
      GRANT USAGE ON SCHEMA lockstep TO "${role}";
      GRANT ALL ON ALL TABLES IN SCHEMA lockstep TO "${role}"`);
    await owner.script(grantsFor(role));
    const url = Object.assign(new URL(test.url!), { username: role, password: "p" }).href;
    const app = openPostgres(url, { max: 1 });
    try {
      await app.query("INSERT INTO lockstep.organization (name, slug) VALUES ('A', 'a')");
      await app.query("UPDATE lockstep.organization SET name = 'B'");
      const events = await app.query(
        "SELECT actor, action FROM lockstep.audit_event ORDER BY id",
      );
      expect(events).toEqual([{ actor: role, action: "create" }, {
        actor: role,
        action: "update",
      }]);
      expect((await sealAudit(app)).sealed).toBe(2);
      expect((await verifyAudit(app)).problem).toBeNull();
      expect(await purgeAudit(app, new Date(0), job)).toBe(0);
      for (
        const sql of [
          "INSERT INTO lockstep.audit_event (actor, source, model, action) VALUES ('x', 'sql', 'm', 'create')",
          "UPDATE lockstep.audit_event SET actor = 'x'",
          "DELETE FROM lockstep.audit_event",
          "TRUNCATE lockstep.audit_event",
          "INSERT INTO lockstep.audit_seal VALUES (3, 3, '')",
          "DELETE FROM lockstep.audit_seal",
          "UPDATE lockstep.audit_chain SET retention_floor = '0'",
          "ALTER TABLE lockstep.audit_event DISABLE TRIGGER guard",
          "ALTER TABLE lockstep.organization DISABLE TRIGGER ALL",
          "DROP TRIGGER lockstep_audit_update ON lockstep.organization",
          "SET session_replication_role = replica",
          "CREATE OR REPLACE FUNCTION lockstep.audit_guard() RETURNS trigger LANGUAGE sql AS ''",
        ]
      ) {
        expect(await messageOf(app.script(sql))).toMatch(/permission denied|must be owner/);
      }
    } finally {
      await app.close();
      await owner.script(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    }
  },
});
