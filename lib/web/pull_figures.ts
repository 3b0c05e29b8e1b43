import type { PullPage } from "../sync/mod.ts";

/** What is noted of a pull, page after page, without its rows. */
export class PullFigures {
  /** Records and removals by the model's own name, however the client writes it. */
  readonly counts: Record<string, number> = {};
  queries = 0;
  complete = false;
  cursors: Record<string, string> = {};
  /** Why models could not be pulled. */
  refusals: string[] = [];

  add(page: PullPage): this {
    for (const { model, count, removed, cursor, error } of page.models) {
      if (error) this.refusals.push(error.message);
      if (error || model === undefined) continue;
      this.counts[model] = (this.counts[model] ?? 0) + count + removed.length;
      if (cursor) this.cursors[model] = cursor;
    }
    this.queries += page.queries;
    this.complete = page.complete;
    return this;
  }
}
