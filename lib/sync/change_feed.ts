import type { Database } from "../db/mod.ts";
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
  /** The snapshot up to which changes are told, as the place to resume from. */
  snapshot: string;
  asOf: Date;
}

interface Subscriber {
  organizationId: number;
  models: Map<number, Model>;
  generations: Map<number, string>;
  since: string;
  notify: (event: ChangeEvent) => void;
}

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
   * Calls `notify` after changes of `models` in the organization, from `since` on (a snapshot that an
   * earlier event gave) or from now. Resolves to the way to stop.
   */
  async subscribe(
    organizationId: number,
    models: Model[],
    since: string | undefined,
    notify: (event: ChangeEvent) => void,
  ): Promise<() => void> {
    let tracked = await trackedModels(this.#db, models);
    for (const model of models) if (!tracked.has(model)) await track(this.#db, model, []);
    tracked = await trackedModels(this.#db, models);
    const subscriber: Subscriber = {
      organizationId,
      models: new Map([...tracked].map(([model, { id }]) => [id, model])),
      generations: new Map([...tracked.values()].map(({ id, generation }) => [id, generation])),
      since: since ?? await this.#snapshot(),
      notify,
    };
    this.#subscribers.add(subscriber);
    this.#timer ??= setTimeout(() => this.#poll(), 0);
    return () => this.#subscribers.delete(subscriber);
  }

  close(): void {
    this.#subscribers.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #snapshot(): Promise<string> {
    const [{ snapshot }] = await this.#db.query<{ snapshot: string }>(
      "SELECT pg_current_snapshot()::text AS snapshot",
    );
    return snapshot;
  }

  async #poll(): Promise<void> {
    try {
      // Subscribers that stand at the same snapshot, nearly all of them, share one question.
      for (const group of Map.groupBy(this.#subscribers, ({ since }) => since).values()) {
        await this.#ask(group);
      }
    } catch {
      // The database is away; what changes meanwhile is told when it is back.
    }
    const again = this.#subscribers.size > 0;
    this.#timer = again ? setTimeout(() => this.#poll(), this.#interval) : undefined;
  }

  async #ask(group: Subscriber[]): Promise<void> {
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
        subscriber.notify({ models: names, snapshot: row.snapshot, asOf: row.as_of });
      }
    }
  }
}
