import { identifier } from "../db/mod.ts";
import type { RowScope, Visibility } from "./visibility.ts";

/** SQL over `lockstep.audit_event e`: whether the reader may see the row before and after. */
export interface VisibleSides {
  before: string;
  after: string;
}

/** The conditions of `visibility`, with their values given to `addParam`. */
export function visibleSides(
  visibility: Visibility,
  addParam: (value: unknown) => string,
): VisibleSides {
  if ("all" in visibility) return { before: "true", after: "true" };
  const ids = `${addParam(JSON.stringify(visibility.organizationIds))}::text::jsonb`;
  const side = (organization: string, row: string) => {
    const own = `coalesce(${ids} @> to_jsonb(${organization}), false)`;
    if (!visibility.rowScopes) return own;
    return `(${own} AND ${inRowScope(visibility.rowScopes, row, addParam)})`;
  };
  return {
    before: side(
      "CASE WHEN e.moved THEN e.previous_organization_id ELSE e.organization_id END",
      "e.before",
    ),
    after: side("e.organization_id", "e.after"),
  };
}

function inRowScope(
  scopes: ReadonlyMap<string, RowScope>,
  row: string,
  addParam: (value: unknown) => string,
): string {
  if (scopes.size === 0) return "false";
  const cases = [...scopes].map(([model, { schema, table, compile }]) => {
    const condition = compile((column) => identifier("r", column), addParam);
    const base = `NULL::${identifier(schema, table)}`;
    // No row, hence NULL, when the side is absent or its values no longer fit the table.
    return `WHEN ${addParam(model)}::text THEN (SELECT ${condition} ` +
      `FROM lockstep.audit_row(${base}, ${row}) r)`;
  });
  return `coalesce(CASE e.model ${cases.join(" ")} END, false)`;
}
