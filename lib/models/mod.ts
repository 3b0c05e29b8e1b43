/** Discovery of tables as models, their names, and the validation of values by column. @module */
export * from "./column_schema.ts";
export * from "./column_validator.ts";
export { discoverModels, type DiscoverySettings } from "./discover_models.ts";
export * from "./model_catalog.ts";
export type * from "./model.ts";
export type { JsonKind, ValueProblem } from "./value_problem.ts";
