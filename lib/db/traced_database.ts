import { traced } from "../log/mod.ts";
import type { Connection, Database, Transaction } from "./connection.ts";

/** Statements are cut here: some list thousands of placeholders. */
const longestText = 2000;

/**
 * Gives every statement and transaction a span, by OpenTelemetry's conventions for databases. The
 * text of a statement is in it, its parameters are not.
 */
export function tracedDatabase(db: Database): Database {
  return {
    ...db,
    ...tracedConnection(db),
    transaction: (options, fn) =>
      traced(
        "transaction",
        { "db.system.name": "postgresql" },
        () => db.transaction(options, (tx) => fn(tracedConnection(tx))),
      ),
  };
}

function tracedConnection<T extends Connection | Transaction>(conn: T): T {
  const statement = <R>(text: string, run: () => Promise<R>) => {
    const operation = /[a-z]+/i.exec(text)?.[0].toUpperCase() ?? "SQL";
    const attributes = {
      "db.system.name": "postgresql",
      "db.operation.name": operation,
      "db.query.text": text.slice(0, longestText),
    };
    return traced(operation, attributes, run);
  };
  return {
    ...conn,
    execute: (text, params) => statement(text, () => conn.execute(text, params)),
    query: (text, params) => statement(text, () => conn.query(text, params)),
    bytes: (text, params) => statement(text, () => conn.bytes(text, params)),
    script: (text) => statement(text, () => conn.script(text)),
  };
}
