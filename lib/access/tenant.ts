import { identifier } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";

declare const granted: unique symbol;

/**
 * Whose rows a statement may touch. Every statement on the rows of models gets its tables from
 * `tenantTable`, which takes one; only `tenantOf` and `recordReach` make one.
 */
export interface Tenant {
  readonly organizationIds: readonly number[];
  /** Whether rows of shared models, which belong to everybody, are included. */
  readonly shared: boolean;
  readonly [granted]: true;
}

/** One organization's rows. */
export interface OrganizationTenant extends Tenant {
  readonly organizationId: number;
}

/** What the members of an organization may at most touch: its rows and the shared ones. */
export function tenantOf({ id }: { id: number }): OrganizationTenant {
  const tenant: Omit<OrganizationTenant, typeof granted> = {
    organizationId: id,
    organizationIds: [id],
    shared: true,
  };
  return tenant as OrganizationTenant;
}

/** A model's table under an alias, and the condition that keeps a statement within the tenant. */
export interface TenantTable {
  /** `"schema"."table"` */
  name: string;
  /** `"schema"."table" AS alias` */
  table: string;
  /** Never true for a row of another organization; NULL for a row without any. */
  within: string;
  /** The value of the tenant column, where there is one and the tenant is one organization. */
  organization: string | null;
}

/** @param addParam adds a value and gives its placeholder */
export function tenantTable(
  model: Model,
  { organizationIds, shared }: Tenant,
  alias: string,
  addParam: (value: string) => string,
): TenantTable {
  const name = identifier(model.schema, model.table);
  const table = `${name} AS ${alias}`;
  const owner = model.columns.find(({ name }) => name === model.tenantColumn);
  if (!owner) return { name, table, within: shared ? "TRUE" : "FALSE", organization: null };
  const column = `${alias}.${identifier(owner.name)}`;
  // One value rather than an array lets an index of organization and key give the order too.
  if (organizationIds.length === 1) {
    const organization = `${addParam(String(organizationIds[0]))}::text::${owner.type}`;
    return { name, table, within: `${column} = ${organization}`, organization };
  }
  const ids = `string_to_array(${addParam(organizationIds.join())}::text, ',')`;
  return { name, table, within: `${column} = ANY (${ids}::${owner.type}[])`, organization: null };
}
