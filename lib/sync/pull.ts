import {
  type Membership,
  modelAccess,
  nothing,
  type Principal,
  type Scope,
  scopeColumns,
  scopeHash,
  tenantOf,
} from "../access/mod.ts";
import { type Database, identifier, sqlError, type Transaction } from "../db/mod.ts";
import { type ErrorCode, LockstepError } from "../errors/mod.ts";
import type { Catalog, Model, ModelCatalog } from "../models/mod.ts";
import { organizationValue, track, type TrackedModel, trackedModels } from "./change_log.ts";
import {
  type CursorBinding,
  decodeCursor,
  encodeCursor,
  isCursor,
  type Position,
} from "./cursor.ts";
import { makeDurable, walEnd } from "./durable_snapshot.ts";
import { renewIdentity, type SnapshotHead, snapshotHead } from "./installation.ts";
import { findPositions, lastSyncTimes, type OldSnapshot, savePositions } from "./positions.ts";
import { countStatement, neededPrevious, type PullTarget } from "./pull_sql.ts";
import { PullReader } from "./pull_reader.ts";
import { enterTenant } from "./row_security.ts";
import { emptyScopeHash, ScopeStore } from "./scope_store.ts";

/** What a pull asks for. */
export interface PullRequest {
  /** Position by model name: null from the start, a cursor, or an ISO time. */
  models: Map<string, string | null>;
  /** Most records and removals of one model in the answer. */
  batchSize: number;
  /** Columns by model name; a model that isn't there gets all. The key always comes. */
  fields: Map<string, string[]>;
  checksum: boolean;
  numbersAsStrings: boolean;
  /** What joins records that come in one piece: a comma in an array, a line break in NDJSON. */
  separator: "," | "\n";
  /** Also count what a first pull will bring, for a progress display. */
  totals?: boolean;
}

/** Who pulls. */
export interface PullContext {
  db: Database;
  catalog: ModelCatalog;
  principal: Principal;
  membership: Membership;
  /** Name of the device, empty when it has none. */
  device: string;
  /** How long the cursor behind a `last_sync` is remembered. */
  positionRetentionDays: number;
}

/** The part of the answer that belongs to one model. */
export interface ModelPage {
  /** As the client wrote it. */
  name: string;
  /** Records as JSON text in UTF-8, one or several in a piece, joined by the request's separator. */
  records: Uint8Array[];
  /** Number of the records. */
  count: number;
  /** Keys of removed rows as JSON text in UTF-8. */
  removed: Uint8Array[];
  cursor: string | null;
  hasMore: boolean;
  reset: boolean;
  lastSync: string | null;
  userLastSync: string | null;
  checksum?: { count: number; hash: string };
  total?: number;
  error?: LockstepError;
}

export interface PullPage {
  /** In foreign-key order, parents first. */
  models: ModelPage[];
  /** Every model was brought to its end within this page's snapshot. */
  complete: boolean;
  /** Time of the snapshot, ISO 8601. */
  asOf: string;
  /** Statements that were run. */
  queries: number;
}

/** Windows of the log in one page, when few of the changes are in the caller's scope. */
const maxWindows = 20;
/** Scopes that a client may hold at once when its rights change faster than it pulls. */
const maxHeld = 8;

/**
 * One page of a pull, read in one REPEATABLE READ snapshot that is closed when this resolves, however
 * slow the client then reads. The state machine is described at `Position`.
 *
 * @throws LockstepError `permission_denied` when no asked model may be pulled, `invalid_cursor`,
 * `cursor_mismatch`, `unavailable` when a table stays locked.
 */
export async function pullPage(context: PullContext, request: PullRequest): Promise<PullPage> {
  for (let attempt = 0;; attempt++) {
    const catalog = await context.catalog.current();
    const result = await context.db.transaction({
      isolation: "repeatable read",
      readOnly: true,
    }, (tx) => new Pull(context, request, catalog, tx).run()).catch(unlessLocked);
    if ("page" in result) {
      const { page, positions, logEnd } = result;
      await savePositions(context, positions, page.asOf);
      await makeDurable(context.db, logEnd);
      return page;
    }
    if (attempt === 5) throw busy();
    // What a read-only snapshot can't mend is mended here, and the page read again.
    if (result.repair === "identity") await renewIdentity(context.db);
    else {
      for (const { model, columns } of result.repair) {
        await track(context.db, model, columns).catch(unlessLocked);
      }
    }
    context.catalog.invalidate();
  }
}

