import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model, ModelName } from "../models/mod.ts";
import { parseFilters, resolveFilters, type VariableValues } from "./filters.ts";
import type { Membership, Principal } from "./principal.ts";
import { canonicalScope, type Condition, type Scope } from "./scope.ts";

/** The rows of a model that somebody may push and pull; null is no right at all. */
export interface ModelAccess {
  push: Scope | null;
  pull: Scope | null;
}

/** What one group grants on one model, with the user's values in its filters. */
export interface Grant {
  group: { id: number; name: string };
  push: boolean;
  pull: boolean;
  /** All must hold; undefined when a filter cannot be applied, so that the grant shows nothing. */
  conditions: Condition[] | undefined;
  /** Where the conditions come from, and why one cannot be applied. */
  filters: { name: string; conditions: Condition[]; problem?: string }[];
}

/** A stored permission, or a data filter. */
export interface GrantRow {
  group_id: number;
  group_name: string;
  model_name: string;
  can_push: boolean;
  can_pull: boolean;
  filters: unknown;
  /** Null for the permission itself. */
  filter_name: string | null;
}

/** What the stored rows of somebody's groups grant, by model. */
export function grantsOf(
  rows: GrantRow[],
  values: VariableValues,
  catalog: Catalog,
): Map<ModelName, Grant[]> {
  const grants = new Map<ModelName, Grant[]>();
  for (const { model, permissions, dataFilters } of byGroupAndModel(rows, catalog)) {
    for (const permission of permissions) {
      const filters = [permission, ...dataFilters]
        .map((row) => readFilter(row, model, values))
        .filter(({ conditions, problem }) => conditions.length > 0 || problem);
      const grant: Grant = {
        group: { id: permission.group_id, name: permission.group_name },
        push: permission.can_push,
        pull: permission.can_pull,
        conditions: filters.some(({ problem }) => problem)
          ? undefined
          : filters.flatMap(({ conditions }) => conditions),
        filters,
      };
      grants.set(model.name, [...grants.get(model.name) ?? [], grant]);
    }
  }
  return grants;
}

/** The union of what the groups grant. */
export function accessOf(grants: Grant[]): ModelAccess {
  return { push: union(grants, "push"), pull: union(grants, "pull") };
}

function union(grants: Grant[], right: "push" | "pull"): Scope | null {
  const granting = grants.filter((grant) => grant[right]);
  if (granting.length === 0) return null;
  return canonicalScope({
    any: granting.flatMap(({ conditions }) => conditions ? [conditions] : []),
  });
}

/** The rows of each group and model together, whichever of a model's names they were saved under. */
function byGroupAndModel(rows: GrantRow[], catalog: Catalog) {
  const found = new Map<
    string,
    { model: Model; permissions: GrantRow[]; dataFilters: GrantRow[] }
  >();
  for (const row of rows) {
    const model = catalog.find(row.model_name);
    if (!model) continue;
    const key = `${row.group_id} ${model.name}`;
    let entry = found.get(key);
    if (!entry) found.set(key, entry = { model, permissions: [], dataFilters: [] });
    (row.filter_name === null ? entry.permissions : entry.dataFilters).push(row);
  }
  return found.values();
}

function readFilter(row: GrantRow, model: Model, values: VariableValues): Grant["filters"][number] {
  const name = row.filter_name ?? "filters";
  try {
    const conditions = resolveFilters(parseFilters(row.filters, model, name), model, values);
    if (conditions) return { name, conditions };
    return {
      name,
      conditions: [],
      problem: `The filter "${name}" asks for a value that the user does not have, ` +
        "so it matches no row.",
    };
  } catch (error) {
    // Saved when the table was different: nobody may see more because a column went away.
    if (!(error instanceof LockstepError)) throw error;
    return {
      name,
      conditions: [],
      problem: `${error.message} It matches no row until it is mended.`,
    };
  }
}

/** What the variables of filters stand for. */
export function variableValues(
  { userId, username, email }: Pick<Principal, "userId" | "username" | "email">,
  { organization }: Pick<Membership, "organization">,
): VariableValues {
  return {
    "$user.id": userId,
    "$user.username": username,
    "$user.email": email,
    "$organization.id": organization.id,
    "$organization.slug": organization.slug,
  };
}
