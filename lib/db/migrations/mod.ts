/** Every migration of the `lockstep` schema, in order. Append only. @module */
import * as base from "./0001_base.ts";
import * as audit from "./0002_audit.ts";
import * as collab from "./0003_collab.ts";
import * as importing from "./0004_import.ts";

export interface SchemaMigration {
  up: string;
  down: string;
}

export const migrations: Record<string, SchemaMigration> = {
  "0001_base": base,
  "0002_audit": audit,
  "0003_collab": collab,
  "0004_import": importing,
};
