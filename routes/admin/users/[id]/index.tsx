import { type Context, page, type RouteConfig } from "fresh";
import {
  deleteUser,
  lockEditableUser,
  notFound,
  resetPassword,
  revokeAllTokens,
  revokeFamily,
  revokeSession,
  revokeSessions,
  updateUser,
} from "../../../../lib/access/mod.ts";
import { Alert, ConfirmLosses, Field, Icon, PageHeader, UserRank } from "../../../../lib/ui/mod.ts";
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
  membershipByForm,
  type OrganizationChoices,
  organizationChoices,
  readForm,
  rowNumber,
  type State,
  type UserDetail,
  userDetail,
} from "../../../../lib/web/mod.ts";
import { UserFields, type UserValues, userValues } from "../(_form)/user_fields.tsx";
import { UserAccesses } from "../(_form)/user_accesses.tsx";
import { UserMemberships } from "../(_form)/user_memberships.tsx";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/admin/users/:id{/}?" };

const list = "/admin/users";

interface User extends UserDetail {
  values: UserValues;
  choices: OrganizationChoices;
  groups: GroupChoice[];
  isStaff: boolean;
  /** Nobody disables or deletes themselves. */
  isSelf: boolean;
  least: number;
  saved?: string;
  /** Which of the page's forms was not saved, and why. */
  problem?: FormProblem & { form: string };
  confirm?: Confirmation;
}

export const handler = define.handlers({
  async GET(ctx) {
    return page<User>(await readPage(ctx));
  },
  async POST(ctx) {
    const shown = await readPage(ctx);
    const fields = await readForm(ctx.req);
    const action = fields.get("action") ?? "";
    const back = (saved: string) => ctx.redirect(`${list}/${shown.user.id}?saved=${saved}`, 303);
    try {
      const saved = await changeUser(ctx.state, shown, action, fields);
      if (saved === "deleted") {
        return ctx.redirect(
          `${list}?${new URLSearchParams({ deleted: shown.user.username })}`,
          303,
        );
      }
      if (saved !== undefined) return back(saved);
      const place = { userId: shown.user.id };
      const change = await membershipByForm(ctx.state, fields, place);
      const { confirm } = await changeOrAsk(ctx.state, fields, change);
      if (confirm) return page<User>({ ...shown, confirm }, { status: 422 });
      return back("memberships");
    } catch (error) {
      const problem = { ...formProblem(error), form: action };
      const again = await readPage(ctx);
      const values = action === "save" ? userValues(fields) : again.values;
      return page<User>({ ...again, values, problem }, { status: problem.status });
    }
  },
});

/** Does what a form asks for; resolves to a word for what was saved, or undefined if it is for another. */
async function changeUser(
  state: State,
  { user: { id, username }, isStaff }: User,
  action: string,
  fields: URLSearchParams,
): Promise<string | undefined> {
  const { scope, user } = state.admin!;
  const version = fields.get("version") ?? "";
  const { SECURITY } = await state.services.settings.current();
  switch (action) {
    case "save": {
      const values = userValues(fields);
      await changeByForm(state, (tx) =>
        updateUser(tx, scope, user.userId, id, version, {
          username: values.username,
          email: values.email,
          firstName: values.first_name,
          lastName: values.last_name,
          avatarUrl: values.avatar_url === null ? undefined : values.avatar_url || null,
          // What is disabled in a form is not sent.
          isStaff: isStaff ? values.is_staff : undefined,
          isSuperuser: isStaff ? values.is_superuser : undefined,
        }));
      return "yes";
    }
    case "disable":
    case "enable":
      await changeByForm(
        state,
        (tx) => updateUser(tx, scope, user.userId, id, version, { isActive: action === "enable" }),
      );
      return `${action}d`;
    case "password": {
      const password = fields.get("password") ?? "";
      if (password !== (fields.get("repeated") ?? "")) {
        throw fieldProblem("repeated", "The passwords are not the same. Write them again.");
      }
      await changeByForm(
        state,
        (tx) => resetPassword(tx, scope, id, { password, keepSession: user.sessionId }, SECURITY),
      );
      return "password";
    }
    case "end-session":
    case "end-token": {
      const one = fields.get("id") ?? "";
      // Malformed ids are nobody's, and PostgreSQL refuses to compare them.
      if (!/^[0-9a-f-]{36}$/.test(one)) throw notFound("session", one);
      await changeByForm(state, async (tx) => {
        await lockEditableUser(tx, scope, id, "*");
        if (action === "end-session") await revokeSession(tx, id, one);
        else await revokeFamily(tx, id, one, SECURITY);
      });
      return "ended";
    }
    case "revoke":
      await changeByForm(state, async (tx) => {
        await lockEditableUser(tx, scope, id, "*");
        await revokeAllTokens(tx, id);
        await revokeSessions(tx, id);
      });
      return "revoked";
    case "delete":
      if (fields.get("confirm") !== username) {
        throw fieldProblem("confirm", `Write ${username} into the field to delete the user.`);
      }
      await changeByForm(state, (tx) => deleteUser(tx, scope, user.userId, id, version));
      return "deleted";
  }
}

