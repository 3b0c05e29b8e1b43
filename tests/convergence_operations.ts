/** The tables of the convergence test, and everything that may happen to them. @module */
import fc from "fast-check";

export const schema = `
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

/** Names of the models by table. */
export const models = { customer: "app.Customer", visit: "app.Visit" } as const;
export type ModelKey = keyof typeof models;
const departments = ["SALES", "CARE", null];

/** Row filters, each with the same rule written by hand for the oracle. */
export const filters: { json: unknown; sql: Record<ModelKey, (user: number) => string> | null }[] =
  [
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

/** What may happen to the database or to a client. */
export type Op =
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
  | { kind: "pull"; client: number; pages: number; batch: number; times: number }
  | { kind: "settle"; client: number; batch: number; times: number }
  | { kind: "wait" }
  | { kind: "crash"; client: number; keepRows: boolean }
  | { kind: "compact"; days: number }
  | { kind: "bypass"; write: Write };

/** A record of a push. */
export interface Row {
  model: ModelKey;
  key: number;
  delete: boolean;
  department: string | null;
  owner: number;
  note: string;
}

/** A statement behind the server's back. */
export type Write =
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
const client = fc.nat({ max: 4 });
/** For each of the next answers and models, as bits: whether its time is fed back, not its cursor. */
const times = fc.nat({ max: 255 });
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

export const operation: fc.Arbitrary<Op> = fc.oneof(
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
    arbitrary: fc.record({
      kind: fc.constant("pull" as const),
      client,
      pages: count,
      batch,
      times,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("settle" as const), client, batch, times }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
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

/** The SQL of a write. */
export function statementOf(write: Write): string {
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
