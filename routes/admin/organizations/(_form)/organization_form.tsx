import { Alert, Field } from "../../../../lib/ui/mod.ts";
import type { FormProblem } from "../../../../lib/web/mod.ts";

/** What of an organization a form sets. */
export interface OrganizationValues {
  name: string;
  slug: string;
  description: string;
}

/** The values that a form sent. */
export function organizationValues(fields: URLSearchParams): OrganizationValues {
  return {
    name: fields.get("name") ?? "",
    slug: fields.get("slug")?.trim() ?? "",
    description: fields.get("description") ?? "",
  };
}

export interface OrganizationFormProps {
  action: string;
  values: OrganizationValues;
  /** As stored, where the organization was changed meanwhile. */
  stored?: OrganizationValues;
  version?: string;
  problem?: FormProblem;
  /** The slug is set by staff only. */
  maySlug: boolean;
  verb: string;
}

/** Name, slug and description of an organization. */
export function OrganizationForm(props: OrganizationFormProps) {
  const { action, values, stored, version, problem, maySlug, verb } = props;
  const now = (name: keyof OrganizationValues) =>
    problem?.isStale && stored && stored[name] !== values[name]
      ? `Stored now: ${stored[name] || "empty"}. `
      : "";
  return (
    <form method="post" action={action}>
      {problem && <Alert kind="danger" title="Nothing was saved">{problem.message}</Alert>}
      {version !== undefined && <input type="hidden" name="version" value={version} />}
      <Field
        name="name"
        label="Name"
        required
        maxLength={200}
        value={values.name}
        error={problem?.fields.name}
        hint={`${now("name")}At most 200 characters.`}
      />
      <Field
        name="slug"
        label="Slug"
        maxLength={50}
        disabled={!maySlug}
        value={values.slug}
        error={problem?.fields.slug}
        hint={now("slug") + (!maySlug
          ? "Clients name the organization by it, so staff only change it."
          : version === undefined
          ? "Clients name the organization by it. Left empty it is made of the name."
          : "Clients name the organization by it: those that use the old one are refused.")}
      />
      <Field
        name="description"
        label="Description"
        error={problem?.fields.description}
        hint={now("description") || undefined}
      >
        {(control) => (
          <textarea {...control} class="form-control" rows={3} value={values.description} />
        )}
      </Field>
      <button type="submit" class="btn btn-primary" name="action" value="save">{verb}</button>
    </form>
  );
}
