import { expect } from "expect";
import fc from "fast-check";
import type { Database } from "../lib/db/mod.ts";
import { compactChangeLogs } from "../lib/sync/mod.ts";
import { openTestDatabase } from "./support/databases.ts";
import {
  type Caller,
  pullAs,
  pushAs,
  recordsOf,
  removedOf,
  type SyncWorld,
  syncWorld,
} from "./support/sync.ts";

/**
 * The promise of the sync: whatever happens in between, a client that keeps pulling ends with exactly
 * the rows it may see, and whenever an answer says `complete` it has them at that moment, across models.
 */
const schema = `
  CREATE SCHEMA app;
  CREATE TABLE app.customer (
    id bigint PRIMARY KEY,
    organization_id integer NOT NULL,
    owner_id integer,
    department text,
    name text NOT NULL);
  CREATE TABLE app.visit (
    branch integer,
    number integer,
    organization_id integer,
    customer_id bigint REFERENCES app.customer ON DELETE CASCADE,
    note text,
    PRIMARY KEY (branch, number));`;

const models = { customer: "app.Customer", visit: "app.Visit" } as const;
type ModelKey = keyof typeof models;
const departments = ["SALES", "CARE", null];

/** Row filters, each with the same rule written by hand for the oracle. */
const filters: { json: unknown; sql: Record<ModelKey, (user: number) => string> | null }[] = [
  { json: null, sql: { customer: () => "true", visit: () => "true" } },
  {
    json: { department: "SALES" },
    sql: { customer: () => "department = 'SALES'", visit: () => "false" },
  },
  {
    json: { owner_id: "$user.id" },
    sql: { customer: (user) => `owner_id = ${user}`, visit: () => "false" },
  },
  {
    json: { department__isnull: true },
    sql: { customer: () => "department IS NULL", visit: () => "false" },
  },
  { json: { note__gte: "m" }, sql: { customer: () => "false", visit: () => "note >= 'm'" } },
];

type Op =
  | { kind: "push"; client: number; rows: Row[] }
  | { kind: "sql"; slot: number; write: Write }
  | { kind: "commit" | "rollback"; slot: number }
  | {
    kind: "grant";
    organization: string;
    group: string;
    model: ModelKey;
    filter: number;
    pull: boolean;
  }
  | { kind: "member"; user: string; organization: string; group: string; active: boolean }
  | { kind: "pull"; client: number; pages: number; batch: number }
  | { kind: "settle"; client: number; batch: number }
  | { kind: "crash"; client: number; keepRows: boolean }
  | { kind: "compact"; days: number }
  | { kind: "bypass"; write: Write };

interface Row {
  model: ModelKey;
  key: number;
  delete: boolean;
  department: string | null;
  owner: number;
  note: string;
}

type Write =
  | {
    kind: "insert" | "upsert";
    model: ModelKey;
    key: number;
    count: number;
    org: number;
    department: string | null;
  }
  | {
    kind: "update";
    model: ModelKey;
    key: number;
    count: number;
    department: string | null;
    owner: number;
  }
  | { kind: "move"; model: ModelKey; key: number; org: number }
  | { kind: "rekey"; model: ModelKey; key: number; to: number }
  | { kind: "delete"; model: ModelKey; key: number; count: number }
  | { kind: "truncate"; model: ModelKey }
  | { kind: "undone"; model: ModelKey; key: number };

const model = fc.constantFrom<ModelKey>("customer", "customer", "visit");
const key = fc.integer({ min: 1, max: 12 });
const count = fc.integer({ min: 1, max: 5 });
const org = fc.integer({ min: 1, max: 2 });
const department = fc.constantFrom(...departments);
const owner = fc.integer({ min: 1, max: 3 });
const note = fc.constantFrom("a", "z");
const client = fc.nat({ max: 3 });
const batch = fc.constantFrom(1, 2, 3, 7, 100);

const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("insert" as const, "upsert" as const),
    model,
    key,
    count,
    org,
    department,
  }),
  fc.record({ kind: fc.constant("update" as const), model, key, count, department, owner }),
  fc.record({ kind: fc.constant("move" as const), model, key, org }),
  fc.record({ kind: fc.constant("rekey" as const), model, key, to: key }),
  fc.record({ kind: fc.constant("delete" as const), model, key, count }),
  fc.record({ kind: fc.constant("undone" as const), model, key }),
);
const row: fc.Arbitrary<Row> = fc.record({
  model,
  key,
  delete: fc.boolean(),
  department,
  owner,
  note,
});

