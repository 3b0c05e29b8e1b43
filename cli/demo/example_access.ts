import { defaultGroups, hashPassword, permissionTemplates } from "../../lib/access/mod.ts";
import type { Connection } from "../../lib/db/mod.ts";

/** The organizations of the example. */
export const exampleOrganizations = [
  { slug: "acme-corp", name: "Acme Corporation", description: "Makes everything, ships anywhere." },
  { slug: "global-retail", name: "Global Retail", description: "Shops in nineteen countries." },
  { slug: "city-university", name: "City University", description: "Teaching and research." },
];

interface ExampleUser {
  username: string;
  first_name: string;
  last_name: string;
  is_staff?: boolean;
  is_superuser?: boolean;
  organization?: string;
  group?: string;
}

/** The users of the example, and the group that each is in. */
export const exampleUsers: ExampleUser[] = [
  {
    username: "admin",
    first_name: "Ada",
    last_name: "Admin",
    is_staff: true,
    is_superuser: true,
  },
  {
    username: "sam_staff",
    first_name: "Sam",
    last_name: "Staff",
    is_staff: true,
    organization: "acme-corp",
    group: "Administrators",
  },
  {
    username: "john_manager",
    first_name: "John",
    last_name: "Smith",
    organization: "acme-corp",
    group: "Managers",
  },
  {
    username: "mary_sales",
    first_name: "Mary",
    last_name: "Wilson",
    organization: "global-retail",
    group: "Sales",
  },
  {
    username: "bob_analyst",
    first_name: "Bob",
    last_name: "Garcia",
    organization: "city-university",
    group: "Analysts",
  },
];

/** What one organization's group may do beyond or short of the group's own rights. */
const permissionExceptions = [
  { organization: "city-university", group: "Analysts", model: "myapp.Report", push: true },
];

const dataFilters = [{
  organization: "global-retail",
  group: "Sales",
  model: "myapp.Customer",
  name: "Assigned to the user",
  condition: { field: "assigned_to", operator: "exact", value: "$user.id" },
}];

/** What `setupExample` made; what existed before is not counted. */
export interface ExampleSummary {
  organizations: number;
  groups: number;
  users: number;
  memberships: number;
  permissions: number;
  filters: number;
}

/**
 * Makes the example's organizations, groups, users, memberships, permissions and filters, as far as
 * they do not exist. What exists stays as it is, passwords included. `models` get permissions; only
 * those among them can get a filter.
 */
export async function setupExample(
  conn: Connection,
  { password, models }: { password: string; models: readonly string[] },
): Promise<ExampleSummary> {
  const insert = async (statement: string, rows: unknown[]) =>
    (await conn.execute(statement, [JSON.stringify(rows)])).count;
  const users = await Promise.all(
    (await missingUsers(conn)).map(async (user) => ({
      is_staff: false,
      is_superuser: false,
      ...user,
      email: `${user.username}@example.com`,
      password: await hashPassword(password),
    })),
  );
  const permissions = exampleOrganizations.flatMap(({ slug }) =>
    defaultGroups.flatMap(({ name, template }) =>
      models.map((model) => {
        const { push, pull } = permissionTemplates[template];
        const except = permissionExceptions.find((exception) =>
          exception.organization === slug && exception.group === name && exception.model === model
        );
        return { organization: slug, group: name, model, push, pull, ...except };
      })
    )
  );
  return {
    organizations: await insert(organizationStatement, exampleOrganizations),
    groups: await insert(groupStatement, [...defaultGroups]),
    users: await insert(userStatement, users),
    memberships: await insert(membershipStatement, exampleUsers.filter(({ group }) => group)),
    permissions: await insert(permissionStatement, permissions),
    filters: await insert(
      filterStatement,
      dataFilters.filter(({ model }) => models.includes(model)),
    ),
  };
}

/** Hashing is slow on purpose: nobody who exists is hashed again. */
async function missingUsers(conn: Connection): Promise<ExampleUser[]> {
  const existing = await conn.query<{ name: string }>(
    "SELECT lower(username) AS name FROM lockstep.app_user",
  );
  const names = new Set(existing.map(({ name }) => name));
  return exampleUsers.filter(({ username }) => !names.has(username));
}

const organizationStatement = `
  INSERT INTO lockstep.organization (name, slug, description)
  SELECT r.name, r.slug, r.description
  FROM json_to_recordset($1::text::json) AS r(name text, slug text, description text)
  ON CONFLICT DO NOTHING`;

const groupStatement = `
  INSERT INTO lockstep.auth_group (name, description)
  SELECT r.name, r.description
  FROM json_to_recordset($1::text::json) AS r(name text, description text)
  ON CONFLICT DO NOTHING`;

const userStatement = `
  INSERT INTO lockstep.app_user
    (username, email, first_name, last_name, password, is_staff, is_superuser)
  SELECT r.username, r.email, r.first_name, r.last_name, r.password, r.is_staff, r.is_superuser
  FROM json_to_recordset($1::text::json) AS r(username text, email text, first_name text,
    last_name text, password text, is_staff boolean, is_superuser boolean)
  ON CONFLICT DO NOTHING`;

const membershipStatement = `
  INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
  SELECT u.id, o.id, g.id
  FROM json_to_recordset($1::text::json) AS r(username text, organization text, "group" text)
  JOIN lockstep.app_user u ON lower(u.username) = r.username
  JOIN lockstep.organization o ON o.slug = r.organization
  JOIN lockstep.auth_group g ON g.name = r."group"
  ON CONFLICT DO NOTHING`;

const permissionStatement = `
  INSERT INTO lockstep.model_permission (organization_id, group_id, model_name, can_push, can_pull)
  SELECT o.id, g.id, r.model, r.push, r.pull
  FROM json_to_recordset($1::text::json)
    AS r(organization text, "group" text, model text, push boolean, pull boolean)
  JOIN lockstep.organization o ON o.slug = r.organization
  JOIN lockstep.auth_group g ON g.name = r."group"
  ON CONFLICT DO NOTHING`;

const filterStatement = `
  INSERT INTO lockstep.data_filter
    (organization_id, group_id, model_name, filter_name, filter_condition)
  SELECT o.id, g.id, r.model, r.name, r.condition
  FROM json_to_recordset($1::text::json)
    AS r(organization text, "group" text, model text, name text, condition jsonb)
  JOIN lockstep.organization o ON o.slug = r.organization
  JOIN lockstep.auth_group g ON g.name = r."group"
  ON CONFLICT DO NOTHING`;
