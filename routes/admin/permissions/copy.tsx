import { type Context, page } from "fresh";
import { copyRights, type RightsPlace } from "../../../lib/access/mod.ts";
import { Alert, Choice, ConfirmLosses, Icon, PageHeader } from "../../../lib/ui/mod.ts";
import {
  administeredOrganization,
  type AdminVisit,
  allGroups,
  changeOrAsk,
  type Confirmation,
  define,
  fieldProblem,
  type FormProblem,
  formProblem,
  type OrganizationChoices,
  organizationChoices,
  readForm,
  rowNumber,
  type State,
} from "../../../lib/web/mod.ts";
import { OrganizationChoice } from "../(_form)/organization_choice.tsx";

interface CopyPage {
  choices: OrganizationChoices;
  /** To which copies were made. */
  target?: AdminVisit["organization"];
  groups: { id: number; name: string }[];
  /** What is chosen, by the names of the fields. */
  values: Record<string, string>;
  /** How many permissions and filters were written or removed. */
  copied?: number;
  problem?: FormProblem;
  confirm?: Confirmation;
}

const path = "/admin/permissions/copy";

export const handler = define.handlers({
  async GET(ctx) {
    const { searchParams } = ctx.url;
    return page<CopyPage>({
      ...await read(ctx),
      target: await administeredOrganization(ctx.state, searchParams.get("to") ?? ""),
      values: Object.fromEntries(searchParams),
      copied: rowNumber(searchParams.get("copied")) ??
        (searchParams.get("copied") === "0" ? 0 : undefined),
    });
  },

  async POST(ctx) {
    const fields = await readForm(ctx.req);
    const shown = { ...await read(ctx), values: Object.fromEntries(fields) };
    const { scope } = ctx.state.admin!;
    try {
      const from = await placeOf(ctx.state, shown.groups, fields, "from");
      const to = await placeOf(ctx.state, shown.groups, fields, "to");
      const { confirm, done: copied } = await changeOrAsk(ctx.state, fields, {
        organizationIds: [to.organizationId],
        verb: "Copy and take these rows away",
        run: (tx) => copyRights(tx, scope, from, to, fields.has("replace")),
      });
      if (confirm) return page<CopyPage>({ ...shown, confirm }, { status: 422 });
      const kept = ["from", "from_group", "to", "to_group"].map((
        name,
      ) => [name, fields.get(name) ?? ""]);
      return ctx.redirect(
        `${path}?${new URLSearchParams([...kept, ["copied", String(copied)]])}`,
        303,
      );
    } catch (error) {
      const problem = formProblem(error);
      return page<CopyPage>({ ...shown, problem }, { status: problem.status });
    }
  },
});

async function read({ state }: Context<State>): Promise<CopyPage> {
  state.title = "Copy permissions";
  const { services: { db }, admin } = state;
  return { choices: organizationChoices(admin!), groups: await allGroups(db), values: {} };
}

/** @throws LockstepError `invalid_value` for what cannot be chosen */
async function placeOf(
  state: State,
  groups: CopyPage["groups"],
  fields: URLSearchParams,
  side: "from" | "to",
): Promise<RightsPlace> {
  const organization = await administeredOrganization(state, fields.get(side) ?? "");
  if (!organization) throw fieldProblem(side, "Choose an organization that you administer.");
  const given = fields.get(`${side}_group`);
  const group = groups.find(({ id }) => String(id) === given);
  if (given && !group) throw fieldProblem(`${side}_group`, "Choose a group, or all of them.");
  return { organizationId: organization.id, groupId: group?.id };
}

export default define.page<typeof handler>(function CopyPermissionsPage({ data }) {
  const { choices, groups, values, target, copied, problem, confirm } = data;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Permissions", href: "/admin/permissions" }]}
        title="Copy permissions"
        description="From one group to another, or all groups of an organization to another organization. Row filters come along."
      />
      {copied !== undefined && (
        <Alert
          kind="success"
          title={copied === 0
            ? "Both have the same permissions and filters already."
            : `${copied.toLocaleString("en")} permissions and filters were changed.`}
        >
          {target && (
            <a href={`/admin/permissions?${new URLSearchParams({ organization: target.slug })}`}>
              Permissions of {target.name}
            </a>
          )}
        </Alert>
      )}
      {problem && <Alert kind="danger" title="Nothing was copied">{problem.message}</Alert>}
      {confirm
        ? <ConfirmLosses {...confirm} action={path} cancel={path} />
        : (
          <form method="post" action={path}>
            {(["from", "to"] as const).map((side) => (
              <fieldset class="copy-side">
                <legend class="h2">{side === "from" ? "From" : "To"}</legend>
                <OrganizationChoice
                  name={side}
                  required
                  error={problem?.fields[side]}
                  chosen={values[side]}
                  choices={choices}
                />
                <Choice
                  name={`${side}_group`}
                  label="Group"
                  error={problem?.fields[`${side}_group`] ?? problem?.fields[`${side}.group_id`]}
                  chosen={values[`${side}_group`] ?? ""}
                  options={groups}
                  any="All groups"
                />
              </fieldset>
            ))}
            <div class="form-check mb-3">
              <input
                type="checkbox"
                class="form-check-input"
                id="field-replace"
                name="replace"
                value="yes"
                checked={values.replace === "yes"}
              />
              <label class="form-check-label" for="field-replace">
                Also take away what the source does not have
              </label>
            </div>
            <button type="submit" class="btn btn-primary">
              <Icon name="copy" /> Copy permissions
            </button>
          </form>
        )}
    </div>
  );
});
