import type { Catalog, Column, Model } from "./model.ts";

/** How `GET /api/sync/me/` describes a column to clients. */
export interface ColumnSchema {
  type: string;
  nullable: boolean;
  max_length?: number;
  enum?: string[];
  /** The model that the value is a key of. */
  references?: string;
  read_only: boolean;
}

/** Why clients cannot set a column, as a sentence; undefined when they can. */
export function readOnlyReason(model: Model, column: Column): string | undefined {
  if (column.name === model.tenantColumn) {
    return `The column ${column.name} holds the organization, which the server sets.`;
  }
  if (!column.readOnly) return;
  return column.generated
    ? `The column ${column.name} is computed by the database.`
    : `The column ${column.name} is numbered by the database.`;
}

export function columnSchema(model: Model, column: Column, catalog: Catalog): ColumnSchema {
  const foreign = model.foreignKeys.find((key) =>
    key.columns.length === 1 && key.columns[0] === column.name
  );
  const target = foreign && catalog.find(`${foreign.targetSchema}.${foreign.targetTable}`);
  return {
    type: column.type,
    nullable: column.nullable,
    ...(column.maxLength === null ? {} : { max_length: column.maxLength }),
    ...(column.enumValues === null ? {} : { enum: column.enumValues }),
    ...(target === undefined ? {} : { references: target.name }),
    read_only: readOnlyReason(model, column) !== undefined,
  };
}
