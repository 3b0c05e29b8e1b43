import { signal } from "@preact/signals";
import type { CellChange, Matrix, MatrixCell, MatrixGroup, MatrixModel } from "./admin_api.ts";

/** Number of a right: its model's place times the columns, and its column. */
export type Right = number;

export interface Change {
  right: Right;
  value: boolean;
}

/** A right that is not yet, or could not be, what somebody here asked for. */
export interface Pending {
  value: boolean;
  /** Why it was not saved; empty while it is being saved. */
  failure: string;
}

/**
 * The rights of every group on every model as the server has them, and what is asked for beyond.
 * Columns are pairs: of the group `g`, push is column `2 * g` and pull the next.
 */
export class MatrixStore {
  /** Counts the changes: what reads it is shown anew. */
  readonly revision = signal(0);
  readonly organizationId: number;
  readonly models: readonly MatrixModel[];
  readonly groups: readonly MatrixGroup[];
  readonly columns: number;
  readonly #granted: Uint8Array;
  readonly #filtered: Uint8Array;
  readonly #versions: (string | null)[];
  readonly #pending = new Map<Right, Pending>();
  /** Who changed a right, of those that changed while this page was open. */
  readonly #changedBy = new Map<Right, string>();
  readonly #stamps: Uint32Array;
  readonly #modelPlaces: Map<string, number>;
  readonly #groupPlaces: Map<number, number>;

  constructor({ organization_id, models, groups, cells }: Matrix) {
    this.organizationId = organization_id;
    this.models = models.toSorted((a, b) => a.name < b.name ? -1 : 1);
    this.groups = groups;
    this.columns = groups.length * 2;
    this.#granted = new Uint8Array(models.length * this.columns);
    this.#filtered = new Uint8Array(models.length * groups.length);
    this.#versions = new Array(models.length * groups.length).fill(null);
    this.#stamps = new Uint32Array(models.length);
    this.#modelPlaces = new Map(this.models.map(({ name }, place) => [name, place]));
    this.#groupPlaces = new Map(groups.map(({ id }, place) => [id, place]));
    for (const cell of cells) this.#put(cell);
  }

  right(model: number, column: number): Right {
    return model * this.columns + column;
  }

  modelOf(right: Right): number {
    return Math.floor(right / this.columns);
  }

  columnOf(right: Right): number {
    return right % this.columns;
  }

  /** What is shown: what is asked for, else what is. */
  granted(right: Right): boolean {
    return this.#pending.get(right)?.value ?? this.saved(right);
  }

  /** What the server has. */
  saved(right: Right): boolean {
    return this.#granted[right] === 1;
  }

  /** Filters leave only some rows of the model to the group. */
  filtered(right: Right): boolean {
    return this.#filtered[right >> 1] === 1;
  }

  /** Whether filters leave the group only some rows of the model. */
  isFiltered(cell: Pick<MatrixCell, "group_id" | "model">): boolean {
    const [push] = this.#rightsOf(cell);
    return push !== undefined && this.filtered(push);
  }

  /** Rows of a model that cannot be written are nobody's to push; such a right can only be taken. */
  possible(right: Right): boolean {
    return right % 2 === 1 || this.models[this.modelOf(right)].writable || this.granted(right);
  }

  pending(right: Right): Pending | undefined {
    return this.#pending.get(right);
  }

  allPending(): ReadonlyMap<Right, Pending> {
    return this.#pending;
  }

  changedBy(right: Right): string | undefined {
    return this.#changedBy.get(right);
  }

  /** Another one whenever a row looks different. */
  stamp(model: number): number {
    return this.#stamps[model];
  }

  /** Which right it is, in words: "Sales: pull myapp.Customer". */
  nameOf(right: Right): string {
    const group = this.groups[this.columnOf(right) >> 1].name;
    return `${group}: ${right % 2 === 0 ? "push" : "pull"} ${
      this.models[this.modelOf(right)].name
    }`;
  }

  ask(changes: Change[]): void {
    for (const { right, value } of changes) {
      this.#pending.set(right, { value, failure: "" });
      this.#changedBy.delete(right);
      this.#touch(right);
    }
    this.publish();
  }

  fail(changes: Change[], failure: string): void {
    for (const change of changes) {
      const pending = this.#current(change);
      if (pending) this.#pending.set(change.right, { ...pending, failure });
      this.#touch(change.right);
    }
    this.publish();
  }