/** A model that was asked for and may be pulled. */
interface Asked {
  name: string;
  model: Model;
  given: string | null;
  scope: Scope;
  hash: string;
}

type Outcome =
  | { page: PullPage; positions: SavedPosition[]; logEnd: string }
  | { repair: "identity" | { model: Model; columns: string[] }[] };

/** What is remembered of a page: which cursor belongs to the `last_sync` that went with it. */
export interface SavedPosition {
  page: ModelPage;
  model: Model;
  /** The client gave a cursor, so it won't come back with the time. */
  byCursor: boolean;
  hash: string;
  scope: Scope;
  /** The position that the client gave knows nothing of this scope. */
  scopeIsNew: boolean;
}

class Pull {
  readonly #scopes: ScopeStore;
  readonly #reader: PullReader;
  #queries = 0;

  constructor(
    readonly context: PullContext,
    readonly request: PullRequest,
    readonly catalog: Catalog,
    readonly tx: Transaction,
  ) {
    this.#scopes = new ScopeStore(tx);
    this.#reader = new PullReader(tx);
  }

  async run(): Promise<Outcome> {
    const { principal, membership } = this.context;
    const { known, pages } = this.#resolve();
    // Before the snapshot is taken: a TRUNCATE or ALTER that commits in between would not be seen in
    // the catalog, yet be seen in the table.
    await this.tx.script([
      "SET LOCAL lock_timeout = '5s'",
      ...known.map(({ model }) => `LOCK TABLE ${quote(model)} IN ACCESS SHARE MODE`),
    ].join(";"));
    const [head, logEnd, access, tracked] = await Promise.all([
      snapshotHead(this.tx),
      walEnd(this.tx),
      modelAccess(this.tx, principal, membership, this.catalog),
      trackedModels(this.tx, known.map(({ model }) => model)),
    ]);
    this.#queries += 5;
    if (!head.genuine) return { repair: "identity" };

    const asked: Asked[] = [];
    for (const { name, model, given } of known) {
      const scope = access.get(model.name)?.pull;
      if (scope) asked.push({ name, model, given, scope, hash: scopeHash(scope) });
      else pages.push(failed(name, "permission_denied", `You may not pull ${model.name}.`));
    }
    if (asked.length === 0 && pages.length > 0) throw allFailed(pages);

    const repair = asked.map(({ model, scope }) => ({
      model,
      columns: neededPrevious(model, scopeColumns(scope)),
    })).filter(({ model, columns }) => {
      const state = tracked.get(model);
      return !state || columns.some((column) => !(column in state.previousColumns));
    });
    if (repair.length > 0) return { repair };

    const [found, times] = await Promise.all([
      findPositions(
        this.tx,
        this.context,
        asked.filter(({ given }) => given !== null && !isCursor(given)),
      ),
      lastSyncTimes(this.tx, this.context),
    ]);
    this.#scopes.load(asked.map(({ hash, scope }) => ({ hash, scope })));
    this.#queries += 2;
    if (head.rowSecurity) await enterTenant(this.tx, membership.organization.id);

    const positions: SavedPosition[] = [];
    let complete = true;
    for (const one of asked) {
      const { page, scopeIsNew } = await this.#model(one, tracked.get(one.model)!, head, found);
      page.userLastSync = times.get(one.model.name) ?? null;
      pages.push(page);
      complete &&= !page.hasMore;
      const byCursor = one.given !== null && isCursor(one.given);
      const { model, hash, scope } = one;
      positions.push({ page, model, byCursor, hash, scope, scopeIsNew });
    }
    return {
      page: {
        models: pages,
        complete,
        asOf: head.takenAt,
        queries: this.#queries + this.#reader.queries,
      },
      positions,
      logEnd,
    };
  }

