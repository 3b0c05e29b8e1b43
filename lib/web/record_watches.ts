import type { Tenant } from "../access/mod.ts";
import type { CollabHub } from "../collab/mod.ts";
import type { Database } from "../db/mod.ts";
import type { Model, ModelCatalog } from "../models/mod.ts";
import {
  type ChangeFeed,
  type HistoryEntry,
  reachOfOne,
  readRecord,
  recordHistory,
  type StoredRecord,
} from "../sync/mod.ts";
import { type RecordChange, roomOfRecord, textDifference } from "./collab_records.ts";

export interface RecordWatchesSettings {
  db: Database;
  catalog: ModelCatalog;
  changes: ChangeFeed;
  collab: CollabHub;
  report(error: unknown): void;
}

interface Watched {
  reach: Tenant;
  /** What the room was told of last. */
  known: StoredRecord;
  gone: boolean;
}

/** The records of one model and organization that are open, and the end of listening for them. */
interface Group {
  model: string;
  rooms: Map<string, Watched>;
  stop: Promise<() => void>;
  looking: boolean;
  again: boolean;
}

/** How long ago the trail's newest entry may be to be what was just noticed, in milliseconds. */
const recently = 60_000;

const sourceOf: Record<string, RecordChange["source"]> = {
  admin: "save",
  cli: "save",
  api: "sync",
  job: "sync",
  sql: "sql",
};

/**
 * Notices what pushes, SQL and other pages change in records that somebody has open, and tells their
 * rooms which fields differ.
 */
export class RecordWatches {
  readonly #services: RecordWatchesSettings;
  readonly #groups = new Map<string, Group>();

  constructor(services: RecordWatchesSettings) {
    this.#services = services;
  }

  /** Watches a record; resolves to the way to stop. Of one room at a time there is one watch. */
  async watch(model: Model, reach: Tenant, stored: StoredRecord): Promise<() => void> {
    const name = `${model.name} ${stored.organizationId}`;
    let group = this.#groups.get(name);
    if (!group) {
      group = {
        model: model.name,
        rooms: new Map(),
        looking: false,
        again: false,
        stop: this.#services.changes.subscribe(
          stored.organizationId ?? 0,
          [model],
          undefined,
          () => void this.#look(name),
          // The next watch begins anew.
          () => void this.#look(name).finally(() => this.#groups.delete(name)),
        ),
      };
      this.#groups.set(name, group);
    }
    const room = roomOfRecord(model, stored.key);
    group.rooms.set(room, {
      reach: reachOfOne(reach, stored.organizationId),
      known: stored,
      gone: false,
    });
    const leave = () => {
      group.rooms.delete(room);
      if (group.rooms.size > 0 || this.#groups.get(name) !== group) return;
      this.#groups.delete(name);
      group.stop.then((stop) => stop(), () => {});
    };
    try {
      await group.stop;
    } catch (error) {
      leave();
      throw error;
    }
    // What changed between the reading of `stored` and the first question of the feed.
    void this.#look(name);
    return leave;
  }

  /** Takes note of a version that the room was told of already. */
  note(room: string, stored: StoredRecord): void {
    for (const { rooms } of this.#groups.values()) {
      const watched = rooms.get(room);
      if (watched) watched.known = stored;
    }
  }

  async #look(name: string): Promise<void> {
    const group = this.#groups.get(name);
    if (!group) return;
    group.again = true;
    if (group.looking) return;
    group.looking = true;
    try {
      while (group.again) {
        group.again = false;
        const model = (await this.#services.catalog.current()).find(group.model);
        for (const [room, watched] of model ? [...group.rooms] : []) {
          await this.#compare(room, model!, watched);
        }
      }
    } catch (error) {
      this.#services.report(error);
    } finally {
      group.looking = false;
    }
  }

  async #compare(room: string, model: Model, watched: Watched): Promise<void> {
    const { db, collab } = this.#services;
    const before = watched.known;
    const now = await readRecord(db, model, watched.reach, before.key);
    // A save in this process was noted meanwhile.
    if (watched.known !== before) return await this.#compare(room, model, watched);
    if (!now ? watched.gone : now.version === before.version && !watched.gone) return;
    watched.gone = now === undefined;
    if (now) watched.known = now;
    const fields = now ? textDifference(model, before, now) : {};
    if (now && Object.keys(fields).length === 0) return;
    const entry = await this.#entryOf(model, watched.reach, now ?? before, Object.keys(fields));
    await collab.recordsChanged([{
      room,
      change: {
        source: entry ? sourceOf[entry.source] ?? null : null,
        user_id: null,
        username: entry && entry.source !== "sql" ? entry.actor : null,
        fields,
        version: now?.version ?? null,
        deleted: now === undefined,
        timestamp: new Date().toISOString(),
      },
    }]);
  }

  /** The trail's entry of the change, where the database keeps one. */
  async #entryOf(
    model: Model,
    reach: Tenant,
    { auditKey }: StoredRecord,
    fields: string[],
  ): Promise<HistoryEntry | undefined> {
    const { entries: [last] } = await recordHistory(this.#services.db, model, reach, auditKey);
    if (!last || Date.now() - last.at.getTime() > recently) return;
    const isIt = last.action === "delete"
      ? fields.length === 0
      : last.changes.some(({ field }) => fields.includes(field));
    return isIt ? last : undefined;
  }
}
