import { signal } from "@preact/signals";
import {
  type AccessEvent,
  type MatrixCell,
  type Page,
  readMatrix,
  request,
  RequestError,
} from "./admin_api.ts";
import type { Change, MatrixStore } from "./matrix_store.ts";

/** What others changed. */
export interface News {
  actor: string;
  /** Milliseconds since 1970. */
  at: number;
  changes: Change[];
}

/** Milliseconds by which transactions may commit in another order than they began, and clocks differ. */
const overlap = 60_000;
const eventsAtOnce = 20;
const mostCells = 1000;

/** Learns from the audit trail that rights were changed and by whom, and reads what they are now. */
export class MatrixFeed {
  readonly news = signal<News | null>(null);
  /** Why changes of others are not known at present. */
  readonly failure = signal("");
  /** Models or groups came or went: the page shows others than there are. */
  readonly outdated = signal(false);
  readonly #store: MatrixStore;
  readonly #since = new Map<string, number>();
  readonly #seen = new Set<number>();
  readonly #readAt: number;

  /** @param readAt when the store's rights were read, in milliseconds since 1970 */
  constructor(store: MatrixStore, readAt: number) {
    this.#store = store;
    this.#readAt = readAt;
  }

  /** Takes over what changed since the last time. */
  async refresh(): Promise<void> {
    try {
      const since = this.#sinceOf("ModelPermission");
      const permissions = await this.#newEvents("ModelPermission");
      const filters = await this.#newEvents("DataFilter");
      const events = [...permissions.events, ...filters.events];
      this.failure.value = "";
      if (events.length === 0) return;
      const needsAll = permissions.more || filters.events.length > 0 ||
        permissions.events.some((event) => !isPlain(event));
      const changed = needsAll ? undefined : await this.#changedCells(since);
      const actorOf = actors(permissions.events);
      const changes = changed
        ? this.#store.apply(changed, actorOf)
        : this.#store.load(await readMatrix(this.#store.organizationId), actorOf);
      if (changes === "outdated") this.outdated.value = true;
      else if (changes.length > 0) this.#tell(changes, events);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.failure.value = error.message;
    }
  }

  #tell(changes: Change[], events: AccessEvent[]): void {
    const names = new Set(changes.map(({ right }) => this.#store.changedBy(right)!));
    const at = Math.max(...events.map((event) => Date.parse(event.at)));
    this.news.value = { actor: [...names].join(" and "), at, changes };
  }

  #sinceOf(table: string): number {
    return (this.#since.get(table) ?? this.#readAt) - overlap;
  }

  /** Events of this organization that were not seen before; `more` when there are others still. */
  async #newEvents(table: string): Promise<{ events: AccessEvent[]; more: boolean }> {
    const query = new URLSearchParams({
      model: `lockstep.${table}`,
      at_from: new Date(this.#sinceOf(table)).toISOString(),
      limit: String(eventsAtOnce),
    });
    const { items, next } = await request<Page<AccessEvent>>(`audit/?${query}`);
    const fresh = items.filter(({ id }) => !this.#seen.has(id));
    for (const { id, at } of fresh) {
      this.#seen.add(id);
      this.#since.set(table, Math.max(this.#since.get(table) ?? 0, Date.parse(at)));
    }
    const events = fresh.filter(({ organization_id }) =>
      organization_id === null || organization_id === this.#store.organizationId
    );
    return { events, more: fresh.length === items.length && next !== null };
  }

  /** The stored permissions that changed since; undefined when they are too many to list. */
  async #changedCells(since: number): Promise<MatrixCell[] | undefined> {
    const query = new URLSearchParams({
      organization_id: String(this.#store.organizationId),
      updated_at_from: new Date(since).toISOString(),
      limit: String(mostCells),
    });
    const { items, next } = await request<Page<Permission>>(`permissions/?${query}`);
    if (next !== null) return;
    return items.map((item) => ({ ...item, filtered: this.#store.isFiltered(item) }));
  }
}

type Permission = Omit<MatrixCell, "filtered">;

/** Only rights changed, no filter, and the permission is still there. */
function isPlain({ action, changes, after }: AccessEvent): boolean {
  if (action === "create") return after?.filters === null;
  return action === "update" && changes.every(({ field }) => field !== "filters");
}

/** Who changed a cell last; the events come newest first. */
function actors(events: AccessEvent[]): (cell: Pick<MatrixCell, "group_id" | "model">) => string {
  const names = new Map<string, string>();
  for (const { actor, after } of events.toReversed()) {
    if (after) names.set(`${after.group_id} ${after.model_name}`, actor);
  }
  const newest = events[0]?.actor ?? "Somebody";
  return ({ group_id, model }) => names.get(`${group_id} ${model}`) ?? newest;
}
