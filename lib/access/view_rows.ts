import { type Connection, identifier, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Column, Model } from "../models/mod.ts";
import type { Grant } from "./grants.ts";
import { describeCondition } from "./describe_scope.ts";
import { compileScope, type Scope } from "./scope.ts";
import { tenantOf, tenantTable } from "./tenant.ts";

/** Rows as PostgreSQL wrote them, in the order of the key. */
export interface RowPage {
  /** JSON text of each. */
  rows: string[];
  /** Key values, as text, of the last row when more follow. */
  next: string[] | null;
}

/**
 * The rows of `model` in the organization that `scope` holds, after the key `after`. It only reads.
 *
 * @throws LockstepError `not_syncable` for a model without a key
 */
export async function viewRows(
  conn: Connection,
  model: Model,
  organizationId: number,
  scope: Scope,
  page: { limit: number; after: string[] | null },
): Promise<RowPage> {
  const key = keyColumns(model);
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const names = key.map(({ name }) => identifier("t", name));
  const { table, within } = tenantTable(model, tenantOf({ id: organizationId }), "t", addParam);
  const conditions = [
    within,
    compileScope(scope, model, (column) => identifier("t", column), addParam),
  ];
  if (page.after) {
    const values = key.map(({ type }, i) => `${addParam(page.after![i])}::text::${type}`);
    conditions.push(`ROW (${names.join(", ")}) > ROW (${values.join(", ")})`);
  }
  const columns = model.columns.map(({ name }) => identifier("t", name)).join(", ");
  const rows = await asInvalidKey(conn.query<{ row: string; key: string[] }>(
    `SELECT row_to_json(shown)::text AS row, key
    FROM (
      SELECT ${columns} FROM ${table}
      WHERE ${conditions.join(" AND ")}
      ORDER BY ${names.join(", ")}
      LIMIT ${page.limit + 1}
    ) shown
    CROSS JOIN LATERAL (SELECT json_build_array(${
      key.map(({ name }) => `${identifier("shown", name)}::text`).join(", ")
    }) AS key) k
    ORDER BY ${key.map(({ name }) => identifier("shown", name)).join(", ")}`,
    params,
  ));
  const shown = rows.slice(0, page.limit);
  return {
    rows: shown.map(({ row }) => row),
    next: rows.length > page.limit ? shown.at(-1)!.key : null,
  };
}

/** How many rows of `model` in the organization `scope` holds, counted up to `most`. */
export async function countRowsIn(
  conn: Connection,
  model: Model,
  organizationId: number,
  scope: Scope,
  most: number,
): Promise<number> {
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const { table, within } = tenantTable(model, tenantOf({ id: organizationId }), "t", addParam);
  const [{ count }] = await conn.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
      SELECT FROM ${table}
      WHERE ${within}
        AND ${compileScope(scope, model, (column) => identifier("t", column), addParam)}
      LIMIT ${most}
    ) held`,
    params,
  );
  return count;
}

/** What one row is to somebody: which of their grants' conditions it fulfils. */
export interface RowExplanation {
  push: boolean;
  pull: boolean;
  groups: {
    name: string;
    push: boolean;
    pull: boolean;
    /** Whether every condition holds, so that the group's rights include the row. */
    holds: boolean;
    filters: {
      name: string;
      conditions: { words: string; holds: boolean }[];
      problem?: string;
    }[];
  }[];
}

/**
 * Asks each condition of the grants of one row of the organization.
 *
 * @param key column to value
 * @throws LockstepError `not_found` when the organization has no such row, `invalid_value`
 */
export async function explainRow(
  conn: Connection,
  model: Model,
  organizationId: number,
  key: Record<string, string>,
  access: { push: Scope | null; pull: Scope | null },
  grants: Grant[],
): Promise<RowExplanation> {
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const holds = (scope: Scope | null) =>
    compileScope(scope ?? { any: [] }, model, (column) => identifier("t", column), addParam);
  const conditions = grants.flatMap(({ filters }) =>
    filters.flatMap(({ conditions }) => conditions)
  );
  const checks = [
    holds(access.push),
    holds(access.pull),
    ...conditions.map((condition) => holds({ any: [[condition]] })),
  ];
  const { table, within } = tenantTable(model, tenantOf({ id: organizationId }), "t", addParam);
  const where = [
    within,
    ...keyColumns(model).map(({ name, type }) =>
      `${identifier("t", name)} = ${addParam(key[name])}::text::${type}`
    ),
  ];
  const [row] = await asInvalidKey(
    conn.query<{ checks: boolean[] }>(
      `SELECT json_build_array(${checks.join(", ")}) AS checks
      FROM ${table}
      WHERE ${where.join(" AND ")}`,
      params,
    ),
  );
  if (!row) {
    throw new LockstepError(
      "not_found",
      `The organization has no row of ${model.name} with this key.`,
    );
  }
  const [push, pull, ...answers] = row.checks;
  let next = 0;
  return {
    push,
    pull,
    groups: grants.map((grant) => {
      const filters = grant.filters.map(({ name, conditions, problem }) => ({
        name,
        conditions: conditions.map((condition) => ({
          words: describeCondition(condition),
          holds: answers[next++],
        })),
        ...(problem === undefined ? {} : { problem }),
      }));
      const holds = filters.every(({ conditions, problem }) =>
        problem === undefined && conditions.every(({ holds }) => holds)
      );
      return { name: grant.group.name, push: grant.push, pull: grant.pull, holds, filters };
    }),
  };
}

/**
 * The key that `text` gives: the value itself, or a JSON object for a key of several columns.
 *
 * @throws LockstepError `invalid_value`
 */
export function parseRowKey(model: Model, text: string): Record<string, string> {
  const names = keyColumns(model).map(({ name }) => name);
  if (names.length === 1 && !text.startsWith("{")) return { [names[0]]: text };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch { /* Told below. */ }
  const entries = Object.entries(given ?? {});
  const fits = typeof given === "object" && entries.length === names.length &&
    names.every((name) =>
      Object.hasOwn(given as object, name) &&
      ["string", "number", "boolean"].includes(typeof (given as Record<string, unknown>)[name])
    );
  if (fits) return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  throw invalidKey(`Give the columns ${names.join(", ")} as a JSON object.`);
}

function keyColumns(model: Model): Column[] {
  if (model.key.length > 0) {
    return model.key.map((name) => model.columns.find((column) => column.name === name)!);
  }
  throw new LockstepError("not_syncable", `${model.name} has no primary key.`);
}

async function asInvalidKey<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (cause) {
    if (!sqlError(cause)?.code.startsWith("22")) throw cause;
    throw invalidKey("It does not fit the type of the key.", cause);
  }
}

function invalidKey(message: string, cause?: unknown): LockstepError {
  return new LockstepError("invalid_value", `key: ${message}`, {
    errors: [{ field: "key", message }],
    cause,
  });
}