async function readPage(ctx: Pick<Context<State>, "state" | "url" | "params">): Promise<User> {
  const { services: { db, settings }, admin } = ctx.state;
  const { scope, user } = admin!;
  const id = rowNumber(ctx.params.id);
  const detail = id && await userDetail(db, scope, id);
  if (!detail) throw notFound("user", ctx.params.id);
  ctx.state.title = detail.user.username;
  return {
    ...detail,
    values: detail.user,
    choices: organizationChoices(admin!),
    groups: await groupChoices(db, scope),
    isStaff: "all" in scope,
    isSelf: user.userId === detail.user.id,
    least: (await settings.current()).SECURITY.PASSWORD_MIN_LENGTH,
    saved: ctx.url.searchParams.get("saved") ?? undefined,
  };
}

const news: Record<string, string> = {
  created: "The user is created.",
  yes: "The user is saved.",
  enabled: "The user may sign in again.",
  disabled: "The user is disabled, and signed out everywhere.",
  password: "The password is changed. Whoever was signed in with the old one is signed out.",
  ended: "The session is ended.",
  revoked: "All sessions and tokens of the user are ended.",
  memberships: "The memberships are saved.",
};

const memberForms = ["add", "move", "suspend", "resume", "remove"];

export default define.page<typeof handler>(function UserPage({ data }) {
  const { user, isEditable, isStaff, values, saved, problem, confirm } = data;
  const path = `${list}/${user.id}`;
  const problemOf = (...forms: string[]) =>
    problem && forms.includes(problem.form) ? problem : undefined;
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Users", href: list }]}
        title={
          <>
            {user.username} <UserRank user={user} />
          </>
        }
        description={isEditable
          ? undefined
          : "This user is staff, or also a member of organizations that you do not administer. You " +
            "may change their memberships in yours; ask staff for the rest."}
      >
        <a
          class="btn btn-outline-secondary"
          href={`/admin/explain?${new URLSearchParams({ user: user.username })}`}
        >
          <Icon name="eye" /> What can they see?
        </a>
      </PageHeader>
      {saved && news[saved] && <Alert kind="success">{news[saved]}</Alert>}
      {confirm ? <ConfirmLosses {...confirm} action={path} cancel={path} /> : (
        <>
          <form method="post" action={path}>
            {problemOf("save") && (
              <Alert kind="danger" title="Nothing was saved">{problem!.message}</Alert>
            )}
            <input type="hidden" name="version" value={user.version} />
            <UserFields
              values={values}
              stored={user}
              problem={problemOf("save")}
              disabled={!isEditable}
              mayRank={isStaff}
            />
            {isEditable && (
              <button type="submit" class="btn btn-primary" name="action" value="save">Save</button>
            )}
          </form>
          <UserMemberships
            path={path}
            rows={data.memberships}
            choices={data.choices}
            groups={data.groups}
            problem={problemOf(...memberForms)}
          />
          {isEditable && (
            <>
              <Password data={data} path={path} problem={problemOf("password")} />
              <UserAccesses path={path} sessions={data.sessions} tokens={data.tokens} />
              <End data={data} path={path} problem={problemOf("disable", "enable", "delete")} />
            </>
          )}
        </>
      )}
    </div>
  );
});

interface PartProps {
  data: User;
  path: string;
  problem?: FormProblem & { form: string };
}

function Password({ data, path, problem }: PartProps) {
  return (
    <section>
      <h2>Password</h2>
      <form method="post" action={path}>
        {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
        <div class="field-pair">
          <Field
            name="password"
            label="New password"
            type="password"
            autoComplete="new-password"
            error={problem?.fields.password}
            hint={`At least ${data.least} characters, and none of the common ones.`}
          />
          <Field
            name="repeated"
            label="New password again"
            type="password"
            autoComplete="new-password"
            error={problem?.fields.repeated}
          />
        </div>
        <button type="submit" class="btn btn-outline-secondary" name="action" value="password">
          Set the password
        </button>
        <div class="form-text">All sessions and tokens that were opened with the old one end.</div>
      </form>
    </section>
  );
}

function End({ data, path, problem }: PartProps) {
  const { user, isStaff, isSelf } = data;
  if (isSelf) return null;
  return (
    <section>
      <h2>{user.is_active ? "Disable" : "Enable"}{isStaff && " or delete"}</h2>
      {problem && <Alert kind="danger" title="Nothing was changed">{problem.message}</Alert>}
      <form method="post" action={path}>
        <input type="hidden" name="version" value={user.version} />
        <p>
          {user.is_active
            ? `${user.username} is signed out everywhere at once, and cannot sign in or sync until ` +
              "enabled again. Nothing is deleted."
            : `${user.username} is disabled and can neither sign in nor sync.`}
        </p>
        <button
          type="submit"
          class={`btn ${user.is_active ? "btn-outline-danger" : "btn-primary"}`}
          name="action"
          value={user.is_active ? "disable" : "enable"}
        >
          {user.is_active ? "Disable the user" : "Enable the user"}
        </button>
      </form>
      {isStaff && (
        <details class="mt-3" open={problem?.form === "delete"}>
          <summary>Delete the user</summary>
          <form method="post" action={path} class="mt-3">
            <input type="hidden" name="version" value={user.version} />
            <p>
              With their memberships, tokens and devices. This cannot be undone; to disable the user
              keeps the trace.
            </p>
            <Field
              name="confirm"
              label={`Write ${user.username} to confirm`}
              autoComplete="off"
              error={problem?.fields.confirm}
            />
            <button type="submit" class="btn btn-danger" name="action" value="delete">
              Delete {user.username}
            </button>
          </form>
        </details>
      )}
    </section>
  );
}
