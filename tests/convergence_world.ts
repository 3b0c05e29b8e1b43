import { expect } from "expect";
import type { Database } from "../lib/db/mod.ts";
import { compactChangeLogs } from "../lib/sync/mod.ts";
import {
  filters,
  type ModelKey,
  models,
  type Op,
  type Row,
  statementOf,
  type Write,
} from "./convergence_operations.ts";
import { letTimePass, madeOlder } from "./support/let_time_pass.ts";
import {
  type Caller,
  pullAs,
  pushAs,
  recordsOf,
  removedOf,
  type SyncWorld,
} from "./support/sync.ts";

interface Saved {
  positions: Record<string, string | null>;
  rows: Record<ModelKey, Map<string, string>>;
}

type Indexed = [number, [ModelKey, string]];

/** An application's copy of what it may see, as a real one would keep it. */
class Client {
  now: Saved = { positions: {}, rows: { customer: new Map(), visit: new Map() } };
  earlier: Saved = structuredClone(this.now);

  constructor(
    readonly username: string,
    readonly organization: string,
    readonly device: string,
    /** What it feeds back: `last_sync` as the seed's clients do, or now this and now that. */
    readonly feeds: "cursor" | "last_sync" | "either",
  ) {}
}

/** The clients of a history, the transactions that are open, and the oracle. */
export class World {
  readonly clients = [
    new Client("ann", "one", "phone", "cursor"),
    new Client("ben", "one", "phone", "cursor"),
    new Client("cat", "two", "phone", "cursor"),
    new Client("ann", "one", "watch", "last_sync"),
    new Client("ben", "one", "watch", "either"),
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
        for (let i = 0; i < op.pages; i++) {
          if (await this.pull(client, op.batch, op.times >> 2 * i)) break;
        }
        return;
      }
      case "settle":
        return await this.settle(this.clients[op.client], op.batch, op.times);
      case "wait":
        return await this.wait();
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

  /** Lets minutes pass, for the server's times and for those that the clients hold. */
  async wait(): Promise<void> {
    await letTimePass(this.db);
    for (const { now, earlier } of this.clients) {
      for (const positions of [now.positions, earlier.positions]) {
        for (const [name, position] of Object.entries(positions)) {
          if (position && /^\d{4}-/.test(position)) positions[name] = madeOlder(position);
        }
      }
    }
  }

  /**
   * One page; resolves to whether it was complete. The client may have no right to some model. `times`
   * has a bit for each model whose time is kept, if the client feeds back either.
   */
  async pull(client: Client, batchSize: number, times: number): Promise<boolean> {
    const caller = await this.world.caller(client.username, client.organization);
    const asked = Object.fromEntries(
      Object.values(models).map((name) => [name, client.now.positions[name] ?? null]),
    );
    client.earlier = structuredClone(client.now);
    let page;
    try {
      page = await pullAs(this.world, caller, asked, {
        batchSize,
        device: client.device,
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
    for (const [i, [key, name]] of Object.entries(models).entries() as Iterable<Indexed>) {
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
      const byTime = client.feeds === "either" ? times >> i & 1 : client.feeds === "last_sync";
      client.now.positions[name] = byTime ? part.lastSync : part.cursor;
    }
    if (page.complete) await this.compare(client, caller);
    return page.complete;
  }

  async settle(client: Client, batchSize: number, times: number): Promise<void> {
    for (let pages = 0; pages < 500; pages++) {
      if (await this.pull(client, batchSize, times >> 2 * (pages % 4))) return;
    }
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
    for (const client of this.clients) await this.settle(client, 3, 0b01_10_11_00);
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
