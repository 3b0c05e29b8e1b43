import { identifier } from "../db/mod.ts";

/**
 * The statements that let `role`, the role of the application, read the trail, seal it and apply
 * retention, and keep it from altering events. Run them as the owner of the schema, after any
 * `GRANT … ON ALL TABLES IN SCHEMA lockstep`. The role must be neither owner nor superuser.
 */
export function grantsFor(role: string): string {
  const to = identifier(role);
  return `GRANT USAGE ON SCHEMA lockstep TO ${to};
REVOKE ALL ON lockstep.audit_event, lockstep.audit_seal, lockstep.audit_chain FROM ${to};
GRANT SELECT ON lockstep.audit_event, lockstep.audit_seal, lockstep.audit_chain,
  lockstep.audit_attached TO ${to};
GRANT SELECT, INSERT, UPDATE, DELETE ON lockstep.audit_table TO ${to};
GRANT EXECUTE ON FUNCTION lockstep.audit_trigger(), lockstep.audit_seal_pending(integer),
  lockstep.audit_purge(timestamptz, integer),
  lockstep.audit_record(text, text, jsonb, jsonb, integer) TO ${to};
`;
}