  /** The rights are as asked for. */
  settle(changes: Change[]): void {
    for (const change of changes) {
      this.#granted[change.right] = change.value ? 1 : 0;
      if (this.#current(change)) this.#pending.delete(change.right);
      this.#touch(change.right);
    }
    this.publish();
  }

  /** What was asked for is given up. */
  drop(rights: Iterable<Right>): void {
    for (const right of rights) {
      this.#pending.delete(right);
      this.#touch(right);
    }
    this.publish();
  }

  /** What is asked for, unless something else was asked for since. */
  #current({ right, value }: Change): Pending | undefined {
    const pending = this.#pending.get(right);
    return pending?.value === value ? pending : undefined;
  }

  /** The cells that the changes are in, as they shall be. */
  cellsOf(changes: Change[]): CellChange[] {
    const wanted = new Map(changes.map(({ right, value }) => [right, value]));
    const cells = new Set(changes.map(({ right }) => right >> 1));
    return [...cells].map((cell) => {
      const [push, pull] = [cell * 2, cell * 2 + 1];
      return {
        organization_id: this.organizationId,
        group_id: this.groups[this.columnOf(push) >> 1].id,
        model: this.models[this.modelOf(push)].name,
        push: wanted.get(push) ?? this.saved(push),
        pull: wanted.get(pull) ?? this.saved(pull),
        version: this.#versions[cell],
      };
    });
  }

  /**
   * Takes over cells as the server has them now. Gives the rights that are not what they were.
   *
   * @param actorOf who changed the cell, to be named beside it
   */
  apply(
    cells: Iterable<MatrixCell>,
    actorOf: (cell: Pick<MatrixCell, "group_id" | "model">) => string,
  ): Change[] {
    const news: Change[] = [];
    for (const cell of cells) {
      const rights = this.#rightsOf(cell);
      const before = rights.map((right) => this.saved(right));
      this.#put(cell);
      rights.forEach((right, i) => {
        this.#touch(right);
        if (this.saved(right) === before[i]) return;
        news.push({ right, value: this.saved(right) });
        this.#changedBy.set(right, actorOf(cell));
        const pending = this.#pending.get(right);
        if (pending?.failure && pending.value === this.saved(right)) this.#pending.delete(right);
      });
    }
    this.publish();
    return news;
  }

  /** Takes over a whole matrix, unless its models or groups are others. */
  load(matrix: Matrix, actorOf: Parameters<MatrixStore["apply"]>[1]): Change[] | "outdated" {
    const sameModels = matrix.models.length === this.models.length &&
      matrix.models.every(({ name, writable }) =>
        this.models[this.#modelPlaces.get(name) ?? -1]?.writable === writable
      );
    const sameGroups = matrix.groups.length === this.groups.length &&
      matrix.groups.every(({ id, name }) =>
        this.groups[this.#groupPlaces.get(id) ?? -1]?.name === name
      );
    if (!sameModels || !sameGroups) return "outdated";
    const given = new Set(matrix.cells.map(({ group_id, model }) => `${group_id} ${model}`));
    const gone = this.models.flatMap(({ name: model }) =>
      this.groups.filter(({ id }) => !given.has(`${id} ${model}`))
        .map(({ id: group_id }) => ({ group_id, model, push: false, pull: false, filtered: false }))
    );
    const news = this.apply(matrix.cells, actorOf);
    const removed = this.apply(gone as MatrixCell[], actorOf);
    return [...news, ...removed];
  }

  #rightsOf({ model, group_id }: Pick<MatrixCell, "model" | "group_id">): Right[] {
    const place = this.#modelPlaces.get(model);
    const group = this.#groupPlaces.get(group_id);
    if (place === undefined || group === undefined) return [];
    const push = this.right(place, group * 2);
    return [push, push + 1];
  }

  #put(cell: MatrixCell): void {
    const [push, pull] = this.#rightsOf(cell);
    if (push === undefined) return;
    this.#granted[push] = cell.push ? 1 : 0;
    this.#granted[pull] = cell.pull ? 1 : 0;
    this.#filtered[push >> 1] = cell.filtered ? 1 : 0;
    this.#versions[push >> 1] = cell.version ?? null;
  }

  #touch(right: Right): void {
    this.#stamps[this.modelOf(right)]++;
  }

  publish(): void {
    this.revision.value++;
  }
}
