import { createOrganization } from "../../../lib/access/mod.ts";
import { PageHeader } from "../../../lib/ui/mod.ts";
import { creationHandlers, define } from "../../../lib/web/mod.ts";
import { OrganizationForm, organizationValues } from "./(_form)/organization_form.tsx";

const path = "/admin/organizations";

export const handler = creationHandlers(
  "Create organization",
  path,
  organizationValues,
  (tx, values) => createOrganization(tx, { ...values, slug: values.slug || undefined }),
);

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
