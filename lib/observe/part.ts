import { type AdminScope, organizationIn } from "../access/mod.ts";

/** Which part of what `scope` holds: one organization, or all of it. */
export interface Part {
  scope: AdminScope;
  organizationId?: number;
}

/** The condition that a row whose organization is in `column` is of the part; adds to `params`. */
export function inPart(
  { scope, organizationId }: Part,
  column: string,
  params: unknown[],
): string {
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const within = organizationIn(scope, column, addParam);
  return organizationId === undefined
    ? within
    : `${within} AND ${column} = ${addParam(organizationId)}::int`;
}
