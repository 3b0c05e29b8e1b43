import { type Context, page, type RouteConfig } from "fresh";
import {
  administrators,
  applyTemplate,
  deleteGroup,
  notFound,
  organizationsOfGroup,
  type PermissionTemplate,
  permissionTemplates,
  updateGroup,
} from "../../../../lib/access/mod.ts";
import { Alert, Choice, ConfirmLosses, Icon, PageHeader } from "../../../../lib/ui/mod.ts";
import {
  administeredOrganization,
  changeOrAsk,
  type Confirmation,
  define,
  fieldProblem,
  type FormProblem,
  formProblem,
  type GroupRow,
  type LosingChange,
  type OrganizationChoices,
  organizationChoices,
  readForm,
  readGroup,
  rowNumber,
  type State,
} from "../../../../lib/web/mod.ts";
import { OrganizationChoice } from "../../(_form)/organization_choice.tsx";
import { GroupFields, type GroupValues, groupValues } from "../(_form)/group_fields.tsx";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/groups/:id{/}?" };

const list = "/admin/groups";

interface Group {
  group: GroupRow;
  values: GroupValues;
  choices: OrganizationChoices;
  /** The slug of the organization that the pages are about. */
  chosen?: string;
  isStaff: boolean;
  saved?: string;
  problem?: FormProblem & { form: string };
  confirm?: Confirmation;
}

export const handler = define.handlers({
  async GET(ctx) {
    return page<Group>(await readPage(ctx));
  },
  async POST(ctx) {
    const shown = await readPage(ctx);
    const fields = await readForm(ctx.req);
    const action = fields.get("action") ?? "";
    try {
      const change = await changeOf(ctx.state, shown, action, fields);
      const { confirm } = await changeOrAsk(ctx.state, fields, change);
      if (confirm) return page<Group>({ ...shown, confirm }, { status: 422 });
      const to = action === "delete"
        ? `${list}?${new URLSearchParams({ deleted: shown.group.name })}`
        : `${list}/${shown.group.id}?saved=${action}`;
      return ctx.redirect(to, 303);
    } catch (error) {
      const problem = { ...formProblem(error), form: action };
      const again = await readPage(ctx);
      const values = action === "save" ? groupValues(fields) : again.values;
      return page<Group>({ ...again, values, problem }, { status: problem.status });
    }
  },
});

async function changeOf(
  state: State,
  { group }: Group,
  action: string,
  fields: URLSearchParams,
): Promise<LosingChange> {
  const { scope } = state.admin!;
  const version = fields.get("version") ?? "";
  const change = { organizationIds: [], verb: "" };
  switch (action) {
    case "save":
      return {
        ...change,
        run: (tx) => updateGroup(tx, scope, group.id, version, groupValues(fields)),
      };
    case "delete":
      return {
        organizationIds: await organizationsOfGroup(state.services.db, group.id),
        verb: `Delete ${group.name} and take these rows away`,
        run: (tx) => deleteGroup(tx, scope, group.id, version),
      };
    case "template": {
      const organization = await administeredOrganization(
        state,
        fields.get("organization") ?? "",
      );
      const template = fields.get("template") ?? "";
      if (!organization) {
        throw fieldProblem("organization", "Choose an organization that you administer.");
      }
      if (!Object.hasOwn(permissionTemplates, template)) {
        throw fieldProblem("template", "Choose a template.");
      }
      const catalog = await state.services.catalog.current();
      return {
        organizationIds: [organization.id],
        verb: "Apply the template and take these rows away",
        run: (tx) =>
          applyTemplate(tx, scope, {
            organizationId: organization.id,
            groupIds: [group.id],
            models: catalog.models.filter(({ enabled }) => enabled),
            template: template as PermissionTemplate,
          }),
      };
    }
  }
  throw fieldProblem("action", "The form asks for nothing that this page does.");
}

