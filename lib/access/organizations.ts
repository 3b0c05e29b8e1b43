import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type AdminScope, requireAll, requireOrganization } from "./admin_scope.ts";
import { defined, duplicateAs, textField } from "./fields.ts";
import { deleteRow, lockRow, type RowVersion, updateRow } from "./stored_row.ts";

export interface NewOrganization {
  name: string;
  /** Lower-case letters, digits and single hyphens. Absent: made of the name. */
  slug?: string;
  description?: string;
}

/**
 * Creates an organization. Resolves to its id.
 *
 * @throws LockstepError `invalid_value`, or `duplicate` when the name or slug is taken
 */
export async function createOrganization(
  conn: Connection,
  organization: NewOrganization,
): Promise<number> {
  const { name, slug, description } = checked(organization);
  const [{ id }] = await duplicateAs(
    `There is an organization "${name}" or with the slug "${slug}" already. Choose another one.`,
    conn.query<{ id: number }>(
      `INSERT INTO lockstep.organization (name, slug, description) VALUES ($1, $2, $3)
      RETURNING id`,
      [name, slug, description],
    ),
  );
  return id;
}

/** Creates organizations whose slugs are not there yet. Resolves to the ids of all by slug. */
export async function ensureOrganizations(
  conn: Connection,
  organizations: NewOrganization[],
): Promise<Map<string, number>> {
  const rows = organizations.map(checked);
  await conn.execute(
    `INSERT INTO lockstep.organization (name, slug, description)
    SELECT name, slug, description
    FROM json_to_recordset($1::text::json) AS r (name text, slug text, description text)
    ON CONFLICT (slug) DO NOTHING`,
    [JSON.stringify(rows)],
  );
  const found = await conn.query<{ id: number; slug: string }>(
    `SELECT id, slug FROM lockstep.organization
    WHERE slug IN (SELECT json_array_elements_text($1::text::json))`,
    [JSON.stringify(rows.map(({ slug }) => slug))],
  );
  return new Map(found.map(({ id, slug }) => [slug, id]));
}

/** What of an organization can be changed. */
export interface OrganizationChange {
  name?: string;
  description?: string;
  /** By staff only, as `isActive`: clients name the organization by it. */
  slug?: string;
  isActive?: boolean;
}

/**
 * Changes an organization. Resolves to whether anything was written.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `invalid_value`,
 *   `duplicate`
 */
export async function updateOrganization(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
  change: OrganizationChange,
): Promise<boolean> {
  requireOrganization(scope, id);
  if (change.slug !== undefined || change.isActive !== undefined) requireAll(scope);
  const row = await lockRow<{ name: string; slug: string; description: string }>(
    tx,
    "organization",
    id,
    version,
  );
  const { isActive, ...texts } = change;
  const { name, slug, description } = checked({ ...row, ...defined(texts) });
  return await duplicateAs(
    `There is an organization "${name}" or with the slug "${slug}" already. Choose another one.`,
    updateRow(tx, "organization", id, { name, slug, description, is_active: isActive }),
  );
}

/**
 * Deletes an organization with its memberships, rights, devices and logs. Its rows in the models stay
 * in the way.
 *
 * @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `conflict`
 */
export async function deleteOrganization(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
): Promise<void> {
  requireOrganization(scope, id);
  requireAll(scope);
  await lockRow(tx, "organization", id, version);
  await deleteRow(tx, "organization", id);
}

/** A slug made of a name: letters without accents, digits, hyphens for the rest. */
export function slugOf(name: string): string {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").slice(0, 50).replace(/^-+|-+$/g, "");
}

function checked({ name, slug, description = "" }: NewOrganization) {
  const row = {
    name: textField("name", name, { max: 200 }),
    slug: slug ?? slugOf(name),
    description: textField("description", description, { max: 10_000, empty: true }),
  };
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(row.slug) && row.slug.length <= 50) return row;
  throw new LockstepError(
    "invalid_value",
    `The slug "${row.slug}" must be 1 to 50 lower-case letters, digits and single hyphens between them.`,
    { errors: [{ field: "slug", message: "Use lower-case letters, digits and single hyphens." }] },
  );
}

/** The names and slugs of organizations, by id. */
export async function organizationNames(
  conn: Connection,
  ids: Iterable<number | null>,
): Promise<Map<number, { name: string; slug: string }>> {
  const rows = await conn.query<{ id: number; name: string; slug: string }>(
    "SELECT id, name, slug FROM lockstep.organization WHERE id = ANY ($1::int[])",
    [[...new Set(ids)].filter((id) => id !== null)],
  );
  return new Map(rows.map(({ id, ...names }) => [id, names]));
}
