import type { SqlError, Transaction } from "../db/mod.ts";
import type { Statement } from "./pull_sql.ts";
import type { WrittenRow } from "./push_sql.ts";

/** Statements that `writeEach` runs, however many records there are. */
export const statementsOfEach = 3;

/**
 * Writes records one by one, each under a savepoint of its own, without a round trip for each: a
 * block of PL/pgSQL runs the statement in the server. `statement` takes the records as JSON text in
 * `$1` and its own parameters as `text[]` in `$2`. What writes out of scope or refers to another
 * organization's row is undone. Resolves to one entry per record: the row, null when the statement
 * wrote none, or the database's error.
 */
export async function writeEach(
  tx: Transaction,
  { text, params: [, ...args] }: Statement,
  records: readonly string[],
): Promise<(WrittenRow | { failed: SqlError } | null)[]> {
  await tx.query("SELECT set_config('lockstep.push', $1, true)", [
    JSON.stringify({ statement: text, args: args.map(String), records }),
  ]);
  await tx.query(block);
  const [{ rows }] = await tx.query<{ rows: (WrittenRow | { failed: SqlError } | null)[] }>(
    "SELECT current_setting('lockstep.push')::json AS rows",
  );
  return rows;
}

/** Not about the record: connection, resources, shutdown, serialization, a lock that was not to be had. */
export const passing = /^(?:08...|40...|53...|57...|58...|XX...|55P03)$/;

const block = `
  DO $lockstep$
  DECLARE
    given json := current_setting('lockstep.push')::json;
    statement text := given ->> 'statement';
    args text[] := ARRAY(SELECT json_array_elements_text(given -> 'args'));
    record text;
    written record;
    affected bigint;
    results text[] := '{}';
    code text;
    column_ text;
    constraint_ text;
    detail_ text;
  BEGIN
    FOR record IN SELECT json_array_elements_text(given -> 'records') LOOP
      BEGIN
        EXECUTE statement INTO written USING '[' || record || ']', args;
        GET DIAGNOSTICS affected = ROW_COUNT;
        IF affected > 0 AND (NOT written.inside OR 0 < ANY (written.strays)) THEN
          RAISE EXCEPTION SQLSTATE 'LSOUT';
        END IF;
        results := results || CASE WHEN affected = 0 THEN 'null' ELSE to_json(written)::text END;
      EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, column_ = COLUMN_NAME,
          constraint_ = CONSTRAINT_NAME, detail_ = PG_EXCEPTION_DETAIL;
        IF code = 'LSOUT' AND affected > 0 THEN
          results := results || to_json(written)::text;
        ELSIF code ~ '${passing.source}' THEN
          RAISE;
        ELSE
          results := results || json_build_object('failed', json_build_object(
            'code', code, 'column', column_, 'constraint', constraint_, 'detail', detail_))::text;
        END IF;
      END;
    END LOOP;
    PERFORM set_config('lockstep.push', '[' || array_to_string(results, ',') || ']', true);
  END
  $lockstep$`;
