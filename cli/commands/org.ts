import { defaultGroups } from "../../lib/access/mod.ts";
import { exampleOrganizations, exampleUsers } from "../demo/mod.ts";
import type { Api, Json } from "../api.ts";
import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { groupByName, organizationBySlug, userByName } from "../lookups.ts";
import { pairs } from "../output.ts";

export const registerOrganizations: Register = (program, run) => {
  const org = program.command("org").description("Organizations, groups and who is in them.");

  org.command("list", { isDefault: true })
    .description("Show organizations.")
    .action(run(async (cli) => {
      const items = await (await cli.api()).all("/api/admin/organizations");
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["SLUG", ({ slug }) => slug],
          ["NAME", ({ name }) => name],
          ["ACTIVE", ({ is_active }) => is_active],
          ["MEMBERS", ({ members }) => members],
        ], "There is no organization. Create one: lockstep org create --org-name Acme"));
    }));

  org.command("groups")
    .description("Show groups.")
    .action(run(async (cli) => {
      const items = await (await cli.api()).all("/api/admin/groups");
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["GROUP", ({ name }) => name],
          ["DESCRIPTION", ({ description }) => description],
        ], "There is no group. Create the usual ones: lockstep org create-groups"));
    }));

  org.command("create")
    .description("Create an organization.")
    .option("--org-name <name>", "Its name.")
    .option("--org-slug <slug>", "What clients call it. Default: made of the name.")
    .option("--description <text>", "What it is.")
    .action(run(async (
      cli,
      { orgName, orgSlug, description }: Record<string, string | undefined>,
    ) => {
      if (!orgName) throw usage('Name the organization: --org-name "Acme Corporation".');
      const created = await (await cli.api()).post("/api/admin/organizations", {
        name: orgName,
        slug: orgSlug,
        description,
      });
      cli.out.result(created, ({ name, slug, id }) => `Created ${name} (${slug}, id ${id}).`);
    }));

  org.command("create-groups")
    .description("Create the seven usual groups; those that exist stay.")
    .action(run(async (cli) => {
      const { items } = await (await cli.api()).post("/api/admin/groups/defaults");
      cli.out.result(items, () => items.map(({ name }: Json) => name).join("\n"));
    }));

  org.command("add-user")
    .description("Put a user into a group of an organization.")
    .option("--username <name>", "The user.")
    .option("--org-slug <slug>", "The organization.")
    .option("--group-name <name>", "The group.")
    .action(run(async (
      cli,
      { username, orgSlug, groupName }: Record<string, string | undefined>,
    ) => {
      if (!username || !orgSlug || !groupName) {
        throw usage("Name all three: --username, --org-slug and --group-name.");
      }
      const api = await cli.api();
      const [user, organization, group] = [
        await userByName(api, username),
        await organizationBySlug(api, orgSlug),
        await groupByName(api, groupName),
      ];
      const added = await addMember(api, user.id, organization.id, group.id);
      cli.out.result(added, () => `${user.username} is in ${group.name} of ${organization.name}.`);
    }));

  org.command("example")
    .description("Set up three example organizations with groups, users and permissions.")
    .action(run(async (cli) => {
      const api = await cli.api();
      const made = await setUpExample(api);
      cli.out.result(made, ({ organizations, passwords }) =>
        [
          `Organizations: ${organizations.join(", ")}`,
          Object.keys(passwords).length > 0
            ? `Users and their passwords, which are shown this once:\n${pairs(passwords)}`
            : "The users exist already.",
        ].join("\n"));
    }));
};

/** Puts a user into a group; one who is there already is made active again. */
async function addMember(
  api: Api,
  userId: number,
  organizationId: number,
  groupId: number,
): Promise<Json> {
  const place = { user_id: userId, organization_id: organizationId, group_id: groupId };
  const [present] = await api.all("/api/admin/memberships", place);
  if (!present) return await api.post("/api/admin/memberships", place);
  if (present.is_active) return present;
  return await api.patch(`/api/admin/memberships/${present.id}`, { is_active: true });
}

/** What exists stays as it is. */
async function setUpExample(
  api: Api,
): Promise<{ organizations: string[]; passwords: Record<string, string> }> {
  await api.post("/api/admin/groups/defaults");
  const groups = await api.all("/api/admin/groups");
  const present = await api.all("/api/admin/organizations");
  const organizations = new Map<string, Json>(present.map((item) => [item.slug, item]));
  for (const wanted of exampleOrganizations) {
    if (organizations.has(wanted.slug)) continue;
    const created = await api.post("/api/admin/organizations", wanted);
    organizations.set(wanted.slug, created);
    await api.post("/api/admin/permissions/template", {
      organization_id: created.id,
      template: "defaults",
    });
  }
  const { current } = await api.get("/api/admin/settings/SECURITY");
  // Base64 has four characters for three bytes.
  const bytes = Math.max(12, Math.ceil(current.PASSWORD_MIN_LENGTH * 3 / 4));
  const passwords: Record<string, string> = {};
  const users = await api.all("/api/admin/users");
  for (const { username, organization, group, first_name, last_name } of exampleUsers) {
    const place = organization && group && defaultGroups.some(({ name }) => name === group);
    if (!place || users.some((user) => user.username.toLowerCase() === username)) continue;
    passwords[username] = crypto.getRandomValues(new Uint8Array(bytes))
      .toBase64({ alphabet: "base64url" });
    await api.post("/api/admin/users", {
      username,
      first_name,
      last_name,
      password: passwords[username],
      memberships: [{
        organization_id: organizations.get(organization).id,
        group_id: groups.find(({ name }) => name === group).id,
      }],
    });
  }
  return { organizations: exampleOrganizations.map(({ slug }) => slug), passwords };
}
