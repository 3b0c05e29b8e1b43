import {
  type Membership,
  modelAccess,
  type Principal,
  type Scope,
  scopeColumns,
  scopeHash,
} from "../access/mod.ts";
import { type Database, identifier, sqlError, type Transaction } from "../db/mod.ts";
import { type ErrorCode, LockstepError } from "../errors/mod.ts";
import type { Catalog, Model, ModelCatalog, ModelName } from "../models/mod.ts";
import { track, trackedModels } from "./change_log.ts";
import { isCursor } from "./cursor.ts";
import { makeDurable, walEnd } from "./durable_snapshot.ts";
import { renewIdentity, snapshotHead } from "./installation.ts";
import { findPositions, lastSyncTimes, savePositions } from "./positions.ts";
import { pullRefusal } from "./pull_fields.ts";
import { type Asked, emptyPage, ModelPull } from "./pull_model.ts";
import { PullReader } from "./pull_reader.ts";
import { neededPrevious } from "./pull_sql.ts";
import { enterTenant } from "./row_security.ts";
import { ScopeStore } from "./scope_store.ts";

/** What a pull asks for. */
export interface PullRequest {
  /**
   * Position by model name, in the spelling that the answer keeps: null from the start, a cursor, or
   * an ISO time.
   */
  models: Map<string, string | null>;
  /** Most records and removals of one model in the answer. */
  batchSize: number;
  /** Columns by model name as in `models`; one that isn't there gets all. The key always comes. */
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
  /** The model's own name, undefined where there is no such model to pull. */
  model?: ModelName;
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

/**
 * One page of a pull, read in one REPEATABLE READ snapshot that is closed when this resolves, however
 * slow the client then reads. The state machine is described at `Position`.
 *
 * @throws LockstepError `permission_denied` when no asked model may be pulled, `invalid_value` when
 * two of the names mean one model, `invalid_cursor`, `cursor_mismatch`, `unavailable` when a table
 * stays locked or keeps changing.
 */
export async function pullPage(context: PullContext, request: PullRequest): Promise<PullPage> {
  for (let attempt = 0;; attempt++) {
    const catalog = await context.catalog.current();
    const result = await context.db.transaction({
      isolation: "repeatable read",
      readOnly: true,
    }, (tx) => readPage(context, request, catalog, tx)).catch(unlessStale).catch(unlessLocked);
    if ("page" in result) {
      const { page, positions, logEnd } = result;
      await savePositions(context, positions, page.asOf, { unfinished: request.separator === "," });
      await makeDurable(context.db, logEnd);
      return page;
    }
    if (attempt === 5) throw busy(result.cause);
    // What a read-only snapshot can't mend is mended here, and the page read again.
    if (result.repair === "identity") await renewIdentity(context.db);
    else if (result.repair !== "catalog") {
      for (const { model, columns } of result.repair) {
        await track(context.db, model, columns).catch(unlessStale).catch(unlessLocked);
      }
    }
    context.catalog.invalidate();
  }
}

type Outcome =
  | { page: PullPage; positions: SavedPosition[]; logEnd: string }
  | { repair: "identity" | "catalog" | { model: Model; columns: string[] }[]; cause?: unknown };

/** What is remembered of a page: which cursor belongs to the `last_sync` that went with it. */
export interface SavedPosition {
  page: ModelPage;
  model: Model;
  /** The client gave a cursor that stood at the model's end, under the same scope. */
  fromEnd: boolean;
  hash: string;
  scope: Scope;
  /** The position that the client gave knows nothing of this scope, or nothing was noted of it. */
  scopeIsNew: boolean;
}

async function readPage(
  context: PullContext,
  request: PullRequest,
  catalog: Catalog,
  tx: Transaction,
): Promise<Outcome> {
  const { principal, membership } = context;
  const [scopes, reader] = [new ScopeStore(tx), new PullReader(tx)];
  const { known, pages } = resolve(request, catalog);
  // Before the snapshot is taken: a TRUNCATE or ALTER that commits in between would not be seen in
  // the catalog, yet be seen in the table.
  await tx.script([
    "SET LOCAL lock_timeout = '5s'",
    ...known.map(({ model }) => `LOCK TABLE ${quote(model)} IN ACCESS SHARE MODE`),
  ].join(";"));
  const [head, logEnd, access, tracked] = await Promise.all([
    snapshotHead(tx),
    walEnd(tx),
    modelAccess(tx, principal, membership, catalog),
    trackedModels(tx, known.map(({ model }) => model)),
  ]);
  reader.queries += 5;
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
      tx,
      context,
      asked.filter(({ given }) => given !== null && !isCursor(given)),
      tracked,
    ),
    lastSyncTimes(tx, context),
  ]);
  scopes.load(asked.map(({ hash, scope }) => ({ hash, scope })));
  reader.queries += 2;
  if (head.rowSecurity) await enterTenant(tx, membership.organization.id);

  const positions: SavedPosition[] = [];
  let complete = true;
  const reading = { tx, context, request, head, found, scopes, reader };
  for (const one of asked) {
    const { page, ...noted } = await new ModelPull(reading, one, tracked.get(one.model)!).run();
    page.userLastSync = times.get(one.model.name) ?? null;
    pages.push(page);
    complete &&= !page.hasMore;
    const { model, hash, scope } = one;
    positions.push({ page, model, hash, scope, ...noted });
  }
  return {
    page: {
      models: pages,
      complete,
      asOf: head.takenAt,
      queries: reader.queries,
    },
    positions,
    logEnd,
  };
}

/** The asked models in foreign-key order, and the pages of those that can't be. */
function resolve(request: PullRequest, catalog: Catalog) {
  const pages: ModelPage[] = [];
  const known: { name: string; model: Model; given: string | null }[] = [];
  const names = new Map<Model, string>();
  for (const [name, given] of request.models) {
    const model = catalog.find(name);
    if (model && names.has(model)) {
      throw pullRefusal(
        `models.${name}`,
        `It is ${names.get(model)} again: ask for each model once.`,
      );
    }
    if (model) names.set(model, name);
    if (!model || !model.enabled && model.syncable) pages.push(unknownModel(name));
    else if (!model.syncable) pages.push(failed(name, "not_syncable", model.reason));
    else known.push({ name, model, given });
  }
  const order = new Map(catalog.models.map((model, i) => [model, i]));
  known.sort((a, b) => order.get(a.model)! - order.get(b.model)!);
  return { known, pages };
}

/** A table stayed locked by somebody else's transaction, or was another one at each look. */
function busy(cause?: unknown): LockstepError {
  return new LockstepError(
    "unavailable",
    "A table that you asked for is being changed by a long transaction. Try again shortly.",
    { headers: { "Retry-After": "1" }, cause },
  );
}

/** SQLSTATEs of a statement about a schema, table or column that is gone, or is no table any more. */
const goneStates = new Set(["3F000", "42P01", "42703", "42809"]);

/** The catalog was read before the schema changed: it has to be read again. */
function unlessStale(error: unknown): { repair: "catalog"; cause: unknown } {
  if (!goneStates.has(sqlError(error)?.code ?? "")) throw error;
  return { repair: "catalog", cause: error };
}

function unlessLocked(error: unknown): never {
  throw sqlError(error)?.code === "55P03" ? busy(error) : error;
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
