/** A table's row scope, as a boolean SQL expression over a row of that table. */
export interface RowScope {
  schema: string;
  table: string;
  /** Must not give NULL. `sqlOf` names a column, `addParam` takes a value and gives its placeholder. */
  compile(sqlOf: (column: string) => string, addParam: (value: unknown) => string): string;
}

/**
 * What a reader of the trail may see. Of a row that moved between organizations, or into or out of
 * the row scope, the reader sees that it came or left, and only the side that is theirs.
 */
export type Visibility =
  | { all: true }
  | {
    /** Events of no organization are seen with `all` only. */
    organizationIds: readonly number[];
    /** Scopes by model; models without one are hidden. Absent: every row of the organizations. */
    rowScopes?: ReadonlyMap<string, RowScope>;
  };
