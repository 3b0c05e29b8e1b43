import { type Connection, identifier } from "../db/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { describeCondition, describeScope } from "./describe_scope.ts";
import { administrators } from "./membership.ts";
import { modelAccess, modelGrants } from "./model_access.ts";
import type { Membership, Principal } from "./principal.ts";
import { compileScope, type Condition, type Scope } from "./scope.ts";

/** What somebody may do with one model, and why, for people to read. */
export interface AccessExplanation {
  push: RightExplanation;
  pull: RightExplanation;
  /** What each of the user's groups grants, with its filters. */
  groups: {
    name: string;
    push: boolean;
    pull: boolean;
    filters: { name: string; conditions: ConditionExplanation[]; problem?: string }[];
  }[];
}

export interface RightExplanation {
  allowed: boolean;
  /** A sentence. */
  reason: string;
  /** The rows, as in `every row`. */
  rows: string;
  sql: string;
  params: unknown[];
}

export interface ConditionExplanation {
  words: string;
  sql: string;
  params: unknown[];
}

/** Says in words and SQL what `principal` may push to and pull from `model`, and which group and filter make it so. */
export async function explainAccess(
  conn: Connection,
  principal: Principal,
  membership: Membership,
  catalog: Catalog,
  model: Model,
): Promise<AccessExplanation> {
  const access = (await modelAccess(conn, principal, membership, catalog)).get(model.name);
  const grants = (await modelGrants(conn, principal, membership, catalog)).get(model.name) ?? [];
  const explain = (right: "push" | "pull"): RightExplanation => {
    const scope = access?.[right] ?? null;
    const from = grants.filter((grant) => grant[right]).map(({ group }) => group.name);
    return {
      allowed: scope !== null,
      reason: reasonOf(principal, membership, right, from),
      rows: describeScope(scope ?? { any: [] }),
      ...statement(scope ?? { any: [] }, model),
    };
  };
  return {
    push: explain("push"),
    pull: explain("pull"),
    groups: grants.map(({ group, push, pull, filters }) => ({
      name: group.name,
      push,
      pull,
      filters: filters.map(({ name, conditions, problem }) => ({
        name,
        conditions: conditions.map((condition) => explainCondition(condition, model)),
        ...problem === undefined ? {} : { problem },
      })),
    })),
  };
}

function reasonOf(
  principal: Principal,
  { groups, organization }: Membership,
  right: "push" | "pull",
  from: string[],
): string {
  const who = principal.username;
  if (principal.isSuperuser) return `${who} is a superuser, who may ${right} every model.`;
  if (from.length > 0) return `${who} may ${right} it as a member of ${from.join(" and ")}.`;
  const names = groups.map(({ name }) => name);
  if (names.length === 0) {
    return `${who} is in no group of ${organization.name}, so there is nothing to ${right}.`;
  }
  const none = `None of the groups of ${who} (${names.join(", ")}) may ${right} it.`;
  return names.includes(administrators)
    ? `${none} To administer the organization does not include it.`
    : none;
}

function explainCondition(condition: Condition, model: Model): ConditionExplanation {
  return {
    words: describeCondition(condition),
    ...statement({ any: [[condition]] }, model),
  };
}

function statement(scope: Scope, model: Model): { sql: string; params: unknown[] } {
  const params: unknown[] = [];
  const sql = compileScope(
    scope,
    model,
    identifier,
    (value) => `$${params.push(value)}`,
  );
  return { sql, params };
}
