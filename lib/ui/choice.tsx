import { Field } from "./field.tsx";

export interface ChoiceProps {
  name: string;
  label: string;
  chosen: string | undefined;
  /** Value to word. */
  options: Record<string, string>;
  /** The word for no choice. Absent: something is always chosen. */
  any?: string;
  hint?: string;
}

/** A field to choose one of a few values, or none. */
export function Choice({ name, label, chosen, options, any, hint }: ChoiceProps) {
  return (
    <Field name={name} label={label} hint={hint}>
      {(control) => (
        <select {...control} class="form-select">
          {any !== undefined && <option value="" selected={chosen === undefined}>{any}</option>}
          {Object.entries(options).map(([value, word]) => (
            <option value={value} selected={value === chosen}>{word}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
