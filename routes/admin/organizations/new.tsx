import { page } from "fresh";
import { createOrganization, requireAll } from "../../../lib/access/mod.ts";
import { PageHeader } from "../../../lib/ui/mod.ts";
import {
  changeByForm,
  define,
  type FormProblem,
  formProblem,
  readForm,
} from "../../../lib/web/mod.ts";
import { OrganizationForm, type OrganizationValues } from "./(_form)/organization_form.tsx";

const path = "/admin/organizations";

interface NewOrganization {
  values: OrganizationValues;
  problem?: FormProblem;
}

export const handler = define.handlers({
  GET(ctx) {
    ctx.state.title = "Create organization";
    requireAll(ctx.state.admin!.scope);
    return page<NewOrganization>({ values: { name: "", slug: "", description: "" } });
  },
  async POST(ctx) {
    ctx.state.title = "Create organization";
    requireAll(ctx.state.admin!.scope);
    const fields = await readForm(ctx.req);
    const values = {
      name: fields.get("name") ?? "",
      slug: fields.get("slug")?.trim() ?? "",
      description: fields.get("description") ?? "",
    };
    try {
      const id = await changeByForm(
        ctx.state,
        (tx) => createOrganization(tx, { ...values, slug: values.slug || undefined }),
      );
      return ctx.redirect(`${path}/${id}?saved=created`, 303);
    } catch (error) {
      const problem = formProblem(error);
      return page<NewOrganization>({ values, problem }, { status: problem.status });
    }
  },
});

export default define.page<typeof handler>(function NewOrganizationPage({ data }) {
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Access" }, { label: "Organizations", href: path }]}
        title="Create organization"
        description="Its groups start without permissions; a template on a group's page gives them some."
      />
      <OrganizationForm
        action={`${path}/new`}
        values={data.values}
        problem={data.problem}
        maySlug
        verb="Create organization"
      />
    </div>
  );
});