  /** The asked models in foreign-key order, and the pages of those that can't be. */
  #resolve() {
    const pages: ModelPage[] = [];
    const known: { name: string; model: Model; given: string | null }[] = [];
    for (const [name, given] of this.request.models) {
      const model = this.catalog.find(name);
      if (!model || !model.enabled && model.syncable) pages.push(unknownModel(name));
      else if (!model.syncable) pages.push(failed(name, "not_syncable", model.reason));
      else known.push({ name, model, given });
    }
    const order = new Map(this.catalog.models.map((model, i) => [model, i]));
    known.sort((a, b) => order.get(a.model)! - order.get(b.model)!);
    return { known, pages };
  }

  async #model(
    { name, model, given, scope, hash }: Asked,
    tracked: TrackedModel,
    head: SnapshotHead,
    found: Map<string, string | OldSnapshot>,
  ): Promise<{ page: ModelPage; scopeIsNew: boolean }> {
    const { organization } = this.context.membership;
    const target: PullTarget = {
      model,
      tracked,
      tenant: tenantOf(organization),
      columns: this.#columns(name, model),
      numbersAsStrings: this.request.numbersAsStrings,
      separator: this.request.separator,
    };
    const binding: CursorBinding = {
      ...head,
      organizationId: organization.id,
      modelId: tracked.id,
      generation: tracked.generation,
    };
    const page = emptyPage(name);
    const start = await this.#start(name, given, target, binding, head, hash, found);
    page.reset = start.reset;
    const { position, given: since } = start;
    const mentioned = [...position.held, position.target];
    const scopeIsNew = !mentioned.includes(hash);
    if (position.target !== hash || since.some((other) => !mentioned.includes(other))) {
      rescope(position, hash, since);
    }
    let held = position.held.length > maxHeld ? undefined : await this.#scopes.get(position.held);
    if (!held) {
      Object.assign(position, fromStart(head, hash));
      page.reset = true;
      held = [nothing];
    }
    if (this.request.totals && position.phase === "scan") {
      const { text, params } = countStatement(target, scope);
      page.total = (await this.tx.query<{ count: number }>(text, params))[0].count;
      this.#queries++;
    }
    const ended = await this.#advance(target, position, held, scope, hash, head, page);
    page.hasMore = !ended;
    page.cursor = encodeCursor(position, binding);
    if (ended && this.request.checksum) page.checksum = await this.#reader.checksum(target, scope);
    return { page, scopeIsNew };
  }

  #columns(name: string, model: Model): string[] | null {
    const fields = this.request.fields.get(name);
    if (!fields) return null;
    const known = new Set(model.columns.map((column) => column.name));
    const unknown = fields.filter((field) => !known.has(field));
    if (unknown.length > 0) {
      const named = unknown.slice(0, 10).map((field) => JSON.stringify(field.slice(0, 60)));
      throw new LockstepError(
        "unknown_field",
        `${model.name} has no column ${named.join(", ")}. Its columns are ${
          [...known].join(", ")
        }.`,
        { errors: [{ field: `fields.${name}`, message: `Unknown: ${named.join(", ")}.` }] },
      );
    }
    return [...new Set([...model.key, ...fields])];
  }

  /** Where to go on from, by what the client gave. */
  async #start(
    name: string,
    given: string | null,
    target: PullTarget,
    binding: CursorBinding,
    head: SnapshotHead,
    hash: string,
    found: Map<string, string | OldSnapshot>,
  ): Promise<{ position: Position; reset: boolean; given: string[] }> {
    const start = (reset: boolean) => ({ position: fromStart(head, hash), reset, given: [] });
    if (given === null) return start(false);
    const remembered = isCursor(given) ? given : found.get(name);
    if (remembered === undefined) return start(true);
    if (typeof remembered !== "string") {
      const position: Position = {
        ...fromStart(head, hash),
        held: [hash],
        s0: remembered.snapshot,
        phase: "log",
        started: remembered.takenAt,
      };
      const since = await this.#since(target, position);
      return since.readable ? { position, reset: false, given: since.given } : start(true);
    }
    const decoded = decodeCursor(remembered, binding, name);
    if ("restart" in decoded) return start(true);
    const { position } = decoded;
    const since = await this.#since(target, position);
    return since.readable ? { position, reset: false, given: since.given } : start(true);
  }

  /**
   * Whether the log still has all that happened since the position, and this is its future; and the
   * scopes under which the device was answered since: it may hold rows of those answers although it
   * lost their cursors.
   */
  async #since({ tracked, model, tenant }: PullTarget, { s0, s1, started }: Position) {
    const [since] = await this.tx.query<{ readable: boolean; given: string[] }>(
      `
      SELECT pg_snapshot_xmax($1::text::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
        AND coalesce(pg_snapshot_xmax($2::text::pg_snapshot)
                     <= pg_snapshot_xmax(pg_current_snapshot()), true)
        AND NOT EXISTS (
          SELECT FROM lockstep.change_floor f
          WHERE f.model_id = $3 AND f.organization = $4
            AND f.floor_xid >= pg_snapshot_xmin($1::text::pg_snapshot))
        AND NOT EXISTS (
          SELECT FROM lockstep.device d
          WHERE d.user_id = $5 AND d.organization_id = $6 AND d.name = $7
            AND d.resync_requested_at > to_timestamp($8::float8 / 1000)) AS readable,
        ARRAY(
          SELECT g.hash FROM lockstep.scope_given g
          WHERE g.user_id = $5 AND g.organization_id = $6 AND g.device = $7 AND g.model_name = $9
            AND NOT pg_visible_in_snapshot(g.xid, $1::text::pg_snapshot)) AS given`,
      [
        s0,
        s1,
        tracked.id,
        organizationValue(model, tenant.organizationId),
        this.context.principal.userId,
        tenant.organizationId,
        this.context.device,
        started,
        model.name,
      ],
    );
    this.#queries++;
    return since;
  }

  /** Reads on until the page is full or the model's end; resolves to whether it is the end. */
  async #advance(
    target: PullTarget,
    position: Position,
    held: Scope[],
    scope: Scope,
    hash: string,
    head: SnapshotHead,
    page: ModelPage,
  ): Promise<boolean> {
    const reader = this.#reader;
    const room = () => this.request.batchSize - page.count - page.removed.length;
    if (position.phase === "scan") {
      while (true) {
        const limit = Math.min(room(), reader.chunk(target.model));
        if (limit <= 0 || reader.full) return false;
        const read = await reader.scan(target, position, held, scope, limit, page);
        if (read < limit) break;
      }
      Object.assign(position, { phase: "log", key: null, s1: null, after: null });
    }
    for (let windows = 0; windows < maxWindows; windows++) {
      const limit = Math.min(room(), reader.chunk(target.model));
      if (limit <= 0 || reader.full) {
        position.s1 ??= head.snapshot;
        return false;
      }
      if (await reader.log(target, position, held, scope, limit, page)) {
        const current = position.s1 === null || position.s1 === head.snapshot;
        Object.assign(position, {
          held: [hash],
          s0: position.s1 ?? head.snapshot,
          s1: null,
          after: null,
        });
        held = [scope];
        if (current) return true;
      } else position.s1 ??= head.snapshot;
    }
    return false;
  }
}

