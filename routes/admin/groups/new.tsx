import { page } from "fresh";
import { createGroup, requireAll } from "../../../lib/access/mod.ts";
import { Alert, PageHeader } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  type FormProblem,
  formProblem,
  readForm,
} from "../../../lib/web/mod.ts";
import { GroupFields, type GroupValues } from "./(_form)/group_fields.tsx";

const path = "/admin/groups";

interface NewGroup {
  values: GroupValues;
  problem?: FormProblem;
}

export const handler = define.handlers({
  GET(ctx) {
    ctx.state.title = "Create group";
    requireAll(ctx.state.admin!.scope);
    return page<NewGroup>({ values: { name: "", description: "" } });
  },
  async POST(ctx) {
    ctx.state.title = "Create group";
    requireAll(ctx.state.admin!.scope);
    const fields = await readForm(ctx.req);
    const values = {
      name: fields.get("name") ?? "",
      description: fields.get("description") ?? "",
    };
    try {
      const id = await changeByForm(ctx.state, (tx) => createGroup(tx, values));
      return ctx.redirect(`${path}/${id}?saved=created`, 303);
    } catch (error) {
      const problem = formProblem(error);
      return page<NewGroup>({ values, problem }, { status: problem.status });
    }
  },
});

export default define.page<typeof handler>(function NewGroupPage({ data: { values, problem } }) {
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Groups", href: path }]}
        title="Create group"
        description="It is there in every organization, and may do nothing until it is given permissions."
      />
      <form method="post" action={`${path}/new`}>
        {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
        <GroupFields values={values} problem={problem} />
        <button type="submit" class="btn btn-primary">Create group</button>
      </form>
    </div>
  );
});
