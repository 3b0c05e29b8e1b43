import { identifier } from "../db/mod.ts";
import type { Model } from "../models/mod.ts";

/** A boolean SQL expression: the row `alias` of `model` is the organization's, or the model is shared. */
export function tenantRows(
  model: Model,
  organizationId: number,
  alias: string,
  addParam: (value: unknown) => string,
): string {
  if (model.tenantColumn === null) return "TRUE";
  const column = model.columns.find(({ name }) => name === model.tenantColumn)!;
  const type = column.baseType.startsWith("int") ? "bigint" : "text";
  return `${identifier(alias, column.name)} = ${addParam(organizationId)}::text::${type}`;
}
