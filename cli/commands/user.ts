import type { Json } from "../api.ts";
import type { Cli, Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { utf8 } from "../files.ts";
import { groupByName, organizationBySlug, userByName } from "../lookups.ts";

interface CreateOptions {
  email?: string;
  firstName?: string;
  lastName?: string;
  staff?: boolean;
  superuser?: boolean;
  orgSlug?: string;
  groupName?: string;
  passwordStdin?: boolean;
  password: boolean;
}

export const registerUsers: Register = (program, run) => {
  const user = program.command("user").description("Who may sign in.");

  user.command("list", { isDefault: true })
    .description("Show users.")
    .option("--search <text>", "Only those whose names have this.")
    .action(run(async (cli, { search }: { search?: string }) => {
      const items = await (await cli.api()).all("/api/admin/users", { q: search });
      cli.out.result(items, () =>
        cli.out.table(items, [
          ["USER", ({ username }) => username],
          ["E-MAIL", ({ email }) => email],
          ["ACTIVE", ({ is_active }) => is_active],
          ["STAFF", ({ is_staff }) => is_staff],
          ["SUPERUSER", ({ is_superuser }) => is_superuser],
          ["LAST LOGIN", ({ last_login }) => last_login],
        ], "There is no user. Create one: lockstep user create admin --superuser"));
    }));

  user.command("create")
    .argument("<username>")
    .description("Create a user; the password is asked for.")
    .option("--email <address>", "E-mail address.")
    .option("--first-name <name>", "First name.")
    .option("--last-name <name>", "Last name.")
    .option("--staff", "May administer everything.")
    .option("--superuser", "May administer and sync everything.")
    .option("--org-slug <slug>", "Member of this organization.")
    .option("--group-name <name>", "In this group of it.")
    .option("--password-stdin", "Read the password from standard input.")
    .option("--no-password", "Signs in through an outside issuer only.")
    .action(run(async (cli, options: CreateOptions, username: string) => {
      const { orgSlug, groupName, superuser = false } = options;
      if (Boolean(orgSlug) !== Boolean(groupName)) {
        throw usage("--org-slug and --group-name go together.");
      }
      const api = await cli.api();
      const memberships = orgSlug && groupName
        ? [{
          organization_id: (await organizationBySlug(api, orgSlug)).id,
          group_id: (await groupByName(api, groupName)).id,
        }]
        : [];
      const created = await api.post("/api/admin/users", {
        username,
        password: options.password === false ? null : await newPassword(cli, options),
        email: options.email,
        first_name: options.firstName,
        last_name: options.lastName,
        is_staff: options.staff || superuser,
        is_superuser: superuser,
        memberships,
      });
      cli.out.result(created, ({ id }) => `Created ${username} (id ${id}).`);
    }));

  user.command("password")
    .argument("<username>")
    .description("Set a user's password; ends all of the user's sessions.")
    .option("--password-stdin", "Read the password from standard input.")
    .action(run(async (cli, options: { passwordStdin?: boolean }, username: string) => {
      const api = await cli.api();
      const { id } = await userByName(api, username);
      await api.post(`/api/admin/users/${id}/password`, {
        password: await newPassword(cli, options),
      });
      cli.out.result({ id, username }, () => `The password of ${username} is set.`);
    }));

  for (const active of [true, false]) {
    user.command(active ? "enable" : "disable")
      .argument("<username>")
      .description(active ? "Let a user sign in again." : "Sign a user out, and in no more.")
      .action(run(async (cli, _options: object, username: string) => {
        const api = await cli.api();
        const { id } = await userByName(api, username);
        const question = `Disable ${username}? It signs them out everywhere.`;
        if (!active) await cli.out.confirm(question);
        const saved = await api.patch(`/api/admin/users/${id}`, { is_active: active });
        cli.out.result(saved, () => `${username} is ${active ? "active" : "disabled"}.`);
      }));
  }

  user.command("delete")
    .argument("<username>")
    .description("Delete a user with memberships, tokens and devices. To disable keeps the trace.")
    .action(run(async (cli, _options: object, username: string) => {
      const api = await cli.api();
      const found: Json = await userByName(api, username);
      await cli.out.confirm(`Delete ${found.username} for ever?`);
      await api.delete(`/api/admin/users/${found.id}`);
      cli.out.result({ deleted: found.username }, () => `Deleted ${found.username}.`);
    }));
};

async function newPassword(
  { host }: Cli,
  { passwordStdin }: { passwordStdin?: boolean },
): Promise<string> {
  if (passwordStdin) return utf8(await host.readInput(), "Standard input").replace(/\r?\n$/, "");
  const first = await host.askSecret("Password:");
  if (first === undefined) {
    throw usage("Nobody can be asked for a password here: use --password-stdin.");
  }
  if (first === await host.askSecret("The same once more:")) return first;
  throw usage("The two passwords differ. Nothing was changed.");
}
