import { Alert, Field } from "../../../../lib/ui/mod.ts";
import type { FormProblem, OrganizationRow } from "../../../../lib/web/mod.ts";

export interface OrganizationEndProps {
  organization: OrganizationRow;
  path: string;
  /** Which of the page's forms was not saved, and why. */
  problem?: FormProblem & { form: string };
}

/** The forms that deactivate and delete an organization. */
export function OrganizationEnd({ organization, problem, path }: OrganizationEndProps) {
  const { is_active, members, slug, name, version } = organization;
  const people = members === 1 ? "its member" : `its ${members.toLocaleString("en")} members`;
  return (
    <section class="page-narrow">
      <h2>{is_active ? "Deactivate or delete" : "Activate or delete"}</h2>
      <form method="post" action={path}>
        <input type="hidden" name="version" value={version} />
        <p>
          {is_active
            ? `Deactivating ${name} refuses every push and pull of ${people} until it is active ` +
              "again. Nothing is deleted, and devices keep what they have."
            : `${name} is not active: every push and pull of ${people} is refused.`}
        </p>
        <p class="page-actions">
          <button
            type="submit"
            class={`btn ${is_active ? "btn-outline-danger" : "btn-primary"}`}
            name="action"
            value={is_active ? "deactivate" : "activate"}
          >
            {is_active ? "Deactivate the organization" : "Activate the organization"}
          </button>
        </p>
      </form>
      <details open={problem?.form === "delete"}>
        <summary>Delete the organization</summary>
        <form method="post" action={path} class="mt-3">
          {problem?.form === "delete" && (
            <Alert kind="danger" title="Nothing was deleted">{problem.message}</Alert>
          )}
          <input type="hidden" name="version" value={version} />
          <p>
            With its memberships, permissions, filters, devices and logs. It is refused while models
            have rows of it. Its users stay. This cannot be undone.
          </p>
          <Field
            name="confirm"
            label={`Write ${slug} to confirm`}
            autoComplete="off"
            error={problem?.form === "delete" ? problem.fields.confirm : undefined}
          />
          <button type="submit" class="btn btn-danger" name="action" value="delete">
            Delete {name}
          </button>
        </form>
      </details>
    </section>
  );
}
