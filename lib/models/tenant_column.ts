import type { Column, ForeignKey, Model } from "./model.ts";

/** Types that can hold the id of an organization, which is an integer. */
const suitable = new Set(["int2", "int4", "int8", "text", "varchar"]);

/**
 * The column that says to which organization a row belongs: a foreign key to `lockstep.organization`,
 * or else the first of `tenantColumns` that the table has. `problem` says why the table must not be
 * synced: taking it for a shared one would show its rows to every organization.
 */
export function tenantColumnOf(
  columns: readonly Column[],
  foreignKeys: readonly ForeignKey[],
  tenantColumns: readonly string[],
): { tenantColumn: string | null; problem?: string } {
  const referencing = new Set(
    foreignKeys.filter((key) =>
      key.targetSchema === "lockstep" && key.targetTable === "organization" &&
      key.columns.length === 1 && key.targetColumns[0] === "id"
    ).map((key) => key.columns[0]),
  );
  const byName = new Map(columns.map((column) => [column.name, column]));
  const named = tenantColumns.map((name) => byName.get(name)).filter((column) =>
    column !== undefined
  );
  let found = named.find((column) => referencing.has(column.name));
  if (!found && referencing.size > 1) {
    return {
      tenantColumn: null,
      problem:
        `It has several foreign keys to lockstep.organization (${[...referencing].join(", ")}). ` +
        "Name the one that owns the row in TENANT.TENANT_COLUMNS.",
    };
  }
  if (!found && referencing.size === 1) found = byName.get([...referencing][0]);
  found ??= named.find((column) => suitable.has(column.baseType)) ?? named[0];
  if (!found) return { tenantColumn: null };
  if (!suitable.has(found.baseType)) {
    return {
      tenantColumn: null,
      problem:
        `Its column ${found.name} is of type ${found.type}, which cannot hold an organization's id. ` +
        "Make it an integer or text column, or take its name out of TENANT.TENANT_COLUMNS.",
    };
  }
  if (found.readOnly) {
    return {
      tenantColumn: null,
      problem: `Its tenant column ${found.name} is generated, so that the server cannot set it.`,
    };
  }
  return { tenantColumn: found.name };
}

/**
 * The tables whose rows belong to organizations although no column of their own says to which: a
 * foreign key leads to an `owned` table, directly or through another such table. Maps each to the
 * table and columns of that key. Tables that are `shared` on purpose are none of them.
 */
export function ownedThrough(
  models: readonly Model[],
  owned: ReadonlySet<Model>,
  shared: ReadonlySet<Model>,
): Map<Model, { owner: Model; columns: string[] }> {
  const nameOf = (schema: string, table: string) => JSON.stringify([schema, table]);
  const children = Map.groupBy(
    models.flatMap((model) => model.foreignKeys.map((key) => ({ model, key }))),
    ({ key }) => nameOf(key.targetSchema, key.targetTable),
  );
  const found = new Map<Model, { owner: Model; columns: string[] }>();
  const owners = [...owned];
  for (const owner of owners) {
    for (const { model, key } of children.get(nameOf(owner.schema, owner.table)) ?? []) {
      if (owned.has(model) || shared.has(model) || found.has(model)) continue;
      found.set(model, { owner, columns: key.columns });
      owners.push(model);
    }
  }
  return found;
}
