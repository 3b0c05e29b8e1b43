import OrganizationInput from "../../../islands/OrganizationInput.tsx";
import { Choice, Field } from "../../../lib/ui/mod.ts";
import type { OrganizationChoices } from "../../../lib/web/mod.ts";

interface OrganizationChoiceProps {
  choices: OrganizationChoices;
  name: string;
  error?: string;
  required?: boolean;
  /** The slug of the one that is chosen. */
  chosen?: string;
  /** The word for none of them. Absent: one has to be chosen. */
  any?: string;
}

/** A field whose value is an organization's slug: a list of all, or a search where they are too many. */
export function OrganizationChoice({ choices, chosen, any, ...field }: OrganizationChoiceProps) {
  const { organizations, hasMore } = choices;
  if (hasMore) {
    return (
      <Field {...field} label="Organization">
        {(control) => (
          <OrganizationInput
            {...control}
            class={field.error ? "is-invalid" : ""}
            chosen={chosen}
            placeholder={any ?? "Slug, or part of the name"}
          />
        )}
      </Field>
    );
  }
  return (
    <Choice
      {...field}
      label="Organization"
      chosen={chosen}
      any={any}
      options={organizations.map(({ slug, name }) => ({ id: slug, name }))}
    />
  );
}
