/** What PostgreSQL said of a failed statement, from either driver. */
export interface SqlError {
  /** SQLSTATE, five characters. */
  code: string;
  message: string;
  detail?: string;
  schema?: string;
  table?: string;
  column?: string;
  constraint?: string;
}

/** The database's own error in `error`, or undefined when it is something else. */
export function sqlError(error: unknown): SqlError | undefined {
  if (!(error instanceof Error)) return;
  const e = error as Error & Record<string, string | undefined>;
  // Errors of the operating system have codes too (EPIPE), but no severity.
  if (typeof e.code !== "string" || !/^[0-9A-Z]{5}$/.test(e.code) || !e.severity) return;
  return {
    code: e.code,
    message: e.message,
    detail: e.detail,
    schema: e.schema_name ?? e.schema,
    table: e.table_name ?? e.table,
    column: e.column_name ?? e.column,
    constraint: e.constraint_name ?? e.constraint,
  };
}

/** COMMIT of a transaction in which a statement had failed: the server has rolled it back. */
export function transactionAborted(): Error {
  const message = "A statement failed in the transaction, so that it was rolled back";
  return Object.assign(new Error(message), { code: "25P02", severity: "ERROR" });
}

/** A prepared statement inside a transaction whose result type has changed with the schema. */
export function isStalePlan(error: unknown): boolean {
  return (error as { routine?: string } | undefined)?.routine === "RevalidateCachedQuery";
}

/** Nothing was done, and the same transaction may go through. */
function isRetryable(error: unknown): boolean {
  const serializationFailureOrDeadlock = ["40001", "40P01"];
  return serializationFailureOrDeadlock.includes(sqlError(error)?.code ?? "") ||
    (error instanceof Error && isStalePlan(error.cause));
}

/** Runs `fn` again, after a short random delay, when the database asks for that. */
export async function withRetries<T>(retries: number, fn: () => Promise<T>): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await fn();
    } catch (error) {
      if (attempt >= retries || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
    }
  }
}
