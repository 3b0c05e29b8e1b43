import { createGroup } from "../../../lib/access/mod.ts";
import { Alert, PageHeader } from "../../../lib/ui/mod.ts";
import { creationHandlers, define } from "../../../lib/web/mod.ts";
import { GroupFields, groupValues } from "./(_form)/group_fields.tsx";

const path = "/admin/groups";

export const handler = creationHandlers("Create group", path, groupValues, createGroup);

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