/** A table stayed locked by somebody else's transaction. */
function busy(cause?: unknown): LockstepError {
  return new LockstepError(
    "unavailable",
    "A table that you asked for is being changed by a long transaction. Try again shortly.",
    { headers: { "Retry-After": "1" }, cause },
  );
}

function unlessLocked(error: unknown): never {
  throw sqlError(error)?.code === "55P03" ? busy(error) : error;
}

function fromStart(head: SnapshotHead, hash: string): Position {
  return {
    held: [emptyScopeHash],
    target: hash,
    s0: head.snapshot,
    phase: "scan",
    key: null,
    s1: null,
    after: null,
    started: Date.now(),
  };
}

/**
 * Turns a position under other scopes into one that scans for the difference. `s0` stays: what
 * changed since then is read again from the log afterwards.
 */
function rescope(position: Position, hash: string, given: string[]): void {
  Object.assign(position, {
    held: [...new Set([...position.held, position.target, ...given])],
    target: hash,
    phase: "scan",
    key: null,
    s1: null,
    after: null,
  });
}

function emptyPage(name: string): ModelPage {
  return {
    name,
    records: [],
    count: 0,
    removed: [],
    cursor: null,
    hasMore: false,
    reset: false,
    lastSync: null,
    userLastSync: null,
  };
}

function failed(name: string, code: ErrorCode, message: string): ModelPage {
  return { ...emptyPage(name), error: new LockstepError(code, message) };
}

function unknownModel(name: string): ModelPage {
  return failed(
    name,
    "unknown_model",
    `There is no model ${name.slice(0, 100)}. GET /api/sync/me/ lists the models you may use.`,
  );
}

function allFailed(pages: ModelPage[]): LockstepError {
  const denied = pages.some(({ error }) => error?.code === "permission_denied");
  return new LockstepError(
    denied ? "permission_denied" : pages[0].error!.code,
    pages.map(({ error }) => error!.message).join(" "),
    {
      errors: pages.map(({ name, error }) => ({
        field: `models.${name}`,
        message: error!.message,
        code: error!.code,
      })),
    },
  );
}

const quote = (model: Model) => identifier(model.schema, model.table);
