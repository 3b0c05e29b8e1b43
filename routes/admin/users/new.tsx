import { type Context, page } from "fresh";
import { createMember } from "../../../lib/access/mod.ts";
import { Alert, Choice, Field, PageHeader } from "../../../lib/ui/mod.ts";
import {
  administeredOrganization,
  changeByForm,
  define,
  fieldProblem,
  type FormProblem,
  formProblem,
  type GroupChoice,
  groupChoices,
  type OrganizationChoices,
  organizationChoices,
  readForm,
  rowNumber,
  type State,
} from "../../../lib/web/mod.ts";
import { OrganizationChoice } from "../(_form)/organization_choice.tsx";
import { UserFields, type UserValues, userValues } from "./(_form)/user_fields.tsx";

const path = "/admin/users";

interface NewUser {
  values: UserValues;
  /** Signs in through an outside issuer only. */
  isOutside: boolean;
  choices: OrganizationChoices;
  groups: GroupChoice[];
  place: { organization: string; group: string };
  isStaff: boolean;
  least: number;
  problem?: FormProblem;
}

export const handler = define.handlers({
  async GET(ctx) {
    return page<NewUser>(await newUser(ctx, new URLSearchParams()));
  },
  async POST(ctx) {
    const fields = await readForm(ctx.req);
    const values = userValues(fields);
    const { services, admin } = ctx.state;
    const { SECURITY } = await services.settings.current();
    try {
      const slug = fields.get("organization") ?? "";
      const organization = await administeredOrganization(ctx.state, slug);
      const groupId = rowNumber(fields.get("group"));
      const password = fields.get("password") ?? "";
      if (slug && !organization) {
        throw fieldProblem("organization", "Choose an organization that you administer.");
      }
      if (organization && groupId === undefined) {
        throw fieldProblem("group", "Choose the group in the organization.");
      }
      if (!fields.has("outside") && password !== (fields.get("repeated") ?? "")) {
        throw fieldProblem("repeated", "The passwords are not the same. Write them again.");
      }
      const user = {
        username: values.username,
        password: fields.has("outside") ? null : password,
        email: values.email,
        firstName: values.first_name,
        lastName: values.last_name,
        isStaff: values.is_staff,
        isSuperuser: values.is_superuser,
      };
      const places = organization ? [{ organizationId: organization.id, groupId: groupId! }] : [];
      const id = await changeByForm(
        ctx.state,
        (tx) => createMember(tx, admin!.scope, user, places, SECURITY),
      );
      return ctx.redirect(`${path}/${id}?saved=created`, 303);
    } catch (error) {
      const problem = formProblem(error);
      return page<NewUser>({ ...await newUser(ctx, fields), problem }, { status: problem.status });
    }
  },
});

async function newUser(
  ctx: Pick<Context<State>, "state" | "url">,
  fields: URLSearchParams,
): Promise<NewUser> {
  const { services, admin } = ctx.state;
  ctx.state.title = "Create user";
  const { organizations, organization, scope } = admin!;
  const isStaff = "all" in scope;
  const [{ SECURITY }, groups] = [
    await services.settings.current(),
    await groupChoices(services.db, scope),
  ];
  const chosen = organization ?? (isStaff ? undefined : organizations[0]);
  return {
    values: userValues(fields),
    isOutside: fields.has("outside"),
    choices: organizationChoices(admin!),
    groups,
    place: {
      organization: fields.get("organization") ?? chosen?.slug ?? "",
      group: fields.get("group") ?? "",
    },
    isStaff,
    least: SECURITY.PASSWORD_MIN_LENGTH,
  };
}

export default define.page<typeof handler>(function NewUserPage({ data }) {
  const { values, isOutside, choices, groups, place, isStaff, least, problem } = data;
  const memberships = problem?.fields.memberships;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Users", href: path }]}
        title="Create user"
      />
      <form method="post" action={`${path}/new`}>
        {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
        <UserFields values={values} problem={problem} mayRank={isStaff} />
        <fieldset>
          <legend class="form-label">Password</legend>
          <Field
            name="password"
            label="Password"
            type="password"
            autoComplete="new-password"
            error={problem?.fields.password}
            hint={`At least ${least} characters, and none of the common ones.`}
          />
          <Field
            name="repeated"
            label="Password again"
            type="password"
            autoComplete="new-password"
            error={problem?.fields.repeated}
          />
          <div class="form-check mb-3">
            <input
              type="checkbox"
              class="form-check-input"
              id="field-outside"
              name="outside"
              checked={isOutside}
            />
            <label class="form-check-label" for="field-outside">
              No password: signs in through an outside issuer only
            </label>
          </div>
        </fieldset>
        <div class="field-pair">
          <OrganizationChoice
            name="organization"
            error={problem?.fields.organization ?? memberships}
            chosen={place.organization}
            choices={choices}
            any={isStaff ? "None yet" : undefined}
          />
          <Choice
            name="group"
            label="Group"
            error={problem?.fields.group}
            chosen={place.group}
            options={groups}
            any="None yet"
          />
        </div>
        <button type="submit" class="btn btn-primary">Create user</button>
      </form>
    </div>
  );
});
