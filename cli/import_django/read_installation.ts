import { type Connection, identifier } from "../../lib/db/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";

/** An installation of sb-sync, whichever version, in the words of ours. */
export interface Installation {
  version: "1.x" | "2.x";
  organizations: {
    id: number;
    name: string;
    slug: string;
    description: string;
    is_active: boolean;
    created_at: string | null;
  }[];
  users: {
    id: number;
    username: string;
    email: string;
    first_name: string;
    last_name: string;
    password: string;
    is_active: boolean;
    is_staff: boolean;
    is_superuser: boolean;
    last_login: string | null;
    created_at: string | null;
  }[];
  groups: { id: number | null; name: string }[];
  memberships: {
    user_id: number;
    organization_id: number;
    group: string;
    is_active: boolean;
    created_at: string | null;
  }[];
  permissions: {
    organization_id: number;
    group: string;
    model_name: string;
    can_push: boolean;
    can_pull: boolean;
    filters: unknown;
  }[];
  filters: {
    organization_id: number;
    group: string;
    model_name: string;
    filter_name: string;
    filter_condition: unknown;
    is_active: boolean;
  }[];
  metadata: { model_name: string; last_sync: string; total_synced: number }[];
  userMetadata: {
    user_id: number;
    organization_id: number;
    model_name: string;
    last_sync: string;
    total_synced: number;
  }[];
  configuration: { section: string; key: string; value: unknown }[];
  /** What of it is told, because it has no place here or got another name. */
  notes: string[];
}

// deno-lint-ignore no-explicit-any
type Row = Record<string, any>;

/** sb-sync's roles are the groups of the same meaning. */
const roles: Record<string, string> = {
  ADMIN: "Administrators",
  MANAGER: "Managers",
  USER: "Users",
  ANALYST: "Analysts",
  SALES: "Sales",
  SUPPORT: "Support",
  READ_ONLY: "Read Only",
};

/**
 * Reads the tables `sb_sync_*`, `auth_*` and `django_site` of a schema. Columns differ between
 * versions, so rows are read whole.
 *
 * @throws LockstepError `not_found` where there is no sb-sync
 */
