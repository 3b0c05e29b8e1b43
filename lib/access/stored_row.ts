import { identifier, sqlError, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { notFound } from "./admin_scope.ts";

/** Tables whose rows are administered one by one, and what a row is called. */
const nouns = {
  organization: "organization",
  app_user: "user",
  auth_group: "group",
  user_organization: "membership",
  model_permission: "permission",
  data_filter: "filter",
} as const;

export type AdministeredTable = keyof typeof nouns;

const withUpdatedAt: readonly AdministeredTable[] = [
  "organization",
  "app_user",
  "model_permission",
  "data_filter",
];

/** The version that a client read: the row's `xmin`, or `*` for whichever there is. */
export type RowVersion = string;

/**
 * Locks a row for the change that follows.
 *
 * @throws LockstepError `not_found`, `precondition_failed` when it changed since `version` was read
 */
export async function lockRow<Row>(
  tx: Transaction,
  table: AdministeredTable,
  id: number,
  version: RowVersion,
): Promise<Row> {
  const [row] = await tx.query<Row & { row_version: string }>(
    `SELECT t.*, t.xmin::text AS row_version FROM ${identifier("lockstep", table)} t
    WHERE t.id = $1 FOR UPDATE`,
    [id],
  );
  if (!row) throw notFound(nouns[table], id);
  if (version !== "*" && row.row_version !== version) {
    throw new LockstepError(
      "precondition_failed",
      `The ${nouns[table]} ${id} was changed since you read it. Read it again, and decide.`,
    );
  }
  return row;
}

/**
 * Sets columns of a row; what is undefined stays. A row that has these values already is not
 * written. Resolves to whether it was.
 */
export async function updateRow(
  tx: Transaction,
  table: AdministeredTable,
  id: number,
  values: Record<string, unknown>,
): Promise<boolean> {
  const columns = Object.keys(values).filter((column) => values[column] !== undefined);
  if (columns.length === 0) return false;
  const name = identifier("lockstep", table);
  const list = (alias: string) =>
    columns.map((column) => `${alias}.${identifier(column)}`).join(", ");
  const assignments = columns.map((column) => `${identifier(column)} = r.${identifier(column)}`);
  if (withUpdatedAt.includes(table)) assignments.push("updated_at = now()");
  const { count } = await tx.execute(
    `UPDATE ${name} t SET ${assignments.join(", ")}
    FROM jsonb_populate_record(NULL::${name}, $2::text::jsonb) r
    WHERE t.id = $1 AND ROW (${list("t")}) IS DISTINCT FROM ROW (${list("r")})`,
    [id, JSON.stringify(values)],
  );
  return count > 0;
}

/**
 * Deletes a row that was locked before.
 *
 * @throws LockstepError `conflict` when rows of another table refer to it
 */
export async function deleteRow(
  tx: Transaction,
  table: AdministeredTable,
  id: number,
): Promise<void> {
  try {
    await tx.execute(`DELETE FROM ${identifier("lockstep", table)} WHERE id = $1`, [id]);
  } catch (cause) {
    const error = sqlError(cause);
    if (error?.code !== "23503") throw cause;
    throw new LockstepError(
      "conflict",
      `The ${nouns[table]} ${id} is referred to by rows of ${error.schema}.${error.table}. ` +
        "Delete these first, or disable it instead.",
      { cause },
    );
  }
}