const operation: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      client,
      rows: fc.array(row, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("sql" as const), slot: fc.nat({ max: 2 }), write }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("commit" as const, "commit" as const, "rollback" as const),
      slot: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("grant" as const),
      organization: fc.constantFrom("one", "two"),
      group: fc.constantFrom("Staff", "Others"),
      model,
      filter: fc.nat({ max: filters.length - 1 }),
      pull: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("member" as const),
      user: fc.constantFrom("ann", "ben"),
      organization: fc.constant("one"),
      group: fc.constantFrom("Staff", "Others"),
      active: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("pull" as const), client, pages: count, batch }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("settle" as const), client, batch }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("crash" as const), client, keepRows: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("compact" as const),
      days: fc.constantFrom(0, 999, 999, 999),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("bypass" as const), write }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("sql" as const),
      slot: fc.constant(0),
      write: fc.record({
        kind: fc.constant("truncate" as const),
        model: fc.constant<ModelKey>("visit"),
      }),
    }),
  },
);

interface Saved {
  positions: Record<string, string | null>;
  rows: Record<ModelKey, Map<string, string>>;
}

/** An application's copy of what it may see, as a real one would keep it. */
class Client {
  now: Saved = { positions: {}, rows: { customer: new Map(), visit: new Map() } };
  earlier: Saved = structuredClone(this.now);

  constructor(
    readonly username: string,
    readonly organization: string,
    /** Feeds back `last_sync` as the seed's clients do. */
    readonly byTime: boolean,
  ) {}
}

class World {
  readonly clients = [
    new Client("ann", "one", false),
    new Client("ben", "one", false),
    new Client("cat", "two", false),
    new Client("ann", "one", true),
  ];
  readonly #open = new Map<
    number,
    { run: (text: string) => Promise<void>; end: (commit: boolean) => Promise<void> }
  >();

  constructor(readonly world: SyncWorld, readonly kind: Database["kind"]) {}

  get db() {
    return this.world.db;
  }

  async apply(op: Op): Promise<void> {
    switch (op.kind) {
      case "push":
        return await this.push(this.clients[op.client], op.rows);
      case "sql":
        return await this.sql(op.slot, op.write);
      case "commit":
      case "rollback":
        return await this.end(op.slot, op.kind === "commit");
      case "grant":
        return await this.world.grant(op.organization, op.group, models[op.model], {
          push: true,
          pull: op.pull,
          filters: filters[op.filter].json,
        });
      case "member":
        return void await this.db.query(
          `UPDATE lockstep.user_organization m SET is_active = $4
           FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
           WHERE m.user_id = u.id AND m.organization_id = o.id AND m.group_id = g.id
             AND u.username = $1 AND o.slug = $2 AND g.name = $3`,
          [op.user, op.organization, op.group, op.active],
        );
      case "pull": {
        const client = this.clients[op.client];
        for (let i = 0; i < op.pages; i++) if (await this.pull(client, op.batch)) break;
        return;
      }
      case "settle":
        return await this.settle(this.clients[op.client], op.batch);
      case "crash": {
        const client = this.clients[op.client];
        // Either the last pages were never stored, or their rows were and the cursors were not.
        client.now = op.keepRows
          ? { positions: { ...client.earlier.positions }, rows: client.now.rows }
          : structuredClone(client.earlier);
        return;
      }
      case "compact":
        return void await compactChangeLogs(this.db, op.days);
      case "bypass":
        return await this.bypass(op.write);
    }
  }

