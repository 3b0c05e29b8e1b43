import type { CollabHub } from "../collab/mod.ts";
import type { OutsideIssuer, Principal, TokenKeys } from "../access/mod.ts";
import type { Environment, Settings } from "../config/mod.ts";
import { type Database, loadSettings } from "../db/mod.ts";
import type { BulkWorker, JobRunner } from "../jobs/mod.ts";
import { countCacheLookup } from "../log/mod.ts";
import type { ModelCatalog } from "../models/mod.ts";
import type { Health, Metrics, SyncRecorder } from "../observe/mod.ts";
import type { ChangeFeed } from "../sync/mod.ts";
import type { LiveFeed } from "./page_live.ts";
import type { RecordWatches } from "./record_watches.ts";

/** What the routes work with. Made once by `main.ts`. */
export interface Services {
  env: Environment;
  db: Database;
  catalog: ModelCatalog;
  settings: SettingsCache;
  keys: TokenKeys;
  outside?: OutsideIssuer;
  recorder: SyncRecorder;
  metrics: Metrics;
  health: () => Promise<Health>;
  changes: ChangeFeed;
  collab: CollabHub;
  watches: RecordWatches;
  access: AccessFeed;
  /** Tells open pages of the admin what is new. */
  live: LiveFeed;
  /** The recurring jobs, and what writes bulk pushes. */
  jobs: JobRunner;
  bulk: BulkWorker;
  /** Who requests without proof come from. Set at the console alone, never where a port is open. */
  console?: Principal;
  /** Aborted when the server stops: streams end then. */
  stopping: AbortSignal;
  /** Whether `X-Forwarded-*` headers of this address are believed. */
  trusts: (address: string) => boolean;
}

/** The stored settings, read again after each change that any process makes. */
export class SettingsCache {
  readonly #db: Database;
  #current?: Promise<Settings>;

  constructor(db: Database, access: AccessFeed) {
    this.#db = db;
    access.listen(() => this.#current = undefined);
  }

  current(): Promise<Settings> {
    countCacheLookup(this.#current !== undefined);
    this.#current ??= loadSettings(this.#db).catch((error) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }
}

/** Tells of changes to users, memberships, rights, tokens and settings, whichever process made them. */
export class AccessFeed {
  readonly #listeners = new Set<() => void>();
  #stop?: () => Promise<void>;

  async start(db: Database): Promise<void> {
    const tell = () => this.#listeners.forEach((listener) => listener());
    // After a lost connection nobody knows what was missed: as if something had changed.
    this.#stop = await db.listen("lockstep_access", tell, tell);
  }

  /** Calls `fn` after each change; returns the way to stop. */
  listen(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#stop?.();
  }
}
