import { nothing, type Scope, scopeColumns, tenantOf } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { organizationValue, type TrackedModel } from "./change_log.ts";
import {
  type CursorBinding,
  decodeCursor,
  encodeCursor,
  isCursor,
  type Position,
} from "./cursor.ts";
import type { SnapshotHead } from "./installation.ts";
import type { OldSnapshot } from "./positions.ts";
import type { ModelPage, PullContext, PullRequest, SavedPosition } from "./pull.ts";
import type { PullReader } from "./pull_reader.ts";
import { countStatement, neededPrevious, type PulledTarget } from "./pull_sql.ts";
import { emptyScopeHash, type ScopeStore } from "./scope_store.ts";

/** Windows of the log in one page, when few of the changes are in the caller's scope. */
const maxWindows = 20;
/** Scopes that a client may hold at once when its rights change faster than it pulls. */
const maxHeld = 8;

/** What the models of one page share. */
export interface PageReading {
  tx: Transaction;
  context: PullContext;
  request: PullRequest;
  head: SnapshotHead;
  /** What is remembered of the times that the client gave, by the model's name. */
  found: Map<string, string | OldSnapshot>;
  scopes: ScopeStore;
  reader: PullReader;
}

/** A model that was asked for and may be pulled. */
export interface Asked {
  name: string;
  model: Model;
  given: string | null;
  scope: Scope;
  hash: string;
}

/** Reads one model's part of a page: where to go on from, and on from there. */
export class ModelPull {
  readonly #reading: PageReading;
  readonly #asked: Asked;
  readonly #target: PulledTarget;
  readonly #binding: CursorBinding;
  readonly #page: ModelPage;

  /** @throws LockstepError `unknown_field` when columns are asked for that the model hasn't */
  constructor(reading: PageReading, asked: Asked, tracked: TrackedModel) {
    const { context, request, head } = reading;
    const { organization } = context.membership;
    this.#reading = reading;
    this.#asked = asked;
    this.#target = {
      name: asked.name,
      model: asked.model,
      tracked,
      tenant: tenantOf(organization),
      columns: this.#columns(),
      numbersAsStrings: request.numbersAsStrings,
      separator: request.separator,
    };
    this.#binding = {
      ...head,
      organizationId: organization.id,
      modelId: tracked.id,
      generation: tracked.generation,
    };
    this.#page = { ...emptyPage(asked.name), model: asked.model.name };
  }

  /** Resolves to the page and to what `SavedPosition` says of it. */
  async run(): Promise<Pick<SavedPosition, "page" | "fromEnd" | "scopeIsNew">> {
    const { tx, request, head, scopes, reader } = this.#reading;
    const { scope, hash } = this.#asked;
    const [target, page] = [this.#target, this.#page];
    const start = await this.#start();
    page.reset = start.reset;
    const { position, given: since } = start;
    const mentioned = [...position.held, position.target];
    const scopeIsNew = !start.noted || !mentioned.includes(hash);
    let fromEnd = isCursor(this.#asked.given ?? "") && position.phase === "log" &&
      position.s1 === null;
    if (position.target !== hash || since.some((other) => !mentioned.includes(other))) {
      rescope(position, hash, since);
      fromEnd = false;
    }
    let held = position.held.length > maxHeld ? undefined : await scopes.get(position.held);
    if (!held?.every((scope) => this.#isLogged(scope))) {
      Object.assign(position, fromStart(head, hash));
      page.reset = true;
      held = [nothing];
      fromEnd = false;
    }
    if (request.totals && position.phase === "scan") {
      const { text, params } = countStatement(target, scope);
      page.total = (await tx.query<{ count: number }>(text, params))[0].count;
      reader.queries++;
    }
    const ended = await this.#advance(position, held);
    page.hasMore = !ended;
    page.cursor = encodeCursor(position, this.#binding);
    if (ended && request.checksum) page.checksum = await reader.checksum(target, scope);
    return { page, fromEnd, scopeIsNew };
  }

  /** Whether the log tells which rows were in the scope. */
  #isLogged(scope: Scope): boolean {
    const { model, tracked } = this.#target;
    return neededPrevious(model, scopeColumns(scope))
      .every((column) => column in tracked.previousColumns);
  }

  #columns(): string[] | null {
    const { name, model } = this.#asked;
    const fields = this.#reading.request.fields.get(name);
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

  /** Where to go on from, by what the client gave, and what was noted of its scopes. */
  async #start(): Promise<
    { position: Position; reset: boolean; given: string[]; noted: boolean }
  > {
    const { head, found } = this.#reading;
    const { name, given, hash } = this.#asked;
    const start = (reset: boolean) => ({
      position: fromStart(head, hash),
      reset,
      given: [],
      noted: false,
    });
    if (given === null) return start(false);
    const remembered = isCursor(given) ? given : found.get(name);
    if (remembered === undefined) return start(true);
    let position: Position;
    if (typeof remembered === "string") {
      const decoded = decodeCursor(remembered, this.#binding, name);
      if ("restart" in decoded) return start(true);
      position = decoded.position;
    } else {
      position = {
        ...fromStart(head, hash),
        held: remembered.held,
        // Any other scope than the present one: the client may hold rows of it.
        target: remembered.held.find((held) => held !== hash) ?? hash,
        s0: remembered.snapshot,
        phase: "log",
        started: remembered.takenAt,
      };
    }
    const { readable, ...since } = await this.#since(position);
    return readable ? { position, reset: false, ...since } : start(true);
  }

  /**
   * Whether the log still has all that happened since the position, and this is its future; and the
   * scopes under which the device was answered since: it may hold rows of those answers although it
   * lost their cursors. `noted`: it was ever answered under the present scope.
   */
  async #since(
    { s0, s1, started }: Position,
  ): Promise<{ readable: boolean; given: string[]; noted: boolean }> {
    const { tracked, model, tenant } = this.#target;
    const { tx, context, reader } = this.#reading;
    const [since] = await tx.query<{ readable: boolean; given: string[]; noted: boolean }>(
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
            AND NOT pg_visible_in_snapshot(g.xid, $1::text::pg_snapshot)) AS given,
        EXISTS (
          SELECT FROM lockstep.scope_given g
          WHERE g.user_id = $5 AND g.organization_id = $6 AND g.device = $7 AND g.model_name = $9
            AND g.hash = $10) AS noted`,
      [
        s0,
        s1,
        tracked.id,
        organizationValue(model, tenant.organizationId),
        context.principal.userId,
        tenant.organizationId,
        context.device,
        started,
        model.name,
        this.#asked.hash,
      ],
    );
    reader.queries++;
    return since;
  }

  /** Reads on until the page is full or the model's end; resolves to whether it is the end. */
  async #advance(position: Position, held: Scope[]): Promise<boolean> {
    const { reader, request, head } = this.#reading;
    const { scope, hash } = this.#asked;
    const [target, page] = [this.#target, this.#page];
    const room = () => request.batchSize - page.count - page.removed.length;
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

/** The page of a model of which nothing has been read. */
export function emptyPage(name: string): ModelPage {
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
