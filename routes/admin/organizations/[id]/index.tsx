import { type Context, page, type RouteConfig } from "fresh";
import { deleteOrganization, notFound, updateOrganization } from "../../../../lib/access/mod.ts";
import {
  Alert,
  Badge,
  Choice,
  ConfirmLosses,
  EmptyList,
  Field,
  Icon,
  ListPages,
  type ListState,
  listState,
  PageHeader,
} from "../../../../lib/ui/mod.ts";
import {
  changeByForm,
  changeOrAsk,
  type Confirmation,
  define,
  fieldProblem,
  type FormProblem,
  formProblem,
  type GroupChoice,
  groupChoices,
  memberPage,
  membershipByForm,
  type MembershipRow,
  type OrganizationRow,
  pagePlace,
  readForm,
  readOrganization,
  rowNumber,
  type SortedPage,
  type State,
} from "../../../../lib/web/mod.ts";
import { MembershipTable } from "../../(_form)/membership_table.tsx";
import { OrganizationEnd } from "../(_form)/organization_end.tsx";
import { OrganizationForm, type OrganizationValues } from "../(_form)/organization_form.tsx";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/organizations/:id{/}?" };

const list = "/admin/organizations";

interface Organization {
  organization: OrganizationRow;
  values: OrganizationValues;
  members: SortedPage<MembershipRow>;
  groups: GroupChoice[];
  q: string;
  isStaff: boolean;
  saved?: string;
  /** Which of the page's forms was not saved, and why. */
  problem?: FormProblem & { form: string };
  /** The membership to be. */
  adding?: { username: string; group: string };
  confirm?: Confirmation;
}

export const handler = define.handlers({
  async GET(ctx) {
    return page<Organization>(await readPage(ctx));
  },
  async POST(ctx) {
    const shown = await readPage(ctx);
    const { organization: { id } } = shown;
    const { scope } = ctx.state.admin!;
    const fields = await readForm(ctx.req);
    const action = fields.get("action") ?? "";
    const version = fields.get("version") ?? "";
    const back = (saved: string) => ctx.redirect(`${list}/${id}?saved=${saved}`, 303);
    const values = {
      name: fields.get("name") ?? shown.values.name,
      slug: fields.get("slug") ?? shown.values.slug,
      description: fields.get("description") ?? shown.values.description,
    };
    try {
      if (action === "save") {
        const change = "all" in scope ? values : { ...values, slug: undefined };
        await changeByForm(ctx.state, (tx) => updateOrganization(tx, scope, id, version, change));
        return back("yes");
      }
      if (action === "activate" || action === "deactivate") {
        const isActive = action === "activate";
        await changeByForm(
          ctx.state,
          (tx) => updateOrganization(tx, scope, id, version, { isActive }),
        );
        return back(`${action}d`);
      }
      if (action === "delete") {
        if (fields.get("confirm") !== shown.organization.slug) {
          throw fieldProblem(
            "confirm",
            `Write the slug ${shown.organization.slug} into the field to delete the organization.`,
          );
        }
        await changeByForm(ctx.state, (tx) => deleteOrganization(tx, scope, id, version));
        return ctx.redirect(
          `${list}?${new URLSearchParams({ deleted: shown.organization.name })}`,
          303,
        );
      }
      const change = await membershipByForm(ctx.state, fields, { organizationId: id });
      const { confirm } = await changeOrAsk(ctx.state, fields, change);
      if (confirm) return page<Organization>({ ...shown, confirm }, { status: 422 });
      return back("members");
    } catch (error) {
      const problem = { ...formProblem(error), form: action };
      const again = await readPage(ctx);
      const adding = {
        username: fields.get("username") ?? "",
        group: fields.get("group") ?? "",
      };
      return page<Organization>({
        ...again,
        values: action === "save" ? values : again.values,
        adding: action === "add" ? adding : undefined,
        problem,
      }, { status: problem.status });
    }
  },
});