export async function readInstallation(conn: Connection, schema: string): Promise<Installation> {
  const present = new Set(
    (await conn.query<{ name: string }>(
      `SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')`,
      [schema],
    )).map(({ name }) => name),
  );
  const read = async (table: string): Promise<Row[]> => {
    if (!present.has(table)) return [];
    const rows = await conn.query<{ row: Row }>(
      `SELECT to_jsonb(t) AS row FROM ${identifier(schema, table)} t ORDER BY t.id`,
    );
    return rows.map(({ row }) => row);
  };
  // An installation that was migrated from 1.x may still have the old tables.
  const version = present.has("sb_sync_usersite")
    ? "2.x"
    : present.has("sb_sync_organization")
    ? "1.x"
    : undefined;
  const needed = version === "2.x" ? ["auth_user", "django_site"] : ["auth_user"];
  const missing = needed.filter((table) => !present.has(table));
  if (!version || missing.length > 0) {
    throw new LockstepError(
      "not_found",
      version
        ? `The schema ${schema} has sb-sync ${version}, but not the tables ${
          missing.join(", ")
        }. ` +
          "Name the schema that has all of them: --schema."
        : `There is no sb-sync in the schema ${schema}: it has neither sb_sync_usersite (2.x) nor ` +
          "sb_sync_organization (1.x). Name the database with --from and the schema with --schema.",
    );
  }
  const notes: string[] = [];
  const groups: Installation["groups"] = (await read("auth_group"))
    .map(({ id, name }) => ({ id, name }));
  const nameOf = new Map(groups.map(({ id, name }) => [id, name]));
  const ownGroups = Map.groupBy(await read("auth_user_groups"), ({ user_id }) => user_id as number);
  const organizationId = version === "2.x" ? "site_id" : "organization_id";
  const groupOf = (row: Row): string | undefined =>
    nameOf.get(row.group_id) ?? (row.role === undefined ? undefined : roles[row.role] ?? row.role);

  const memberships =
    (await read(version === "2.x" ? "sb_sync_usersite" : "sb_sync_userorganization"))
      .flatMap((row) => {
        const group = groupOf(row);
        // Without a group of its own, a membership meant the user's groups of Django.
        const names = group !== undefined
          ? [group]
          : (ownGroups.get(row.user_id) ?? []).map(({ group_id }) => nameOf.get(group_id)!);
        if (names.length === 0) {
          notes.push(
            `User ${row.user_id} has no group in organization ${row[organizationId]}, ` +
              "and so no rights there; the membership is left out.",
          );
        }
        return names.map((group) => ({
          user_id: row.user_id,
          organization_id: row[organizationId],
          group,
          is_active: row.is_active ?? true,
          created_at: row.created_at ?? null,
        }));
      });
  const withGroup = (rows: Row[], what: string) =>
    rows.flatMap((row) => {
      const group = groupOf(row);
      if (group !== undefined) return [{ ...row, group, organization_id: row[organizationId] }];
      notes.push(`A ${what} on ${row.model_name} names no group, and is left out.`);
      return [];
    }) as Row[];
  const permissions = withGroup(await read("sb_sync_modelpermission"), "permission");
  const filters = withGroup(await read("sb_sync_datafilter"), "data filter");
  const used = new Set([...memberships, ...permissions, ...filters].map(({ group }) => group));
  for (const name of used) {
    if (!groups.some((group) => group.name === name)) groups.push({ id: null, name });
  }
  const users = await read("auth_user");
  for (const { id, username } of users) {
    if (ownGroups.has(id) && !memberships.some(({ user_id }) => user_id === id)) {
      notes.push(`${username} is in groups of Django but in no organization, and so in none here.`);
    }
  }
  return {
    version,
    organizations: version === "2.x"
      ? (await read("django_site")).map(({ id, domain, name }) => ({
        id,
        name: name || domain,
        slug: slugOf(name || domain, id, notes),
        description: domain,
        is_active: true,
        created_at: null,
      }))
      : (await read("sb_sync_organization")).map((row) => ({
        id: row.id,
        name: row.name,
        slug: slugOf(row.slug || row.name, row.id, row.slug ? notes : []),
        description: row.description ?? "",
        is_active: row.is_active ?? true,
        created_at: row.created_at ?? null,
      })),
    users: users.map((row) => ({
      id: row.id,
      username: row.username,
      email: row.email ?? "",
      first_name: row.first_name ?? "",
      last_name: row.last_name ?? "",
      password: row.password,
      is_active: row.is_active,
      is_staff: row.is_staff,
      is_superuser: row.is_superuser,
      last_login: row.last_login ?? null,
      created_at: row.date_joined ?? null,
    })),
    groups,
    memberships,
    permissions: permissions.map((row) => ({
      organization_id: row.organization_id,
      group: row.group,
      model_name: row.model_name,
      can_push: row.can_push ?? false,
      can_pull: row.can_pull ?? false,
      filters: row.filters ?? null,
    })),
    filters: filters.map((row) => ({
      organization_id: row.organization_id,
      group: row.group,
      model_name: row.model_name,
      filter_name: row.filter_name,
      filter_condition: row.filter_condition,
      is_active: row.is_active ?? true,
    })),
    metadata: (await read("sb_sync_syncmetadata")).map((row) => ({
      model_name: row.model_name,
      last_sync: row.last_sync,
      total_synced: row.total_synced,
    })),
    userMetadata: (await read("sb_sync_usersyncmetadata")).map((row) => ({
      user_id: row.user_id,
      organization_id: row[organizationId],
      model_name: row.model_name,
      last_sync: row.last_sync,
      total_synced: row.total_synced,
    })),
    configuration: (await read("sb_sync_syncconfiguration")).map((row) => ({
      section: row.section ?? row.category,
      key: row.key ?? row.name,
      value: row.value,
    })),
    notes,
  };
}

/** Ours are lower-case words with dashes. */
function slugOf(text: string, id: number, notes: string[]): string {
  const slug = text.normalize("NFKD").toLowerCase().replaceAll(/[\u0300-\u036f]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "-").slice(0, 50).replaceAll(/^-+|-+$/g, "") || `organization-${id}`;
  if (slug !== text) {
    notes.push(`The organization ${JSON.stringify(text)} has the slug ${slug} here.`);
  }
  return slug;
}
