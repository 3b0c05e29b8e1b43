import { type Connection, type Database, identifier, sqlError } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { changeTable, organizationType } from "./change_log.ts";

/**
 * The role that pulls read with where row level security is the second wall: it sees the rows of
 * one organization, the one in the setting `lockstep.organization_id`, whatever the statement asks.
 */
export const tenantRole = "lockstep_tenant";

/** What a pull reads besides the models: nothing of it is an organization's data. */
const readable = ["change_floor", "device", "scope", "scope_given", "tracked_model"];

/**
 * Switches the wall on or off for every model that is tracked, and for those that will be.
 *
 * @throws LockstepError `invalid_configuration` when this database's role may not make the other role
 */
export async function setRowSecurity(
  db: Database,
  models: readonly Model[],
  on: boolean,
): Promise<void> {
  await db.transaction({}, async (tx) => {
    // One server after the other: grants on one table at the same time fail.
    const [{ was }] = await tx.query<{ was: boolean }>(`
      SELECT row_security AS was FROM lockstep.installation FOR UPDATE`);
    if (!on && !was) return;
    if (on) await makeRole(tx);
    const tracked = await tx.query<{ id: number; table_oid: number }>(
      "SELECT id, table_oid FROM lockstep.tracked_model",
    );
    for (const { id, table_oid } of tracked) {
      const model = models.find(({ oid }) => oid === table_oid);
      if (model) await (on ? secureModel(tx, model, id) : releaseModel(tx, model, id));
    }
    await tx.query("UPDATE lockstep.installation SET row_security = $1", [on]);
  });
}

async function makeRole(tx: Connection): Promise<void> {
  try {
    await tx.script(`
      DO $$ BEGIN
        IF to_regrole('${tenantRole}') IS NULL THEN CREATE ROLE ${tenantRole} NOLOGIN; END IF;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END $$;
      DO $$ BEGIN
        -- Who was given the role may not give it on, even to itself.
        IF NOT pg_has_role('${tenantRole}', 'MEMBER') THEN GRANT ${tenantRole} TO CURRENT_USER; END IF;
      END $$;
      GRANT USAGE ON SCHEMA lockstep TO ${tenantRole};
      GRANT SELECT ON ${readable.map((name) => `lockstep.${name}`).join(", ")} TO ${tenantRole};`);
  } catch (cause) {
    if (sqlError(cause)?.code !== "42501") throw cause;
    throw new LockstepError(
      "invalid_configuration",
      "LOCKSTEP_ROW_SECURITY is on, but the database's role may not make the role " +
        `${tenantRole}. Run as a superuser: CREATE ROLE ${tenantRole} NOLOGIN; GRANT ${tenantRole} TO ` +
        "<the role of DATABASE_URL>; or switch LOCKSTEP_ROW_SECURITY off.",
      { cause },
    );
  }
}

/**
 * Puts the wall around a model's table and its change log. Other roles keep what they could do: a
 * table that had no row level security of its own gets a policy that lets everybody pass, and the
 * restrictive one binds the pulling role alone.
 *
 * @throws LockstepError `invalid_configuration` when this database's role may not do that
 */
export async function secureModel(conn: Connection, model: Model, id: number): Promise<void> {
  const table = identifier(model.schema, model.table);
  const log = changeTable(id);
  const organization = (type: string) =>
    `(SELECT nullif(current_setting('lockstep.organization_id', true), '')::${type})`;
  const mine = model.tenantColumn
    ? `${identifier(model.tenantColumn)} = ${organization(organizationType(model))}`
    : "true";
  const [{ open }] = await conn.query<{ open: boolean }>(
    `
    SELECT NOT relrowsecurity OR EXISTS (
      SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'lockstep_open') AS open
    FROM pg_class c WHERE oid = $1`,
    [model.oid],
  );
  const schema = identifier(model.schema);
  const script = `
    GRANT USAGE ON SCHEMA ${schema} TO ${tenantRole};
    GRANT SELECT ON ${table}, ${log} TO ${tenantRole};
    DROP POLICY IF EXISTS lockstep_tenant ON ${table};
    CREATE POLICY lockstep_tenant ON ${table} AS RESTRICTIVE TO ${tenantRole} USING (${mine});
    ${
    open
      ? `DROP POLICY IF EXISTS lockstep_open ON ${table};
         CREATE POLICY lockstep_open ON ${table} USING (true) WITH CHECK (true);
         ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;`
      : ""
  }
    DROP POLICY IF EXISTS lockstep_tenant ON ${log};
    CREATE POLICY lockstep_tenant ON ${log} TO ${tenantRole} USING (${
    model.tenantColumn ? `org = ${organization(organizationType(model))}` : "true"
  });
    ALTER TABLE ${log} ENABLE ROW LEVEL SECURITY;`;
  const refuse = (cause?: unknown) => {
    throw new LockstepError(
      "invalid_configuration",
      `LOCKSTEP_ROW_SECURITY is on, but the database's role may not set it up for ${table}. Make ` +
        `the role the table's owner and run: GRANT USAGE ON SCHEMA ${schema} TO ${tenantRole}; or ` +
        "switch LOCKSTEP_ROW_SECURITY off.",
      { cause },
    );
  };
  try {
    await conn.script(script);
  } catch (error) {
    if (sqlError(error)?.code !== "42501") throw error;
    refuse(error);
  }
  // Who may use a schema but not let others use it is only warned.
  const [{ reads }] = await conn.query<{ reads: boolean }>(
    "SELECT has_schema_privilege($1, $2, 'USAGE') AS reads",
    [tenantRole, model.schema],
  );
  if (!reads) refuse();
}

async function releaseModel(conn: Connection, model: Model, id: number): Promise<void> {
  const table = identifier(model.schema, model.table);
  const [{ opened }] = await conn.query<{ opened: boolean }>(
    `
    SELECT EXISTS (
      SELECT FROM pg_policy WHERE polrelid = $1 AND polname = 'lockstep_open') AS opened`,
    [model.oid],
  );
  await conn.script(`
    DROP POLICY IF EXISTS lockstep_tenant ON ${table};
    DROP POLICY IF EXISTS lockstep_open ON ${table};
    ${opened ? `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;` : ""}
    ALTER TABLE ${changeTable(id)} DISABLE ROW LEVEL SECURITY;`);
}

/** From here to the end of the transaction, only rows of the organization can be read. */
export async function enterTenant(tx: Connection, organizationId: number): Promise<void> {
  await tx.query("SELECT set_config('lockstep.organization_id', $1, true)", [
    String(organizationId),
  ]);
  await tx.query(`SET LOCAL ROLE ${tenantRole}`);
}