async function readPage(
  ctx: Pick<Context<State>, "state" | "url" | "params">,
): Promise<Organization> {
  const { services: { db }, admin } = ctx.state;
  const { scope } = admin!;
  const id = rowNumber(ctx.params.id);
  const organization = id && await readOrganization(db, scope, id);
  if (!organization) throw notFound("organization", ctx.params.id);
  ctx.state.title = organization.name;
  const { searchParams } = ctx.url;
  const q = searchParams.get("q")?.trim().slice(0, 200).replaceAll("\0", "") ?? "";
  return {
    organization,
    values: organization,
    members: await memberPage(db, scope, organization.id, q || undefined, pagePlace(ctx.url)),
    groups: await groupChoices(db, scope),
    q,
    isStaff: "all" in scope,
    saved: searchParams.get("saved") ?? undefined,
  };
}

const news: Record<string, string> = {
  created: "The organization is created.",
  yes: "The organization is saved.",
  activated: "The organization is active again.",
  deactivated: "The organization is not active any more: nobody can sync there.",
  members: "The memberships are saved.",
};

export default define.page<typeof handler>(function OrganizationPage({ data }) {
  const { organization, values, members, groups, q, isStaff, saved, problem, confirm } = data;
  const { id, slug } = organization;
  const path = `${list}/${id}`;
  const state = listState(path, q ? { q } : {}, "username");
  const memberList: ListState = {
    ...state,
    at: (name, place) => `${state.at(name, place)}#members`,
  };
  const elsewhere = new URLSearchParams({ organization: slug });
  return (
    <>
      <PageHeader
        place={[{ label: "Access" }, { label: "Organizations", href: list }]}
        title={
          <>
            {organization.name}{" "}
            {!organization.is_active && <Badge kind="warning">Not active</Badge>}
          </>
        }
      >
        <a class="btn btn-outline-secondary" href={`/admin/permissions?${elsewhere}`}>
          <Icon name="shield-check" /> Permissions
        </a>
        <a class="btn btn-outline-secondary" href={`/admin/filters?${elsewhere}`}>
          <Icon name="funnel" /> Filters
        </a>
      </PageHeader>
      {saved && news[saved] && <Alert kind="success">{news[saved]}</Alert>}
      {confirm ? <ConfirmLosses {...confirm} action={path} cancel={path} /> : (
        <>
          <div class="page-narrow">
            <OrganizationForm
              action={path}
              values={values}
              stored={organization}
              version={organization.version}
              problem={problem?.form === "save" ? problem : undefined}
              maySlug={isStaff}
              verb="Save"
            />
          </div>
          <section id="members">
            <h2>
              Members{" "}
              <span class="section-count figures">{organization.members.toLocaleString("en")}</span>
            </h2>
            {problem && problem.form !== "save" && problem.form !== "delete" && (
              <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>
            )}
            <AddMember path={path} groups={groups} data={data} />
            <form class="filter-form" method="get" action={`${path}#members`}>
              <Field
                name="q"
                label="Find a member"
                type="search"
                placeholder="User or group"
                value={q}
              />
              <button type="submit" class="btn btn-outline-secondary">
                <Icon name="search" /> Find
              </button>
            </form>
            {members.rows.length === 0
              ? (
                <EmptyList
                  list={memberList}
                  icon="people"
                  none="There are no members yet"
                  unmatched="No member matches"
                  all="Show all members"
                >
                  A user appears here as soon as they are in a group of the organization.
                </EmptyList>
              )
              : <MembershipTable path={path} rows={members.rows} groups={groups} side="user" />}
            <ListPages list={memberList} page={members} />
          </section>
          {isStaff && <OrganizationEnd organization={organization} problem={problem} path={path} />}
        </>
      )}
    </>
  );
});

function AddMember(
  { path, groups, data }: { path: string; groups: GroupChoice[]; data: Organization },
) {
  const { adding, problem, organization } = data;
  const error = (name: string) => problem?.form === "add" ? problem.fields[name] : undefined;
  return (
    <form class="filter-form" method="post" action={path}>
      <Field
        name="username"
        label="User"
        required
        placeholder="Username"
        autoComplete="off"
        value={adding?.username}
        error={error("username")}
      />
      <Choice
        name="group"
        label="Group"
        error={error("group")}
        chosen={adding?.group}
        options={groups}
      />
      <button type="submit" class="btn btn-primary" name="action" value="add">
        <Icon name="person-plus" /> Add member
      </button>
      <a
        class="btn btn-outline-secondary"
        href={`/admin/users/new?${new URLSearchParams({ organization: organization.slug })}`}
      >
        Create a user
      </a>
    </form>
  );
}
