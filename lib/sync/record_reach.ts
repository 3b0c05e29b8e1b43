import { type AdminScope, requireOrganization } from "../access/mod.ts";
import { identifier } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";

declare const granted: unique symbol;

/**
 * The organizations whose records somebody works with in the admin. Every statement on the rows of a
 * model gets its table from `recordRows`, which takes one, and only `recordReach` makes one.
 */
export interface RecordReach {
  readonly organizationIds: readonly number[];
  /** Whether rows of shared models, which belong to everybody, are included. */
  readonly shared: boolean;
  readonly [granted]: true;
}

/**
 * The reach of somebody who administers `scope` and looks at these organizations. Shared models are
 * for those who administer everything.
 *
 * @throws LockstepError `not_found` when one of them is not administered
 */
export function recordReach(scope: AdminScope, organizationIds: readonly number[]): RecordReach {
  for (const id of organizationIds) requireOrganization(scope, id);
  return { organizationIds, shared: "all" in scope } as RecordReach;
}

/**
 * The part of `reach` that is one organization's, or for null, shared rows alone.
 *
 * @throws LockstepError `not_found` when the organization is not within it
 */
export function reachOfOne(reach: RecordReach, organizationId: number | null): RecordReach {
  if (organizationId === null) return { ...reach, organizationIds: [] };
  if (reach.organizationIds.includes(organizationId)) {
    return { ...reach, organizationIds: [organizationId] };
  }
  throw new LockstepError("not_found", `There is no organization ${organizationId}.`);
}

/** A model's table under an alias, and the condition that keeps a statement within the reach. */
export interface RecordRows {
  /** `"schema"."table" AS alias` */
  table: string;
  /** NULL for a row without an organization. */
  within: string;
}

export function recordRows(
  model: Model,
  reach: RecordReach,
  alias: string,
  addParam: (value: unknown) => string,
): RecordRows {
  const table = `${identifier(model.schema, model.table)} AS ${alias}`;
  if (model.tenantColumn === null) return { table, within: reach.shared ? "TRUE" : "FALSE" };
  const { name, baseType } = model.columns.find(({ name }) => name === model.tenantColumn)!;
  const type = baseType.startsWith("int") ? "bigint" : "text";
  const column = `${alias}.${identifier(name)}`;
  // One value rather than an array lets an index of organization and key give the order too.
  const within = reach.organizationIds.length === 1
    ? `${column} = ${addParam(reach.organizationIds[0])}::${type}`
    : `${column} = ANY (${addParam(reach.organizationIds)}::${type}[])`;
  return { table, within };
}