  async push(client: Client, rows: Row[]): Promise<void> {
    const caller = await this.world.caller(client.username, client.organization);
    const records = rows.map((row) => ({
      _model: models[row.model],
      ...(row.model === "customer" ? { id: row.key } : { branch: row.key % 3, number: row.key }),
      ...(row.delete
        ? { _op: "delete" }
        : row.model === "customer"
        ? { name: `pushed ${row.note}`, department: row.department, owner_id: row.owner }
        : { note: row.note }),
    }));
    try {
      await pushAs(this.world, caller, records, {}, { lock_timeout: "50ms" });
    } catch (error) {
      // An open transaction holds a row: nothing was written.
      if (this.#open.size === 0) throw error;
    }
  }

  async sql(slot: number, write: Write): Promise<void> {
    const text = statementOf(write);
    if (this.kind === "pglite" || slot === 0) {
      if (write.kind === "truncate" && this.#open.size > 0) return;
      return await this.tolerate(() =>
        this.db.transaction({}, (tx) => tx.script(`SET LOCAL lock_timeout = '50ms'; ${text}`))
      );
    }
    if (!this.#open.has(slot)) this.#open.set(slot, await openTransaction(this.db));
    const { run } = this.#open.get(slot)!;
    try {
      await run(text);
    } catch {
      await this.end(slot, false);
    }
  }

  /** Runs what may fail on a lock or a constraint: then nothing happened. */
  async tolerate(fn: () => Promise<void>): Promise<void> {
    try {
      await fn();
    } catch { /* refused */ }
  }

  async end(slot: number, commit: boolean): Promise<void> {
    const open = this.#open.get(slot);
    this.#open.delete(slot);
    await open?.end(commit);
  }

  /** Changes rows with the triggers off, as a careless restore does. */
  async bypass(write: Write): Promise<void> {
    if (write.kind === "truncate" || this.#open.size > 0) return;
    const table = `app.${write.model}`;
    await this.tolerate(() =>
      this.db.transaction(
        {},
        (tx) =>
          tx.script(
            `SET LOCAL lock_timeout = '50ms'; ALTER TABLE ${table} DISABLE TRIGGER USER; ${
              statementOf(write)
            };
          ALTER TABLE ${table} ENABLE TRIGGER USER`,
          ),
      )
    );
  }

  /** One page; resolves to whether it was complete. The client may have no right to some model. */
  async pull(client: Client, batchSize: number): Promise<boolean> {
    const caller = await this.world.caller(client.username, client.organization);
    const asked = Object.fromEntries(
      Object.values(models).map((name) => [name, client.now.positions[name] ?? null]),
    );
    client.earlier = structuredClone(client.now);
    let page;
    try {
      page = await pullAs(this.world, caller, asked, {
        batchSize,
        device: client.byTime ? "watch" : "phone",
        checksum: true,
      });
    } catch (error) {
      const { code } = error as { code?: string };
      // A writer holds the table, so that its log can't be armed: the client comes again later.
      if (code === "unavailable" && this.#open.size > 0) return true;
      if (code !== "permission_denied") throw error;
      for (const rows of Object.values(client.now.rows)) rows.clear();
      client.now.positions = {};
      client.earlier.positions = {};
      return true;
    }
    for (const [key, name] of Object.entries(models) as [ModelKey, string][]) {
      const part = page.models.find((part) => part.name === name)!;
      const rows = client.now.rows[key];
      if (part.error || part.reset || asked[name] === null) {
        // A client forgets the cursor before the rows.
        client.earlier.positions[name] = null;
        rows.clear();
      }
      if (part.error) {
        client.now.positions[name] = null;
        continue;
      }
      for (const { _model, _version, ...record } of recordsOf(page, name)) {
        rows.set(keyOf(key, record), JSON.stringify(record));
      }
      for (const removed of removedOf(page, name)) {
        rows.delete(typeof removed === "object" ? JSON.stringify(removed) : String(removed));
      }
      client.now.positions[name] = client.byTime ? part.lastSync : part.cursor;
    }
    if (page.complete) await this.compare(client, caller);
    return page.complete;
  }

  async settle(client: Client, batchSize: number): Promise<void> {
    for (let pages = 0; pages < 500; pages++) if (await this.pull(client, batchSize)) return;
    throw new Error("The client did not come to the end in 500 pages");
  }

  /** Compares the client's rows with what the oracle says, in the database as it is now. */
  async compare(client: Client, { principal, membership }: Caller): Promise<void> {
    for (const key of Object.keys(models) as ModelKey[]) {
      const grants = await this.db.query<{ filters: unknown }>(
        `SELECT p.filters FROM lockstep.model_permission p
         JOIN lockstep.user_organization m
           ON m.organization_id = p.organization_id AND m.group_id = p.group_id
         WHERE p.organization_id = $1 AND m.user_id = $2 AND m.is_active AND p.can_pull
           AND p.model_name = $3`,
        [membership.organization.id, principal.userId, models[key]],
      );
      const rules = grants.map((grant) => {
        const filter = filters.find(({ json }) =>
          JSON.stringify(json) === JSON.stringify(grant.filters)
        );
        return filter!.sql![key](principal.userId);
      });
      const expected = rules.length === 0 ? [] : await this.db.query<{ record: string }>(
        `SELECT row_to_json(t)::text AS record FROM app.${key} t
         WHERE organization_id = $1 AND (${rules.join(" OR ")})`,
        [membership.organization.id],
      );
      const actual = [...client.now.rows[key].values()].sort();
      expect({ client: client.username, model: key, rows: actual }).toEqual({
        client: client.username,
        model: key,
        rows: expected.map(({ record }) => JSON.stringify(JSON.parse(record))).sort(),
      });
    }
  }

  async finish(): Promise<void> {
    for (const slot of [...this.#open.keys()]) await this.end(slot, true);
    for (const client of this.clients) await this.settle(client, 3);
  }

  async abandon(): Promise<void> {
    for (const slot of [...this.#open.keys()]) await this.end(slot, false);
  }
}

function keyOf(key: ModelKey, record: Record<string, unknown>): string {
  return key === "customer"
    ? String(record.id)
    : JSON.stringify({ branch: record.branch, number: record.number });
}

function statementOf(write: Write): string {
  const table = `app.${write.model}`;
  const customer = write.model === "customer";
  const text = (value: string | null) => value === null ? "NULL" : `'${value}'`;
  const keyIs = (from: number, count = 1) =>
    `${customer ? "id" : "number"} BETWEEN ${from} AND ${from + count - 1}`;
  switch (write.kind) {
    case "insert":
    case "upsert": {
      const values = customer
        ? `SELECT i, ${write.org}, i % 3 + 1, ${text(write.department)}, 'sql ' || i`
        : `SELECT i % 3, i, ${write.org}, NULL::bigint, chr(97 + (i * 7) % 26)`;
      const conflict = write.kind === "insert"
        ? "ON CONFLICT DO NOTHING"
        : customer
        ? "ON CONFLICT (id) DO UPDATE SET department = excluded.department, name = 'again'"
        : "ON CONFLICT (branch, number) DO UPDATE SET note = chr(97 + (excluded.number * 5) % 26)";
      return `INSERT INTO ${table} ${values}
        FROM generate_series(${write.key}, ${write.key + write.count - 1}) i ${conflict}`;
    }
    case "update":
      return customer
        ? `UPDATE ${table} SET department = ${text(write.department)}, owner_id = ${write.owner}
           WHERE ${keyIs(write.key, write.count)}`
        : `UPDATE ${table} SET note = ${text(write.department === null ? "q" : "b")}
           WHERE ${keyIs(write.key, write.count)}`;
    case "move":
      return `UPDATE ${table} SET organization_id = ${write.org} WHERE ${keyIs(write.key)}`;
    case "rekey":
      return customer
        ? `UPDATE ${table} SET id = ${write.to} WHERE id = ${write.key}
           AND NOT EXISTS (SELECT FROM ${table} WHERE id = ${write.to})`
        : `UPDATE ${table} SET number = ${write.to} WHERE number = ${write.key}
           AND NOT EXISTS (SELECT FROM ${table} WHERE number = ${write.to})`;
    case "delete":
      return `DELETE FROM ${table} WHERE ${keyIs(write.key, write.count)}`;
    case "truncate":
      return `TRUNCATE ${table} CASCADE`;
    case "undone":
      return `DO $$ BEGIN
        BEGIN
          DELETE FROM ${table} WHERE ${keyIs(write.key, 3)};
          RAISE EXCEPTION 'undo';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        UPDATE ${table} SET organization_id = organization_id WHERE ${keyIs(write.key)};
      END $$`;
  }
}

/** A transaction that stays open until `end`. */
function openTransaction(db: Database) {
  const started = Promise.withResolvers<
    { run: (text: string) => Promise<void>; end: (commit: boolean) => Promise<void> }
  >();
  const ended = Promise.withResolvers<boolean>();
  const closed = db.transaction({}, async (tx) => {
    await tx.script("SET LOCAL lock_timeout = '50ms'");
    await tx.query("SELECT pg_current_xact_id()");
    started.resolve({
      run: (text) => tx.script(text),
      async end(commit) {
        ended.resolve(commit);
        await closed.catch(() => {});
      },
    });
    if (!await ended.promise) throw new Error("rolled back");
  });
  closed.catch(() => {});
  return started.promise;
}

const runs = Number(Deno.env.get("CONVERGENCE_RUNS") ?? 40);

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test(`pull converges under any interleaving of changes [${kind}]`, async () => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    await db.script(schema);
    const world = await syncWorld(db);
    await db.script(`INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
      SELECT u.id, o.id, g.id FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
      WHERE (u.username, o.slug, g.name) IN (('ann', 'one', 'Others'), ('ben', 'one', 'Staff'))`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: filters.length - 1 }), { minLength: 4, maxLength: 4 }),
        fc.array(operation, { minLength: 20, maxLength: 70, size: "max" }),
        async (firstFilters, operations) => {
          await db.script(`DELETE FROM app.visit; DELETE FROM app.customer;
            DELETE FROM lockstep.model_permission;
            UPDATE lockstep.user_organization SET is_active = true`);
          const granted = ["one", "two"].flatMap((organization) =>
            Object.values(models).map((name) => ({ organization, name }))
          );
          for (const [i, { organization, name }] of granted.entries()) {
            const { json } = filters[firstFilters[i]];
            await world.grant(organization, "Staff", name, {
              push: true,
              pull: true,
              filters: json,
            });
          }
          const run = new World(world, kind);
          try {
            for (const operation of operations) await run.apply(operation);
            await run.finish();
          } finally {
            await run.abandon();
          }
        },
      ),
      { numRuns: runs, endOnFailure: Deno.env.has("CONVERGENCE_FAST") },
    );
  });
}
