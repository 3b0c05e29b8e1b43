import { administers, type AdminScope } from "../access/mod.ts";
import type { Database } from "../db/mod.ts";
import { logger } from "../log/mod.ts";

/** What pages follow: the sync log, and the audit trail. */
export type LiveTopic = "logs" | "audit";

/** New rows of a topic; null stands for rows of no organization. */
interface News {
  topic: LiveTopic;
  organizationIds: Set<number | null>;
}

interface Follower {
  scope: AdminScope;
  /** The organization that the follower looks at; undefined for all. */
  organizationId: number | undefined;
  tell(topic: LiveTopic): void;
}

/** Milliseconds between two looks at the database. */
const interval = 1_000;

/**
 * Ids are given out before they are committed, so a row may show up behind later ones. So many ids
 * back it is still noticed; what comes later than that is there with the next page that is opened.
 */
const window = 1_000;

const statement = `
  SELECT 'logs' AS topic, l.id, l.organization_id AS "organizationId",
    NULL::int AS "previousId"
  FROM lockstep.sync_log l
  WHERE l.id > $1::bigint - ${window} AND l.id <> ALL ($2::bigint[])
  UNION ALL
  SELECT 'audit', e.id, e.organization_id, e.previous_organization_id
  FROM lockstep.audit_event e
  WHERE e.id > $3::bigint - ${window} AND e.id <> ALL ($4::bigint[])
  LIMIT 5000`;

interface NewRow {
  topic: LiveTopic;
  id: number;
  organizationId: number | null;
  previousId: number | null;
}

/**
 * Tells whoever follows that there are new rows in what they administer. It looks into the database
 * once a second for all of them, and not at all while nobody follows.
 */
export class LiveFeed {
  readonly #db: Database;
  readonly #followers = new Set<Follower>();
  /** By topic the ids that were seen, of the newest ones. */
  #seen: Record<LiveTopic, Set<number>> = { logs: new Set(), audit: new Set() };
  #newest: Record<LiveTopic, number> = { logs: 0, audit: 0 };
  #timer?: ReturnType<typeof setTimeout>;
  /** Settles when it is known what is old. */
  #started?: Promise<void>;
  /** Counts the times that following began: what an earlier one still reads is of no interest. */
  #turn = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Follows until the returned function is called. Resolves when news from now on will be told. */
  async follow(follower: Follower): Promise<() => void> {
    this.#followers.add(follower);
    const stop = () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#turn++;
      this.#started = undefined;
      clearTimeout(this.#timer);
    };
    try {
      await (this.#started ??= this.#begin());
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  }

  async #begin(): Promise<void> {
    const turn = ++this.#turn;
    this.#seen = { logs: new Set(), audit: new Set() };
    const [newest] = await this.#db.query<Record<LiveTopic, number>>(
      `SELECT coalesce((SELECT max(id) FROM lockstep.sync_log), 0)::bigint AS logs,
        coalesce((SELECT max(id) FROM lockstep.audit_event), 0)::bigint AS audit`,
    );
    this.#newest = newest;
    await this.#read();
    if (turn === this.#turn) this.#wait(turn);
  }

  #wait(turn: number): void {
    this.#timer = setTimeout(async () => {
      try {
        const news = await this.#read();
        if (turn === this.#turn) this.#tell(news);
      } catch (error) {
        logger("web").warning("It is not known what is new for open pages.", { error });
      }
      if (turn === this.#turn) this.#wait(turn);
    }, interval);
  }

  async #read(): Promise<News[]> {
    const rows = await this.#db.query<NewRow>(statement, [
      this.#newest.logs,
      [...this.#seen.logs],
      this.#newest.audit,
      [...this.#seen.audit],
    ]);
    const topics = Map.groupBy(rows, ({ topic }) => topic);
    for (const [topic, rows] of topics) {
      const seen = this.#seen[topic];
      for (const { id } of rows) seen.add(id);
      this.#newest[topic] = rows.reduce(
        (newest, { id }) => Math.max(newest, id),
        this.#newest[topic],
      );
      for (const id of seen) if (id <= this.#newest[topic] - window) seen.delete(id);
    }
    return [...topics].map(([topic, rows]) => ({
      topic,
      organizationIds: new Set(
        rows.flatMap(({ organizationId, previousId }) =>
          previousId === null ? [organizationId] : [organizationId, previousId]
        ),
      ),
    }));
  }

  #tell(news: News[]): void {
    for (const { topic, organizationIds } of news) {
      for (const { scope, organizationId, tell } of this.#followers) {
        const concerns = (id: number | null) =>
          organizationId === undefined
            ? "all" in scope || id !== null && administers(scope, id)
            : id === organizationId;
        if ([...organizationIds].some(concerns)) tell(topic);
      }
    }
  }
}
