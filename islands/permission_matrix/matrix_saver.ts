import { signal } from "@preact/signals";
import { type Preview, previewCells, RequestError, saveCells } from "./admin_api.ts";
import type { Change, MatrixStore, Right } from "./matrix_store.ts";

/** Changes that were made, and are undone, together. */
interface Operation {
  changes: Change[];
  /** The operation that this one undoes. */
  undoes?: Operation;
}

/** A change that takes rows away, and waits for a yes or no. */
export interface Question {
  preview: Preview;
  rights: number;
  answer(yes: boolean): void;
}

/**
 * Saves what is asked for, one request at a time and in order, and can undo it. A change that takes
 * rows away from somebody asks first.
 */
export class MatrixSaver {
  readonly question = signal<Question | null>(null);
  readonly savedAt = signal<number | null>(null);
  /** What screen readers are told. */
  readonly announcement = signal("");
  /** What undoing would undo, in words; empty when there is nothing. */
  readonly undoable = signal("");
  readonly #store: MatrixStore;
  /** Learns the versions of what was saved, and what others did. */
  readonly #refresh: () => Promise<void>;
  readonly #queue: Operation[] = [];
  readonly #done: Operation[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(store: MatrixStore, refresh: () => Promise<void>) {
    this.#store = store;
    this.#refresh = refresh;
  }

  /** Asks for the rights that are not so already. */
  change(wanted: Change[]): void {
    this.#start({ changes: this.#differing(wanted) });
  }

  undo(): void {
    const undoes = this.#done.pop();
    if (!undoes) return;
    this.#showUndoable();
    // What was changed again since is left as it is.
    const changes = undoes.changes.filter(({ right, value }) =>
      this.#store.granted(right) === value
    )
      .map(({ right, value }) => ({ right, value: !value }));
    if (changes.length === 0) {
      this.announcement.value = "Nothing is left to undo of that: it was changed again since.";
    }
    this.#start({ changes, undoes });
  }

  retry(): void {
    const changes = this.#failed();
    this.#store.drop(changes.map(({ right }) => right));
    this.#start({ changes: this.#differing(changes) });
  }

  discard(): void {
    const rights = this.#failed().map(({ right }) => right);
    this.#store.drop(rights);
    this.announcement.value = "The changes that were not saved are discarded.";
  }

  /** Runs `fn` between two requests of saving. */
  exclusively(fn: () => Promise<void>): Promise<void> {
    return this.#last = this.#last.then(fn).catch((error) => reportError(error));
  }

  #failed(): Change[] {
    return [...this.#store.allPending()].filter(([, { failure }]) => failure !== "")
      .map(([right, { value }]) => ({ right, value }));
  }

  #differing(changes: Change[]): Change[] {
    return changes.filter(({ right, value }) =>
      this.#store.granted(right) !== value && (!value || this.#store.possible(right))
    );
  }

  #start(operation: Operation): void {
    const { changes, undoes } = operation;
    if (changes.length === 0) return;
    this.#store.ask(changes);
    if (!undoes) {
      this.#done.push(operation);
      this.#showUndoable();
    }
    this.#queue.push(operation);
    this.exclusively(() => this.#saveNext());
  }

  async #saveNext(): Promise<void> {
    const first = this.#queue.shift();
    if (!first) return;
    const operations = [first];
    if (!this.#takesRows(first)) {
      while (this.#queue.length > 0 && !this.#takesRows(this.#queue[0])) {
        operations.push(this.#queue.shift()!);
      }
    }
    // The last wish for a right is the one that counts.
    const wishes = new Map(
      operations.flatMap(({ changes }) => changes.map(({ right, value }) => [right, value])),
    );
    const changes = [...wishes].map(([right, value]) => ({ right, value }));
    try {
      if (this.#takesRows(first) && !await this.#mayTake(changes)) return this.#cancel(first);
      await this.#save(changes);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#store.fail(changes, error.message);
      this.announcement.value = `${count(changes.length)} not saved. ${error.message}`;
      return;
    }
    this.#store.settle(changes);
    this.savedAt.value = Date.now();
    this.announcement.value = `${operations[0].undoes ? "Undone" : "Saved"}: ${
      this.#words(changes)
    }`;
    await this.#refresh();
  }

  /** Saves; where another changed only what does not matter to these changes, once more. */
  async #save(changes: Change[]): Promise<void> {
    const before = this.#savedCells(changes);
    try {
      await saveCells(this.#store.cellsOf(changes));
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "precondition_failed") throw error;
      await this.#refresh();
      if (this.#savedCells(changes) === before) {
        return await saveCells(this.#store.cellsOf(changes));
      }
      const names = new Set(
        changes.flatMap(({ right }) => [right, right ^ 1])
          .flatMap((right) => this.#store.changedBy(right) ?? []),
      );
      throw new RequestError(
        `${[...names].join(" and ") || "Somebody"} changed it meanwhile. Look at it, and decide.`,
      );
    }
  }

  #savedCells(changes: Change[]): string {
    return changes.map(({ right }) =>
      Number(this.#store.saved(right)) + 2 * Number(this.#store.saved(right ^ 1))
    ).join("");
  }

  #takesRows({ changes }: Operation): boolean {
    return changes.some(({ right, value }) => !value && this.#store.columnOf(right) % 2 === 1);
  }

  async #mayTake(changes: Change[]): Promise<boolean> {
    const preview = await this.#preview(changes);
    const losses = preview.changes.filter(({ pull }) => pull.lost !== 0);
    if (losses.length === 0) return true;
    return await new Promise((resolve) => {
      this.question.value = {
        preview: { ...preview, changes: losses },
        rights: changes.filter(({ value }) => !value).length,
        answer: (yes) => {
          this.question.value = null;
          resolve(yes);
        },
      };
    });
  }

  async #preview(changes: Change[]): Promise<Preview> {
    try {
      return await previewCells(this.#store.cellsOf(changes));
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== "precondition_failed") throw error;
      await this.#refresh();
      return await previewCells(this.#store.cellsOf(changes));
    }
  }

  #cancel(operation: Operation): void {
    this.#store.drop(operation.changes.map(({ right }) => right));
    if (operation.undoes) this.#done.push(operation.undoes);
    else this.#done.splice(this.#done.indexOf(operation), 1);
    this.#showUndoable();
    this.announcement.value = "Nothing was changed.";
  }

  #showUndoable(): void {
    const last = this.#done.at(-1);
    this.undoable.value = last ? this.#words(last.changes) : "";
  }

  #words(changes: Change[]): string {
    const [{ right, value }] = changes;
    if (changes.length > 1) return `${count(changes.length)}`;
    return `${this.#store.nameOf(right)} ${value ? "granted" : "taken away"}`;
  }
}

function count(rights: Right): string {
  return rights === 1 ? "1 right" : `${rights.toLocaleString("en")} rights`;
}
