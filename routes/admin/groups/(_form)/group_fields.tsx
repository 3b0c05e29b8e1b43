import { Field } from "../../../../lib/ui/mod.ts";
import type { FormProblem } from "../../../../lib/web/mod.ts";

/** What of a group a form sets. */
export interface GroupValues {
  name: string;
  description: string;
}

/** The values that a form sent. */
export function groupValues(fields: URLSearchParams): GroupValues {
  return { name: fields.get("name") ?? "", description: fields.get("description") ?? "" };
}

export interface GroupFieldsProps {
  values: GroupValues;
  /** As stored, where the group was changed meanwhile. */
  stored?: GroupValues;
  problem?: FormProblem;
  disabled?: boolean;
}

/** Name and description of a group. */
export function GroupFields({ values, stored, problem, disabled }: GroupFieldsProps) {
  const now = (name: keyof GroupValues) =>
    problem?.isStale && stored && stored[name] !== values[name]
      ? `Stored now: ${stored[name] || "empty"}.`
      : undefined;
  return (
    <>
      <Field
        name="name"
        label="Name"
        required
        maxLength={150}
        disabled={disabled}
        value={values.name}
        error={problem?.fields.name}
        hint={now("name")}
      />
      <Field
        name="description"
        label="Description"
        error={problem?.fields.description}
        hint={now("description")}
      >
        {(control) => (
          <textarea
            {...control}
            class="form-control"
            rows={2}
            disabled={disabled}
            value={values.description}
          />
        )}
      </Field>
    </>
  );
}
