import type { permissionMatrix } from "../../../../lib/web/mod.ts";

/** The rights of a group on one model. */
export interface GroupRow {
  model: string;
  writable: boolean;
  push: boolean;
  pull: boolean;
  filtered: boolean;
  /** Of the stored permission; null where there is none. */
  version: string | null;
}

/** The rights of a group on every model, in the order of their names. */
export function rowsOf(
  { models, cells }: Awaited<ReturnType<typeof permissionMatrix>>,
  groupId: number,
): GroupRow[] {
  const own = new Map(
    cells.filter(({ group_id }) => group_id === groupId).map((cell) => [cell.model, cell]),
  );
  return models.map(({ name, writable }) => {
    const cell = own.get(name);
    return {
      model: name,
      writable,
      push: cell?.push ?? false,
      pull: cell?.pull ?? false,
      filtered: cell?.filtered ?? false,
      version: cell?.version ?? null,
    };
  }).toSorted((a, b) => a.model < b.model ? -1 : 1);
}

/** The rows with the rights that a form chose: `push` and `pull` once for each model. */
export function wantedRows(rows: GroupRow[], fields: URLSearchParams): GroupRow[] {
  const push = new Set(fields.getAll("push"));
  const pull = new Set(fields.getAll("pull"));
  return rows.map((row) => ({
    ...row,
    push: push.has(row.model) && mayPush(row),
    pull: pull.has(row.model),
  }));
}

/** Rows of a model that cannot be written are nobody's to push; such a right can only be taken. */
export function mayPush({ writable, push }: GroupRow): boolean {
  return writable || push;
}

/** Tells whether rows are still as they were read. */
export function digestOf(rows: GroupRow[]): Promise<string> {
  return hash(rows.map(({ model, version }) => [model, version]));
}

/** Tells whether the same rights are chosen. */
export function choiceOf(rows: GroupRow[]): Promise<string> {
  return hash(rows.map(({ model, push, pull }) => [model, push, pull]));
}

async function hash(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 32);
}
