import { createHash } from "node:crypto";
import { type Database, sqlError } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";
import {
  changeTable,
  organizationType,
  organizationValue,
  track,
  trackedModels,
} from "./change_log.ts";

/** What a subscriber hears: which of its models changed, and up to when. */
export interface ChangeEvent {
  models: string[];
  /** Where to resume from. */
  place: string;
  asOf: Date;
}

interface Subscriber {
  organizationId: number;
  models: Map<number, Model>;
  generations: Map<number, string>;
  since: string;
  notify: (event: ChangeEvent) => void;
  lost: () => void;
}

/** Errors of a question that come again: tables that are gone, not a database that is away. */
const lasting = /^(?:22|42)/;

/**
 * Tells subscribers of committed changes, whoever made them, by asking the change logs every
 * `interval` milliseconds while anybody listens. Asking costs one index look-up per model and
 * organization; a NOTIFY from the triggers would cost every writer a global lock at its commit, and
 * forbid it two-phase commit.
 */
export class ChangeFeed {
  readonly #db: Database;
  readonly #interval: number;
  readonly #subscribers = new Set<Subscriber>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(db: Database, interval = 400) {
    this.#db = db;
    this.#interval = interval;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /**
   * Calls `notify` after changes of `models` in the organization, from `place` on, which an earlier
   * event gave, or from now; at once for all of them where it is not known what happened since then.
   * Calls `lost` when it can tell no more, since a model's table has gone: subscribe again. Resolves
   * to the way to stop.
   */
  async subscribe(
    organizationId: number,
    models: Model[],
    place: string | undefined,
    notify: (event: ChangeEvent) => void,
    lost: () => void,
  ): Promise<() => void> {
    let tracked = await trackedModels(this.#db, models);
    for (const model of models) if (!tracked.has(model)) await track(this.#db, model, []);
    tracked = await trackedModels(this.#db, models);
    const generations = new Map(
      [...tracked.values()].map(({ id, generation }) => [id, generation]),
    );
    const now = await this.#now();
    const given = place === undefined ? undefined : await this.#readable(place, generations);
    const subscriber: Subscriber = {
      organizationId,
      models: new Map([...tracked].map(([model, { id }]) => [id, model])),
      generations,
      since: given ?? now.snapshot,
      notify,
      lost,
    };
    this.#subscribers.add(subscriber);
    if (place !== undefined && given === undefined) {
      notify({
        models: models.map(({ name }) => name),
        place: placeOf(now.snapshot, generations),
        asOf: now.as_of,
      });
    }
    this.#timer ??= setTimeout(() => this.#poll(), 0);
    return () => this.#subscribers.delete(subscriber);
  }

  close(): void {
    this.#subscribers.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #now(): Promise<{ snapshot: string; as_of: Date }> {
    const [now] = await this.#db.query<{ snapshot: string; as_of: Date }>(
      "SELECT pg_current_snapshot()::text AS snapshot, now() AS as_of",
    );
    return now;
  }

  /** The snapshot of a place, if the logs still have all that happened since then. */
  async #readable(place: string, generations: Map<number, string>): Promise<string | undefined> {
    const [snapshot] = place.split("/");
    if (place !== placeOf(snapshot, generations)) return;
    try {
      const [{ known }] = await this.#db.query<{ known: boolean }>(
        `
        SELECT pg_snapshot_xmax($1::text::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
          AND NOT EXISTS (
            SELECT FROM lockstep.change_floor f
            WHERE f.model_id = ANY ($2::int[])
              AND f.floor_xid >= pg_snapshot_xmin($1::text::pg_snapshot)) AS known`,
        [snapshot, [...generations.keys()]],
      );
      return known ? snapshot : undefined;
    } catch (error) {
      // No snapshot at all: whatever a client sends may be one of another database.
      if (sqlError(error)?.code === "22P02") return;
      throw error;
    }
  }

  async #poll(): Promise<void> {
    try {
      // Subscribers that stand at the same snapshot, nearly all of them, share one question.
      for (const group of Map.groupBy(this.#subscribers, ({ since }) => since).values()) {
        if (await this.#ask(group)) continue;
        for (const subscriber of group) {
          if (group.length > 1 && await this.#ask([subscriber])) continue;
          this.#subscribers.delete(subscriber);
          subscriber.lost();
        }
      }
    } catch {
      // The database is away; what changes meanwhile is told when it is back.
    }
    const again = this.#subscribers.size > 0;
    this.#timer = again ? setTimeout(() => this.#poll(), this.#interval) : undefined;
  }

  /** Resolves to whether the question of the group can be answered. */
  async #ask(group: Subscriber[]): Promise<boolean> {
    try {
      await this.#tell(group);
      return true;
    } catch (error) {
      if (lasting.test(sqlError(error)?.code ?? "")) return false;
      throw error;
    }
  }

  async #tell(group: Subscriber[]): Promise<void> {
    const questions = new Map<string, { id: number; model: Model; organizationId: number }>();
    for (const { organizationId, models } of group) {
      for (const [id, model] of models) {
        questions.set(`${id}:${organizationId}`, { id, model, organizationId });
      }
    }
    const params: unknown[] = [group[0].since];
    const asked = [...questions].map(([key, { id, model, organizationId }]) => {
      params.push(organizationValue(model, organizationId));
      const org = `$${params.length}::text::${organizationType(model)}`;
      return `
      SELECT '${key}' AS key
      WHERE EXISTS (
        SELECT FROM ${changeTable(id)} l
        WHERE l.org = ${org} AND l.xid >= pg_snapshot_xmin($1::text::pg_snapshot)
          AND NOT pg_visible_in_snapshot(l.xid, $1::text::pg_snapshot))`;
    });
    const [row] = await this.#db.query<
      { snapshot: string; as_of: Date; changed: string[] | null; generations: string }
    >(
      `
      SELECT pg_current_snapshot()::text AS snapshot, now() AS as_of,
        (SELECT array_agg(key) FROM (${asked.join(" UNION ALL ") || "SELECT ''::text AS key"}) c)
          AS changed,
        (SELECT coalesce(json_object_agg(id, generation), '{}')::text FROM lockstep.tracked_model)
          AS generations`,
      params,
    );
    const changed = new Set(row.changed ?? []);
    const generations: Record<string, string> = JSON.parse(row.generations);
    for (const subscriber of group) {
      const { organizationId, models } = subscriber;
      const names = [...models].filter(([id]) =>
        changed.has(`${id}:${organizationId}`) ||
        generations[id] !== subscriber.generations.get(id)
      ).map(([, model]) => model.name);
      for (const id of models.keys()) subscriber.generations.set(id, generations[id]);
      subscriber.since = row.snapshot;
      if (names.length > 0) {
        const place = placeOf(row.snapshot, subscriber.generations);
        subscriber.notify({ models: names, place, asOf: row.as_of });
      }
    }
  }
}

/** A snapshot, and a mark that is another one after a model was emptied or tracked anew. */
function placeOf(snapshot: string, generations: Map<number, string>): string {
  const sorted = [...generations].sort(([a], [b]) => a - b).join();
  return `${snapshot}/${createHash("sha256").update(sorted).digest("base64url").slice(0, 12)}`;
}