async function readPage(ctx: Pick<Context<State>, "state" | "url" | "params">): Promise<Group> {
  const { services: { db }, admin } = ctx.state;
  const { scope, organization } = admin!;
  const id = rowNumber(ctx.params.id);
  const group = id && await readGroup(db, scope, id);
  if (!group) throw notFound("group", ctx.params.id);
  ctx.state.title = group.name;
  return {
    group,
    values: group,
    choices: organizationChoices(admin!),
    chosen: organization?.slug,
    isStaff: "all" in scope,
    saved: ctx.url.searchParams.get("saved") ?? undefined,
  };
}

const news: Record<string, string> = {
  created: "The group is created. Give it permissions by a template, or cell by cell.",
  save: "The group is saved.",
  template: "The template is applied.",
};

const templates: Record<PermissionTemplate, string> = {
  read_only: "Read only: pull every model",
  read_write: "Read and write: push and pull every model",
  full_access: "Full access: push and pull every model",
  no_access: "No access: neither push nor pull",
};

export default define.page<typeof handler>(function GroupPage({ data }) {
  const { group, values, choices, chosen, isStaff, saved, problem, confirm } = data;
  const path = `${list}/${group.id}`;
  const problemOf = (form: string) => problem?.form === form ? problem : undefined;
  const count = (number: number, noun: string) =>
    `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Groups", href: list }]}
        title={group.name}
        description={`${count(group.members, "membership")}, ${
          count(group.permissions, "permission")
        } and ${count(group.filters, "data filter")} in ${
          isStaff ? "all organizations" : count(choices.organizations.length, "organization")
        }.`}
      />
      {saved && news[saved] && <Alert kind="success">{news[saved]}</Alert>}
      {confirm ? <ConfirmLosses {...confirm} action={path} cancel={path} /> : (
        <>
          <form method="post" action={path}>
            {problemOf("save") && (
              <Alert kind="danger" title="Nothing was saved">{problem!.message}</Alert>
            )}
            <input type="hidden" name="version" value={group.version} />
            <GroupFields
              values={values}
              stored={group}
              problem={problemOf("save")}
              disabled={!isStaff}
            />
            {isStaff
              ? (
                <button type="submit" class="btn btn-primary" name="action" value="save">
                  Save
                </button>
              )
              : (
                <p class="section-note">Staff only rename groups, which all organizations share.</p>
              )}
          </form>
          <section>
            <h2>Permissions by template</h2>
            <p class="section-note">
              Sets the rights of {group.name}{" "}
              on every model of one organization. Row filters stay as they are.
            </p>
            <form class="filter-form" method="post" action={path}>
              <OrganizationChoice
                name="organization"
                required
                error={problemOf("template")?.fields.organization}
                chosen={chosen}
                choices={choices}
              />
              <Choice
                name="template"
                label="Template"
                error={problemOf("template")?.fields.template}
                options={templates}
              />
              <button
                type="submit"
                class="btn btn-outline-secondary"
                name="action"
                value="template"
              >
                <Icon name="magic" /> Apply
              </button>
            </form>
            <ul class="plain-links">
              {choices.organizations.slice(0, 20).map(({ id, name, slug }) => (
                <li key={id}>
                  <a href={`/admin/permissions?${new URLSearchParams({ organization: slug })}`}>
                    Permissions in {name}
                  </a>
                </li>
              ))}
            </ul>
          </section>
          {isStaff && group.name !== administrators && (
            <section>
              <h2>Delete</h2>
              {problemOf("delete") && (
                <Alert kind="danger" title="Nothing was deleted">{problem!.message}</Alert>
              )}
              <form method="post" action={path}>
                <input type="hidden" name="version" value={group.version} />
                <p>
                  With its {count(group.members, "membership")},{" "}
                  {count(group.permissions, "permission")} and {count(group.filters, "data filter")}
                  {" "}
                  in every organization. Its users stay.
                </p>
                <button
                  type="submit"
                  class="btn btn-outline-danger"
                  name="action"
                  value="delete"
                >
                  Delete {group.name}
                </button>
              </form>
            </section>
          )}
        </>
      )}
    </div>
  );
});
