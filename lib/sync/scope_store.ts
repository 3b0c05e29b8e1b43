import { nothing, type Scope, scopeHash } from "../access/mod.ts";
import type { Connection, Database } from "../db/mod.ts";

/** The hash of the scope that a client holds before its first pull. */
export const emptyScopeHash = scopeHash(nothing);

/**
 * Scopes by hash, as cursors name them. They never change, so what was once read or written is kept
 * for the life of the process.
 */
const cache = new Map<string, Scope>();
const cacheLimit = 10_000;

export class ScopeStore {
  readonly #conn: Connection;
  #current = new Map<string, Scope>();

  constructor(conn: Connection) {
    this.#conn = conn;
  }

  /** Makes the scopes of this request known. */
  load(scopes: { hash: string; scope: Scope }[]): void {
    this.#current = new Map(scopes.map(({ hash, scope }) => [hash, scope]));
    this.#current.set(emptyScopeHash, nothing);
  }

  /** The scopes of these hashes, or undefined when one of them is no longer remembered. */
  async get(hashes: string[]): Promise<Scope[] | undefined> {
    const missing = hashes.filter((hash) => !this.#current.has(hash) && !cache.has(hash));
    if (missing.length > 0) {
      const rows = await this.#conn.query<{ hash: string; definition: Scope }>(
        "SELECT hash, definition FROM lockstep.scope WHERE hash = ANY ($1)",
        [missing],
      );
      for (const { hash, definition } of rows) remember(hash, definition);
    }
    const scopes = hashes.map((hash) => this.#current.get(hash) ?? cache.get(hash));
    return scopes.every((scope) => scope !== undefined) ? scopes as Scope[] : undefined;
  }
}

/** When each scope was last written as used, by database, so that it is written once a day. */
const written = new WeakMap<Database, Map<string, number>>();
const day = 86_400_000;

/** Stores scopes that cursors given out now name. */
export async function saveScopes(db: Database, scopes: Map<string, Scope>): Promise<void> {
  const times = written.get(db) ?? new Map<string, number>();
  const due = [...scopes].filter(([hash]) => (times.get(hash) ?? 0) < Date.now() - day);
  if (due.length === 0) return;
  await db.query(
    `
    INSERT INTO lockstep.scope (hash, definition)
    SELECT hash, definition
    FROM json_to_recordset($1::text::json) AS given (hash text, definition jsonb)
    ON CONFLICT (hash) DO UPDATE SET last_used_at = now()`,
    [JSON.stringify(due.map(([hash, definition]) => ({ hash, definition })))],
  );
  if (times.size > cacheLimit) times.clear();
  for (const [hash, scope] of due) {
    times.set(hash, Date.now());
    remember(hash, scope);
  }
  written.set(db, times);
}

function remember(hash: string, scope: Scope) {
  if (cache.size > cacheLimit) cache.clear();
  cache.set(hash, scope);
}
